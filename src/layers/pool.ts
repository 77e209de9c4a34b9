/** Pooling over one, two or three axes of space, channels last, from the pooling of images: tfjs is wrong of volumes on wasm. */
import * as tf from "@tensorflow/tfjs";

export interface PoolOptions {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  /** `"same"` or `"valid"`. */
  readonly padding: string;
}

type PoolImages = (x: tf.Tensor4D, size: [number, number], strides: [number, number]) => tf.Tensor4D;

/** The largest under each window. */
export function maxPool(x: tf.Tensor, { size, strides, padding }: PoolOptions): tf.Tensor {
  return overSpace(x, size, strides, (images, window, by) =>
    tf.maxPool(images, window, by, padding as "same" | "valid"),
  );
}

/** The average of what lies under a window, of which the padding of `same` is no part. */
export function averagePool(x: tf.Tensor, { size, strides, padding }: PoolOptions): tf.Tensor {
  const space = x.shape.slice(1, -1);
  const borders = space.map((n, i): [number, number] => {
    const [window, stride] = [size[i] as number, strides[i] as number];
    const all = padding === "same" ? Math.max(0, (Math.ceil(n / stride) - 1) * stride + window - n) : 0;
    return [Math.floor(all / 2), Math.ceil(all / 2)];
  });
  const pooled = (t: tf.Tensor) =>
    overSpace(tf.pad(t, [[0, 0], ...borders, [0, 0]]), size, strides, (images, window, by) =>
      tf.avgPool(images, window, by, "valid"),
    );
  if (borders.every(([a, b]) => a + b === 0)) return pooled(x);
  // The average over the whole window, by the part of it that is no padding.
  return tf.div(pooled(x), pooled(tf.ones([1, ...space, 1])));
}

/** Volumes over two axes, then over the third. */
function overSpace(
  x: tf.Tensor,
  size: readonly number[],
  strides: readonly number[],
  run: PoolImages,
): tf.Tensor {
  if (size.length === 1) {
    const [window, stride] = [size[0] as number, strides[0] as number];
    return tf.squeeze(run(tf.expandDims(x, 2) as tf.Tensor4D, [window, 1], [stride, 1]), [2]);
  }
  if (size.length === 2) return run(x as tf.Tensor4D, size as [number, number], strides as [number, number]);
  const [b, d, h, w, c] = x.shape as [number, number, number, number, number];
  const planes = tf.reshape(x, [b * d, h, w, c]) as tf.Tensor4D;
  const flat = run(planes, size.slice(1) as [number, number], strides.slice(1) as [number, number]);
  const [, rows, columns] = flat.shape;
  const lines = tf.reshape(flat, [b, d, rows * columns, c]) as tf.Tensor4D;
  const y = run(lines, [size[0] as number, 1], [strides[0] as number, 1]);
  return tf.reshape(y, [b, y.shape[1], rows, columns, c]);
}
