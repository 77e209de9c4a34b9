import * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../../core/ndarray.js";
import { gradientOf } from "./registry.js";

interface StridedSliceAttributes {
  begin: number[];
  end: number[];
  strides: number[];
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

/** tf.stridedSlice, for which tfjs has no gradient: dy spread to where it was read. */
export const stridedSlice = gradientOf<StridedSliceAttributes>(
  "StridedSlice",
  { inputsToSave: ["x"] },
  (dy, [x], a) => ({
    x: () => {
      const { shape } = x as tf.Tensor;
      const masks = [a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask] as const;
      const { begin, end, strides } = tf.slice_util.sliceInfo(shape, a.begin, a.end, a.strides, ...masks);
      const reads = shape.map((size, axis): Reads => {
        const [first, stride] = [begin[axis] as number, strides[axis] as number];
        const count = Math.max(0, Math.ceil(((end[axis] as number) - first) / stride));
        return { size, first, stride, count };
      });
      if (reads.some(({ count }) => count === 0)) return tf.zeros(shape);
      // Without the axes that the slice added, and with those that it took away.
      const counts = reads.map(({ count }) => count);
      return reads.reduce<tf.Tensor>(spreadAxis, tf.reshape(dy, counts));
    },
  }),
);

/** Along one axis of x: `count` elements were read, from `first` on, `stride` apart. */
interface Reads {
  size: number;
  first: number;
  stride: number;
  count: number;
}

function spreadAxis(dy: tf.Tensor, { size, first, stride, count }: Reads, axis: number): tf.Tensor {
  const forward = stride > 0 ? dy : tf.reverse(dy, axis);
  const start = stride > 0 ? first : first + (count - 1) * stride;
  const step = Math.abs(stride);
  const [before, after] = [sizeOf(dy.shape.slice(0, axis)), sizeOf(dy.shape.slice(axis + 1))];
  const reach = (count - 1) * step + 1;
  // Rank 3 is as far as every backend pads.
  const gaps = tf.pad(tf.reshape(forward, [before * count, 1, after]), [
    [0, 0],
    [0, step - 1],
    [0, 0],
  ]);
  const whole = tf.slice(tf.reshape(gaps, [before, count * step, after]), [0, 0, 0], [before, reach, after]);
  const placed = tf.pad(whole, [
    [0, 0],
    [start, size - start - reach],
    [0, 0],
  ]);
  return tf.reshape(placed, dy.shape.with(axis, size));
}
