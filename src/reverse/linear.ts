import * as tf from "@tensorflow/tfjs";
import { layWindows, type WindowOptions, type Windows } from "../core/windows.js";
import { extractPatches, foldPatches } from "../ops/extractConv2dPatches.js";
import type { LinearStep } from "./steps.js";

type Shape4D = [number, number, number, number];

/**
 * One kind of linear step, without its bias. `kernel` is the step's own or one that a rule made of it; kinds without
 * weights get null.
 */
interface Linear<S extends LinearStep> {
  apply(xs: readonly tf.Tensor[], step: S, kernel: tf.Tensor | null): tf.Tensor;
  /** The transpose of `apply`: from something of the output's shape to one tensor an input, of its shape. */
  transpose(r: tf.Tensor, step: S, kernel: tf.Tensor | null, shapes: readonly number[][]): tf.Tensor[];
}

/**
 * Every linear kind: what it does and its transpose. Not left to tfjs's gradients, which are wrong for average pooling
 * with padding same (they divide by the whole window at the border) and throw where a backend lacks a kernel.
 */
const linear: { readonly [K in LinearStep["kind"]]: Linear<Extract<LinearStep, { kind: K }>> } = {
  dense: {
    apply: ([x], _step, kernel) => {
      const rows = tf.reshape(first(x), [-1, first(x).shape.at(-1) as number]);
      const y = tf.matMul(rows, kernel as tf.Tensor2D);
      return tf.reshape(y, [...first(x).shape.slice(0, -1), kernel?.shape[1] as number]);
    },
    transpose: (r, _step, kernel, [shape]) => {
      const rows = tf.reshape(r, [-1, r.shape.at(-1) as number]);
      return [tf.reshape(tf.matMul(rows, kernel as tf.Tensor2D, false, true), first(shape))];
    },
  },
  conv2d: {
    apply: ([x], { windows }, kernel) =>
      tf.conv2d(
        x as tf.Tensor4D,
        kernel as tf.Tensor4D,
        windows.strides as [number, number],
        windows.padding as "same" | "valid",
        "NHWC",
        windows.rates as [number, number],
      ),
    transpose: (r, { windows }, kernel, [shape]) => {
      const filter = kernel as tf.Tensor4D;
      if (windows.rates?.some((rate) => rate > 1))
        return [transposeDilated(r as tf.Tensor4D, windows, filter, shape as Shape4D)];
      return [
        tf.conv2dTranspose(
          r as tf.Tensor4D,
          filter,
          shape as Shape4D,
          windows.strides as [number, number],
          windows.padding as "same" | "valid",
        ),
      ];
    },
  },
  scale: {
    apply: ([x], _step, kernel) => tf.mul(first(x), kernel as tf.Tensor),
    transpose: (r, _step, kernel) => [tf.mul(r, kernel as tf.Tensor)],
  },
  averagePool2d: {
    apply: ([x], { windows }) => {
      if (windows === null) return tf.mean(first(x), [1, 2], true);
      const { kernelShape, strides, padding } = windows;
      return tf.avgPool(
        x as tf.Tensor4D,
        kernelShape as [number, number],
        strides as [number, number],
        padding as "same" | "valid",
      );
    },
    transpose: (r, { windows }, _kernel, [s]) => {
      const shape = s as Shape4D;
      const [, h, w] = shape;
      if (windows === null) return [tf.mul(tf.ones(shape), tf.div(r, h * w))];
      const laid = layWindows("averagePool2d", h, w, windows);
      const share = tf.div(r, realPixels(laid, h, w)) as tf.Tensor4D;
      return [foldPatches(tf.tile(share, [1, 1, 1, laid.kernel[0] * laid.kernel[1]]), shape, laid)];
    },
  },
  add: {
    apply: (xs) => xs.reduce((a, b) => tf.add(a, b)),
    transpose: (r, _step, _kernel, shapes) => shapes.map((shape) => sumTo(r, shape)),
  },
  concatenate: {
    apply: (xs, { axis }) => tf.concat([...xs], axis),
    transpose: (r, { axis }, _kernel, shapes) =>
      tf.split(
        r,
        shapes.map((shape) => shape.at(axis) as number),
        axis,
      ),
  },
  reshape: {
    apply: ([x], { shape }) => tf.reshape(first(x), [first(x).shape[0] as number, ...shape]),
    transpose: (r, _step, _kernel, [shape]) => [tf.reshape(r, first(shape))],
  },
  identity: {
    // A reshape to the same shape: a tensor of its own on the same memory.
    apply: ([x]) => tf.reshape(first(x), first(x).shape),
    transpose: (r, _step, _kernel, [shape]) => [tf.reshape(r, first(shape))],
  },
};

/** y without the bias. */
export function applyLinear(step: LinearStep, xs: readonly tf.Tensor[], kernel: tf.Tensor | null): tf.Tensor {
  return entry(step).apply(xs, step, kernel);
}

/** The transpose of `applyLinear`; `shapes` are the inputs'. */
export function transposeLinear(
  step: LinearStep,
  r: tf.Tensor,
  kernel: tf.Tensor | null,
  shapes: readonly number[][],
): tf.Tensor[] {
  return entry(step).transpose(r, step, kernel, shapes);
}

export function isLinear(step: { kind: string }): step is LinearStep {
  return step.kind in linear;
}

/** The kernel and bias of a step, or null where it has none. */
export function weightsOf(step: LinearStep): { kernel: tf.Tensor | null; bias: tf.Tensor | null } {
  return "weights" in step
    ? { kernel: step.weights.kernel(), bias: step.weights.bias() }
    : { kernel: null, bias: null };
}

/** TypeScript does not see that a step and the entry of its own kind belong together. */
function entry(step: LinearStep): Linear<LinearStep> {
  return linear[step.kind] as Linear<LinearStep>;
}

function first<T>(value: T | undefined): T {
  return value as T;
}

/** tfjs's transposed convolution takes no dilation: the patches' gradient, folded. */
function transposeDilated(
  r: tf.Tensor4D,
  windows: WindowOptions,
  kernel: tf.Tensor4D,
  shape: Shape4D,
): tf.Tensor {
  const [kh, kw, channels, filters] = kernel.shape;
  const laid = layWindows("conv2d", shape[1], shape[2], windows);
  const flat = tf.reshape(kernel, [kh * kw * channels, filters]);
  const patches = tf.matMul(tf.reshape(r, [-1, filters]), flat, false, true);
  return foldPatches(tf.reshape(patches, [shape[0], ...laid.out, kh * kw * channels]), shape, laid);
}

/** How many pixels of each window lie inside the image: `[1, oh, ow, 1]`. */
function realPixels(windows: Windows, h: number, w: number): tf.Tensor {
  return tf.sum(extractPatches(tf.ones([1, h, w, 1]), windows), 3, true);
}

/** Sums over the axes along which a tensor of `shape` was broadcast: the transpose of broadcasting. */
function sumTo(r: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const offset = r.rank - shape.length;
  const axes = r.shape
    .map((n, i) => (i < offset || (shape[i - offset] === 1 && n !== 1) ? i : -1))
    .filter((i) => i >= 0);
  return tf.reshape(axes.length > 0 ? tf.sum(r, axes) : r, [...shape]);
}
