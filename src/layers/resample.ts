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
  antialias = false,
): tf.Tensor {
  const old = x.shape[axis] as number;
  if (length === old) return x;
  const weights = tf.tensor2d(weightsOf(old, length, interpolation, antialias), [length, old]);
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

/**
 * Row-major [length, old]. With `antialias` a kernel is as much wider as the image gets smaller, so that no pixel is left out.
 */
function weightsOf(
  old: number,
  length: number,
  interpolation: Interpolation,
  antialias: boolean,
): Float32Array {
  const w = new Float32Array(length * old);
  const scale = old / length;
  const wide = antialias ? Math.max(1, scale) : 1;
  for (let i = 0; i < length; i++) {
    const row = w.subarray(i * old, (i + 1) * old);
    if (interpolation === "nearest") {
      row[Math.min(old - 1, Math.floor(Math.fround((i + 0.5) * Math.fround(scale))))] = 1;
    } else if (interpolation === "area") {
      // The part of each pixel that lies under the new one.
      for (let j = Math.floor(i * scale); j < Math.min(old, Math.ceil((i + 1) * scale)); j++) {
        row[j] = (Math.min(j + 1, (i + 1) * scale) - Math.max(j, i * scale)) / scale;
      }
    } else {
      const { radius, at } = KERNELS[interpolation] as { radius: number; at: (x: number) => number };
      const table = interpolation === "bicubic" && !antialias;
      const centre = table ? tabulated(i, scale) : (i + 0.5) * scale - 0.5;
      const reach = radius * wide;
      for (let j = Math.ceil(centre - reach); j <= Math.floor(centre + reach); j++) {
        if (interpolation === "bilinear" && !antialias) {
          const inside = Math.min(old - 1, Math.max(0, j));
          row[inside] = (row[inside] as number) + at(j - centre);
        } else if (j >= 0 && j < old) row[j] = at((j - centre) / wide);
      }
      const sum = row.reduce((a, b) => a + b, 0);
      for (let j = 0; j < old; j++) row[j] = (row[j] as number) / sum;
    }
  }
  return w;
}

/**
 * Where a bicubic sample lies: TensorFlow looks its weights up in a table of 1024 places between two pixels.
 *
 * @source tensorflow/core/kernels/image/resize_bicubic_op.cc
 */
function tabulated(i: number, scale: number): number {
  const at = Math.fround(Math.fround((i + 0.5) * Math.fround(scale)) - 0.5);
  const whole = Math.floor(at);
  return whole + Math.round((at - whole) * 1024) / 1024;
}

export interface ResizeOptions {
  readonly interpolation: Interpolation;
  readonly antialias?: boolean;
  /** Cuts what would be squeezed, so that nothing is. */
  readonly cropToAspectRatio?: boolean;
  /** Adds borders of `fillValue` instead. */
  readonly padToAspectRatio?: boolean;
  readonly fillValue?: number;
}

/** Images [batch, height, width, channels] in another size. @source keras/src/backend/tensorflow/image.py */
export function resizeImages(
  x: tf.Tensor,
  height: number,
  width: number,
  { interpolation, antialias = false, fillValue = 0, ...aspect }: ResizeOptions,
): tf.Tensor {
  const [b, h, w, c] = x.shape as [number, number, number, number];
  const wantedHeight = Math.trunc(Math.fround(Math.fround(w * height) / width));
  const wantedWidth = Math.trunc(Math.fround(Math.fround(h * width) / height));
  let images = x;
  if (aspect.cropToAspectRatio === true) {
    const rows = Math.max(Math.min(h, wantedHeight), 1);
    const columns = Math.max(Math.min(w, wantedWidth), 1);
    const begin = [0, Math.floor((h - rows) / 2), Math.floor((w - columns) / 2), 0];
    images = tf.slice(x, begin, [b, rows, columns, c]);
  } else if (aspect.padToAspectRatio === true) {
    const above = Math.floor((Math.max(h, wantedHeight) - h) / 2);
    const beside = Math.floor((Math.max(w, wantedWidth) - w) / 2);
    const borders: [number, number][] = [
      [0, 0],
      [above, above],
      [beside, beside],
      [0, 0],
    ];
    images = tf.pad(x, borders, fillValue);
  }
  return resample(resample(images, 1, height, interpolation, antialias), 2, width, interpolation, antialias);
}
