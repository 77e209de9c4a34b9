/** Convolutions with every option that Keras has, and with gradients, from the ops of tfjs. Channels are last. */
import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";

export interface ConvolveOptions {
  readonly strides: readonly number[];
  readonly padding: string;
  readonly dilationRate: readonly number[];
  readonly groups?: number;
}

/**
 * x [batch, ...space, in] with kernel [...space, in / groups, out] over one, two or three axes of space. `padding` is
 * `"same"`, `"valid"`, or `"causal"` with one axis.
 */
export function convolve(x: tf.Tensor, kernel: tf.Tensor, options: ConvolveOptions): tf.Tensor {
  const { strides, dilationRate, groups = 1 } = options;
  const rank = x.rank - 2;
  let { padding } = options;
  if (padding === "causal") {
    const left = ((kernel.shape[0] as number) - 1) * (dilationRate[0] as number);
    x = tf.pad(x, [
      [0, 0],
      [left, 0],
      [0, 0],
    ]);
    padding = "valid";
  }
  const sparse = dilated(kernel, dilationRate);
  const pad = padding as "same" | "valid";
  const one = (part: tf.Tensor, weights: tf.Tensor): tf.Tensor => {
    if (rank === 1) {
      const y = tf.conv2d(
        tf.expandDims(part, 1) as tf.Tensor4D,
        tf.expandDims(weights, 0) as tf.Tensor4D,
        [1, strides[0] as number],
        pad,
      );
      return tf.squeeze(y, [1]);
    }
    if (rank === 2)
      return tf.conv2d(part as tf.Tensor4D, weights as tf.Tensor4D, strides as [number, number], pad);
    return tf.conv3d(part as tf.Tensor5D, weights as tf.Tensor5D, strides as [number, number, number], pad);
  };
  if (groups === 1) return one(x, sparse);
  const parts = tf.split(x, groups, -1);
  const kernels = tf.split(sparse, groups, -1);
  return tf.concat(
    parts.map((part, i) => one(part, kernels[i] as tf.Tensor)),
    -1,
  );
}

/** x [batch, ...space, in] with kernel [...space, in, multiplier], each channel by itself, over one or two axes. */
export function depthwiseConvolve(x: tf.Tensor, kernel: tf.Tensor, options: ConvolveOptions): tf.Tensor {
  const { strides, padding, dilationRate } = options;
  if (x.rank === 3) {
    const causal = padding === "causal";
    const left = ((kernel.shape[0] as number) - 1) * (dilationRate[0] as number);
    const padded = causal
      ? tf.pad(x, [
          [0, 0],
          [left, 0],
          [0, 0],
        ])
      : x;
    const y = depthwiseConvolve(tf.expandDims(padded, 1), tf.expandDims(kernel, 0), {
      // tfjs takes equal strides only; the other axis has one row.
      strides: [strides[0] as number, strides[0] as number],
      padding: causal ? "valid" : padding,
      dilationRate: [1, dilationRate[0] as number],
    });
    return tf.squeeze(y, [1]);
  }
  return tf.depthwiseConv2d(
    x as tf.Tensor4D,
    dilated(kernel, dilationRate) as tf.Tensor4D,
    strides as [number, number],
    padding as "same" | "valid",
  );
}

/**
 * The adjoint of a convolution: x [batch, ...space, in] with kernel [...space, out, in] to `space` of the output, which
 * Keras computes by `transposedLength`. Padding beyond what the op knows is cut away or added afterwards.
 */
export function convolveTransposed(x: tf.Tensor, kernel: tf.Tensor, options: TransposedOptions): tf.Tensor {
  const { strides, padding, outputPadding, dilationRate } = options;
  const sparse = dilated(kernel, dilationRate);
  const rank = x.rank - 2;
  const axes = Array.from({ length: rank }, (_, i) => i);
  const size = (i: number) => sparse.shape[i] as number;
  // The adjoint of VALID: all that any input reaches. Of it Keras keeps a window.
  const full = axes.map((i) => ((x.shape[i + 1] as number) - 1) * (strides[i] as number) + size(i));
  const wanted = axes.map(
    (i) =>
      transposedLength(
        x.shape[i + 1] as number,
        kernel.shape[i] as number,
        strides[i] as number,
        padding,
        outputPadding?.[i] ?? null,
        dilationRate[i] as number,
      ) as number,
  );
  const out = kernel.shape[rank] as number;
  const batch = x.shape[0] as number;
  let y: tf.Tensor;
  if (rank === 1) {
    y = tf.squeeze(
      tf.conv2dTranspose(
        tf.expandDims(x, 1) as tf.Tensor4D,
        tf.expandDims(sparse, 0) as tf.Tensor4D,
        [batch, 1, full[0] as number, out],
        [1, strides[0] as number],
        "valid",
      ),
      [1],
    );
  } else if (rank === 2) {
    y = tf.conv2dTranspose(
      x as tf.Tensor4D,
      sparse as tf.Tensor4D,
      [batch, full[0] as number, full[1] as number, out],
      strides as [number, number],
      "valid",
    );
  } else {
    // The op has no gradient. The same: the input with zeros between, convolved with the kernel turned round.
    const apart = spread(x, strides, 1);
    const edge = axes.map((i): [number, number] => [size(i) - 1, size(i) - 1]);
    const turned = tf.transpose(tf.reverse(sparse, axes), [0, 1, 2, 4, 3]);
    y = tf.conv3d(tf.pad(apart, [[0, 0], ...edge, [0, 0]]) as tf.Tensor5D, turned as tf.Tensor5D, 1, "valid");
  }
  // Where the window begins: the padding before, which a SAME convolution over the output would have had.
  const before = axes.map((i) => {
    if (padding !== "same") return 0;
    const steps = x.shape[i + 1] as number;
    const total = Math.max(0, (steps - 1) * (strides[i] as number) + size(i) - (wanted[i] as number));
    return Math.floor(total / 2);
  });
  const after = axes.map((i) =>
    Math.max(0, (before[i] as number) + (wanted[i] as number) - (full[i] as number)),
  );
  const padded = after.some((n) => n > 0)
    ? tf.pad(y, [[0, 0], ...after.map((n): [number, number] => [0, n]), [0, 0]])
    : y;
  return tf.slice(padded, [0, ...before, 0], [batch, ...wanted, out]);
}

export interface TransposedOptions {
  readonly strides: readonly number[];
  readonly padding: string;
  readonly outputPadding: readonly number[] | null;
  readonly dilationRate: readonly number[];
}

/** The output length of a transposed convolution. @source keras/src/backend/common/backend_utils.py */
export function transposedLength(
  length: number | null,
  kernel: number,
  stride: number,
  padding: string,
  outputPadding: number | null,
  dilation: number,
): number | null {
  if (length === null) return null;
  const size = (kernel - 1) * dilation + 1;
  if (outputPadding === null) {
    return padding === "same" ? length * stride : length * stride + Math.max(size - stride, 0);
  }
  const pad = padding === "same" ? Math.floor(size / 2) : 0;
  return (length - 1) * stride + size - 2 * pad + outputPadding;
}

/** The output length of a convolution or pooling. */
export function convolvedLength(
  length: number | null,
  kernel: number,
  stride: number,
  padding: string,
  dilation: number,
): number | null {
  if (length === null) return null;
  if (padding !== "valid") return Math.ceil(length / stride);
  return Math.max(0, Math.ceil((length - (kernel - 1) * dilation) / stride));
}

/** The space of a channels-last shape. */
export function spaceOf(shape: Shape): (number | null)[] {
  return shape.slice(1, -1);
}

/**
 * A kernel with zeros between its taps, so that a dilated convolution is an ordinary one: tfjs has no gradients of dilated
 * ones, and takes the dilation of depthwise ones in one case only.
 */
function dilated(kernel: tf.Tensor, rate: readonly number[]): tf.Tensor {
  return spread(kernel, rate, 0);
}

/** x with `by[i] - 1` zeros between its elements along axis `first + i`. */
function spread(x: tf.Tensor, by: readonly number[], first: number): tf.Tensor {
  let y = x;
  for (const [i, step] of by.entries()) {
    const axis = first + i;
    const size = y.shape[axis] as number;
    if (step === 1 || size === 1) continue;
    const before = y.shape.slice(0, axis);
    const after = y.shape.slice(axis + 1);
    const rows = before.reduce((a, b) => a * b, 1);
    const columns = after.reduce((a, b) => a * b, 1);
    const borders: [number, number][] = [
      [0, 0],
      [0, 0],
      [0, step - 1],
      [0, 0],
    ];
    const wide = tf.reshape(tf.pad(tf.reshape(y, [rows, size, 1, columns]), borders), [
      rows,
      size * step,
      columns,
    ]);
    const length = (size - 1) * step + 1;
    y = tf.reshape(tf.slice(wide, [0, 0, 0], [rows, length, columns]), [...before, length, ...after]);
  }
  return y;
}
