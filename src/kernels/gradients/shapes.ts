import * as tf from "@tensorflow/tfjs";
import { gradientOf, stockGradient } from "./registry.js";

/** Gradients of operations that repeat, mirror or add up along axes. */
export const shapes: readonly tf.GradConfig[] = [
  // tfjs adds up one slice a repetition, and not beyond rank 4.
  gradientOf<{ reps: number[] }>("Tile", { inputsToSave: ["x"] }, (dy, [x], { reps }) => ({
    x: () => {
      const { shape } = x as tf.Tensor;
      const folded = tf.reshape(
        dy,
        shape.flatMap((n, axis) => [reps[axis] as number, n]),
      );
      return tf.reshape(
        tf.sum(
          folded,
          shape.map((_, axis) => 2 * axis),
        ),
        shape,
      );
    },
  })),
  // tfjs turns the axes where the sum does not run along the last.
  gradientOf<{ axis: number; exclusive: boolean; reverse: boolean }>(
    "Cumsum",
    {},
    (dy, _saved, { axis, exclusive, reverse }) => ({
      x: () => tf.cumsum(dy, axis < 0 ? axis + dy.rank : axis, exclusive, !reverse),
    }),
  ),
  // tfjs takes axes as they are, and a negative one for none.
  gradientOf<{ axis: number | number[]; keepDims: boolean }>(
    "Prod",
    { inputsToSave: ["x"] },
    (dy, saved, attributes) => {
      const axis = tf.util.parseAxisParam(attributes.axis, (saved[0] as tf.Tensor).shape);
      return stockGradient("Prod", dy, saved, { ...attributes, axis });
    },
  ),
  // tfjs drops what the mirrored parts are given.
  gradientOf<{ paddings: [number, number][]; mode: "reflect" | "symmetric" }>(
    "MirrorPad",
    { inputsToSave: ["x"] },
    (dy, _saved, { paddings, mode }) => ({
      x: () =>
        paddings.reduce(
          (folded, padding, axis) => foldMirrored(folded, axis, padding, mode === "reflect" ? 1 : 0),
          dy,
        ),
    }),
  ),
];

/** Adds the ends of an axis that mirror its middle to what they mirror; `skip` 1 where the edge itself is not repeated. */
function foldMirrored(
  dy: tf.Tensor,
  axis: number,
  [before, after]: [number, number],
  skip: 0 | 1,
): tf.Tensor {
  const size = (dy.shape[axis] as number) - before - after;
  const part = (start: number, length: number) =>
    tf.slice(
      dy,
      dy.shape.map((_, i) => (i === axis ? start : 0)),
      dy.shape.map((n, i) => (i === axis ? length : n)),
    );
  const padded = (x: tf.Tensor, start: number) =>
    tf.pad(
      x,
      dy.shape.map((_, i) => (i === axis ? [start, size - start - (x.shape[axis] as number)] : [0, 0])),
    );
  let sum = part(before, size);
  if (before > 0) sum = tf.add(sum, padded(tf.reverse(part(0, before), axis), skip));
  if (after > 0) sum = tf.add(sum, padded(tf.reverse(part(before + size, after), axis), size - after - skip));
  return sum;
}
