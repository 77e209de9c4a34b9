import * as tf from "@tensorflow/tfjs";

/**
 * tf.image.resizeBilinear to `size` as two products with matrices, one along each axis: its own gradient throws on the cpu
 * backend of tfjs 4.22 where the image is not square.
 */
export function resizeBilinear(image: tf.Tensor, size: readonly [number, number]): tf.Tensor {
  return alongAxis(alongAxis(image, 1, size[0]), 2, size[1]);
}

function alongAxis(image: tf.Tensor, axis: 1 | 2, size: number): tf.Tensor {
  const order = axis === 1 ? [0, 2, 3, 1] : [0, 1, 3, 2];
  const back = axis === 1 ? [0, 3, 1, 2] : [0, 1, 3, 2];
  const last = tf.transpose(image, order);
  const from = last.shape[3] as number;
  const rows = tf.matMul(tf.reshape(last, [-1, from]), interpolation(from, size));
  return tf.transpose(tf.reshape(rows, [...last.shape.slice(0, 3), size]), back);
}

/** `[from, to]`: what each pixel gives to each of the resized ones; i of those lies at i from / to, without rounding up. */
function interpolation(from: number, to: number): tf.Tensor2D {
  const matrix = new Float32Array(from * to);
  for (let i = 0; i < to; i++) {
    const at = (i * from) / to;
    const low = Math.floor(at);
    const high = Math.min(low + 1, from - 1);
    matrix[low * to + i] = (matrix[low * to + i] as number) + 1 - (at - low);
    matrix[high * to + i] = (matrix[high * to + i] as number) + at - low;
  }
  return tf.tensor2d(matrix, [from, to]);
}
