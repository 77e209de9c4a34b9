import * as tf from "@tensorflow/tfjs";

export type Interpolation = "nearest" | "bilinear" | "bicubic" | "lanczos3" | "lanczos5" | "area";
export const INTERPOLATIONS: readonly string[] = [
  "nearest",
  "bilinear",
  "bicubic",
  "lanczos3",
  "lanczos5",
  "area",
];

/**
 * An image whose one axis has another length: a product with a matrix of weights, and so linear, with the right gradient on
 * every backend. Sample points are at half-pixel centres, as in tf.image.resize of TensorFlow 2; beyond the border the
 * weights are shared among the pixels that are there.
 *
 * y[.., i, ..] = sum_j w[i, j] x[.., j, ..]
 */
export function resample(
  x: tf.Tensor,
  axis: number,
  length: number,
  interpolation: Interpolation,
): tf.Tensor {
  const old = x.shape[axis] as number;
  if (length === old) return x;
  const weights = tf.tensor2d(weightsOf(old, length, interpolation), [length, old]);
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const rows = before.reduce((a, b) => a * b, 1);
  const columns = after.reduce((a, b) => a * b, 1);
  const flat = tf.reshape(x, [rows, old, columns]) as tf.Tensor3D;
  const moved = tf.reshape(tf.transpose(flat, [1, 0, 2]), [old, rows * columns]);
  const y = tf.reshape(tf.matMul(weights, moved as tf.Tensor2D), [length, rows, columns]);
  return tf.reshape(tf.transpose(y, [1, 0, 2]), [...before, length, ...after]);
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (radius: number) => (x: number) => (Math.abs(x) < radius ? sinc(x) * sinc(x / radius) : 0);

/** Keys's cubic with a = -0.5, as TensorFlow's with half-pixel centres. */
const cubic = (x: number) => {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
};

const KERNELS: Readonly<Partial<Record<Interpolation, { radius: number; at: (x: number) => number }>>> = {
  bilinear: { radius: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { radius: 2, at: cubic },
  lanczos3: { radius: 3, at: lanczos(3) },
  lanczos5: { radius: 5, at: lanczos(5) },
};

/** How finely TensorFlow tells how far a point of its cubic lies from a pixel. */
const CUBIC_STEPS = 1024;

/** Where the i-th new pixel lies among the old. */
function centreOf(i: number, scale: number, interpolation: Interpolation): number {
  const centre = (i + 0.5) * scale - 0.5;
  if (interpolation !== "bicubic") return centre;
  const before = Math.floor(centre);
  return before + Math.round((centre - before) * CUBIC_STEPS) / CUBIC_STEPS;
}

/** Row-major [length, old]. */
function weightsOf(old: number, length: number, interpolation: Interpolation): Float32Array {
  const w = new Float32Array(length * old);
  const scale = old / length;
  for (let i = 0; i < length; i++) {
    const row = w.subarray(i * old, (i + 1) * old);
    if (interpolation === "nearest") {
      row[Math.min(old - 1, Math.floor((i + 0.5) * scale))] = 1;
    } else if (interpolation === "area") {
      // The part of each pixel that lies under the new one.
      for (let j = Math.floor(i * scale); j < Math.min(old, Math.ceil((i + 1) * scale)); j++) {
        row[j] = (Math.min(j + 1, (i + 1) * scale) - Math.max(j, i * scale)) / scale;
      }
    } else {
      const { radius, at } = KERNELS[interpolation] as { radius: number; at: (x: number) => number };
      const centre = centreOf(i, scale, interpolation);
      for (let j = Math.ceil(centre - radius); j <= Math.floor(centre + radius); j++) {
        if (interpolation === "bilinear") {
          const inside = Math.min(old - 1, Math.max(0, j));
          row[inside] = (row[inside] as number) + at(j - centre);
        } else if (j >= 0 && j < old) row[j] = at(j - centre);
      }
      const sum = row.reduce((a, b) => a + b, 0);
      for (let j = 0; j < old; j++) row[j] = (row[j] as number) / sum;
    }
  }
  return w;
}
