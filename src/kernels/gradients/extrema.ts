import * as tf from "@tensorflow/tfjs";
import { gradientOf } from "./registry.js";

/**
 * tf.max and tf.min: equal extrema share the gradient evenly, as in TensorFlow. tfjs 4.22 gives each of them all of it, so
 * that the gradients of a row add up to more than one.
 */
export const extrema: readonly tf.GradConfig[] = [
  gradientOf<{ reductionIndices: number | number[] }>(
    "Max",
    { inputsToSave: ["x"], outputsToSave: [true] },
    (dy, saved, { reductionIndices }) => shared(dy, saved, reductionIndices),
  ),
  gradientOf<{ axis: number | number[] }>(
    "Min",
    { inputsToSave: ["x"], outputsToSave: [true] },
    (dy, saved, { axis }) => shared(dy, saved, axis),
  ),
];

function shared(dy: tf.Tensor, saved: tf.Tensor[], axis: number | number[]) {
  const [x, y] = saved as [tf.Tensor, tf.Tensor];
  const axes = tf.util.parseAxisParam(axis, x.shape);
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
  return {
    x: () => {
      const extreme = tf.cast(tf.equal(x, tf.reshape(y, kept)), "float32");
      const count = tf.sum(extreme, axes, true);
      return tf.mul(extreme, tf.div(tf.reshape(dy, kept), count));
    },
  };
}
