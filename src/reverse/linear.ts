import * as tf from "@tensorflow/tfjs";
import { layWindows, type WindowOptions, type Windows } from "../core/windows.js";
import { extractPatches, foldPatches } from "../ops/extractConv2dPatches.js";
import { gradients } from "../ops/gradients.js";
import {
  convolve,
  convolveDepthwise,
  convolveTransposed,
  convolveVolume,
  convolveVolumeTransposed,
  ONE_PIXEL,
  transposeDepthwise,
  transposedSize,
} from "./convolutions.js";
import type { LinearStep } from "./steps.js";
import { asColumns, asPlanes, stagesOf } from "./volumes.js";

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type Pair = [number, number];
type Triple = [number, number, number];

/**
 * One kind of linear step, without its bias. `kernels` are the step's own or what a rule made of them; kinds without
 * weights have none.
 */
interface Linear<S extends LinearStep> {
  apply(xs: readonly tf.Tensor[], step: S, kernels: readonly tf.Tensor[]): tf.Tensor;
  /** The transpose of `apply`: from something of the output's shape to one tensor an input, of its shape. */
  transpose(r: tf.Tensor, step: S, kernels: readonly tf.Tensor[], shapes: readonly number[][]): tf.Tensor[];
}

/**
 * Every linear kind: what it does and its transpose. Not left to tfjs's gradients, which are wrong for average pooling
 * with padding same (they divide by the whole window at the border) and throw where a backend lacks a kernel.
 */
const linear: { readonly [K in LinearStep["kind"]]: Linear<Extract<LinearStep, { kind: K }>> } = {
  dense: {
    apply: ([x], _step, [kernel]) => {
      const rows = tf.reshape(first(x), [-1, first(x).shape.at(-1) as number]);
      const y = tf.matMul(rows, kernel as tf.Tensor2D);
      return tf.reshape(y, [...first(x).shape.slice(0, -1), first(kernel).shape[1] as number]);
    },
    transpose: (r, _step, [kernel], [shape]) => {
      const rows = tf.reshape(r, [-1, r.shape.at(-1) as number]);
      return [tf.reshape(tf.matMul(rows, kernel as tf.Tensor2D, false, true), first(shape))];
    },
  },
  conv2d: {
    apply: ([x], { windows }, [kernel]) => convolve(x as tf.Tensor4D, windows, kernel as tf.Tensor4D),
    transpose: (r, { windows }, [kernel], [shape]) => {
      const filter = kernel as tf.Tensor4D;
      return [convolveTransposed(r as tf.Tensor4D, windows, filter, shape as Shape4D)];
    },
  },
  depthwiseConv2d: {
    apply: ([x], { windows }, [kernel]) =>
      convolveDepthwise(x as tf.Tensor4D, windows, kernel as tf.Tensor4D),
    transpose: (r, { windows }, [kernel], [shape]) => [
      transposeDepthwise(r as tf.Tensor4D, windows, kernel as tf.Tensor4D, shape as Shape4D),
    ],
  },
  separableConv2d: {
    apply: ([x], { windows }, [depthwise, pointwise]) =>
      convolve(
        convolveDepthwise(x as tf.Tensor4D, windows, depthwise as tf.Tensor4D),
        ONE_PIXEL,
        pointwise as tf.Tensor4D,
      ),
    transpose: (r, { windows }, [depthwise, pointwise], [shape]) => {
      const filter = pointwise as tf.Tensor4D;
      const [n, oh, ow] = (r as tf.Tensor4D).shape;
      const middle = convolveTransposed(r as tf.Tensor4D, ONE_PIXEL, filter, [n, oh, ow, filter.shape[2]]);
      return [transposeDepthwise(middle, windows, depthwise as tf.Tensor4D, shape as Shape4D)];
    },
  },
  conv2dTranspose: {
    apply: ([x], { windows }, [kernel]) => {
      const image = x as tf.Tensor4D;
      const [n, h, w] = image.shape;
      const filter = kernel as tf.Tensor4D;
      const size = [0, 1].map((axis) => transposedSize(axis === 0 ? h : w, windows, axis as 0 | 1));
      return convolveTransposed(image, windows, filter, [
        n,
        size[0] as number,
        size[1] as number,
        filter.shape[2],
      ]);
    },
    transpose: (r, { windows }, [kernel]) => [convolve(r as tf.Tensor4D, windows, kernel as tf.Tensor4D)],
  },
  conv3d: {
    apply: ([x], { windows }, [kernel]) => convolveVolume(x as tf.Tensor5D, windows, kernel as tf.Tensor5D),
    transpose: (r, { windows }, [kernel], [shape]) => [
      convolveVolumeTransposed(r as tf.Tensor5D, windows, kernel as tf.Tensor5D, shape as Shape5D),
    ],
  },
  conv3dTranspose: {
    apply: ([x], { windows }, [kernel]) => {
      const volume = x as tf.Tensor5D;
      const filter = kernel as tf.Tensor5D;
      const [n, ...sizes] = volume.shape.slice(0, 4) as [number, number, number, number];
      const grown = sizes.map((size, axis) => transposedSize(size, windows, axis as 0 | 1 | 2)) as Triple;
      return convolveVolumeTransposed(volume, windows, filter, [n, ...grown, filter.shape[3]]);
    },
    transpose: (r, { windows }, [kernel]) => [
      convolveVolume(r as tf.Tensor5D, windows, kernel as tf.Tensor5D),
    ],
  },
  scale: {
    apply: ([x], _step, [kernel]) => tf.mul(first(x), kernel as tf.Tensor),
    transpose: (r, _step, [kernel]) => [tf.mul(r, kernel as tf.Tensor)],
  },
  averagePool2d: {
    apply: ([x], { windows }) => average(x as tf.Tensor4D, windows),
    transpose: (r, { windows }, _kernels, [shape]) => [
      transposeAverage(r as tf.Tensor4D, windows, shape as Shape4D),
    ],
  },
  averagePool3d: {
    apply: ([x], { windows }) => {
      const { planes, depth } = stagesOf(windows);
      const [n, , , , c] = (x as tf.Tensor5D).shape;
      const flat = average(asPlanes(first(x)), planes);
      const [, h, w] = flat.shape;
      return tf.reshape(average(asColumns(flat, n), depth), [n, -1, h, w, c]);
    },
    transpose: (r, { windows }, _kernels, [shape]) => {
      const { planes, depth } = stagesOf(windows);
      const [n, d, h, w, c] = shape as Shape5D;
      const [, od, oh, ow] = r.shape as Shape5D;
      const columns = transposeAverage(tf.reshape(r, [n, od, oh * ow, c]), depth, [n, d, oh * ow, c]);
      const flat = transposeAverage(tf.reshape(columns, [n * d, oh, ow, c]), planes, [n * d, h, w, c]);
      return [tf.reshape(flat, [n, d, h, w, c])];
    },
  },
  add: {
    apply: (xs, { factors }) =>
      sameRank(xs)
        .map((x, i) => times(x, factors[i] as number))
        .reduce((a, b) => tf.add(a, b)),
    transpose: (r, { factors }, _kernels, shapes) =>
      shapes.map((shape, i) => times(sumTo(r, shape), factors[i] as number)),
  },
  concatenate: {
    apply: (xs, { axis }) => tf.concat([...xs], axis),
    transpose: (r, { axis }, _kernels, shapes) =>
      tf.split(
        r,
        shapes.map((shape) => shape.at(axis) as number),
        axis,
      ),
  },
  reshape: {
    apply: ([x], { shape }) => tf.reshape(first(x), [first(x).shape[0] as number, ...shape]),
    transpose: (r, _step, _kernels, [shape]) => [tf.reshape(r, first(shape))],
  },
  permute: {
    apply: ([x], { order }) => tf.transpose(first(x), [...order]),
    transpose: (r, { order }) => [
      tf.transpose(
        r,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ],
  },
  upsample: {
    apply: ([x], { size }) => {
      const image = x as tf.Tensor4D;
      const [, h, w] = image.shape;
      return tf.image.resizeNearestNeighbor(image, [h * size[0], w * size[1]]);
    },
    // Each pixel gets the sum of its block.
    transpose: (r, { size }) => [
      tf.mul(tf.avgPool(r as tf.Tensor4D, size as Pair, size as Pair, "valid"), size[0] * size[1]),
    ],
  },
  move: {
    apply: (xs, step) => step.apply(...xs),
    transpose: byTape,
  },
  sum: {
    apply: ([x], step) => step.apply(first(x)),
    transpose: byTape,
  },
  identity: {
    // A reshape to the same shape: a tensor of its own on the same memory.
    apply: ([x]) => tf.reshape(first(x), first(x).shape),
    transpose: (r, _step, _kernels, [shape]) => [tf.reshape(r, first(shape))],
  },
};

/** The transpose of a linear map, by tfjs's gradients. */
function byTape(
  r: tf.Tensor,
  step: { apply(...xs: tf.Tensor[]): tf.Tensor },
  _kernels: readonly tf.Tensor[],
  shapes: readonly number[][],
): tf.Tensor[] {
  const zeros = shapes.map((shape) => tf.zeros(shape));
  return gradients((...xs) => step.apply(...xs), zeros, r, { unconnected: "zero" });
}

/** y without the bias. */
export function applyLinear(
  step: LinearStep,
  xs: readonly tf.Tensor[],
  kernels: readonly tf.Tensor[],
): tf.Tensor {
  return entry(step).apply(xs, step, kernels);
}

/** The transpose of `applyLinear`; `shapes` are the inputs'. */
export function transposeLinear(
  step: LinearStep,
  r: tf.Tensor,
  kernels: readonly tf.Tensor[],
  shapes: readonly number[][],
): tf.Tensor[] {
  return entry(step).transpose(r, step, kernels, shapes);
}

export function isLinear(step: { kind: string }): step is LinearStep {
  return step.kind in linear;
}

/** The kernels and bias of a step, none and null where it has none. */
export function weightsOf(step: LinearStep): {
  kernels: readonly tf.Tensor[];
  bias: tf.Tensor | null;
} {
  return "weights" in step
    ? { kernels: step.weights.kernels(), bias: step.weights.bias() }
    : { kernels: [], bias: null };
}

/** TypeScript does not see that a step and the entry of its own kind belong together. */
function entry(step: LinearStep): Linear<LinearStep> {
  return linear[step.kind] as Linear<LinearStep>;
}

function first<T>(value: T | undefined): T {
  return value as T;
}

function times(x: tf.Tensor, factor: number): tf.Tensor {
  return factor === 1 ? x : tf.mul(x, factor);
}

function average(x: tf.Tensor4D, windows: WindowOptions | null): tf.Tensor4D {
  if (windows === null) return tf.mean(x, [1, 2], true);
  const { kernelShape, strides, padding } = windows;
  return tf.avgPool(x, kernelShape as Pair, strides as Pair, padding as "same" | "valid");
}

function transposeAverage(r: tf.Tensor4D, windows: WindowOptions | null, shape: Shape4D): tf.Tensor4D {
  const [, h, w] = shape;
  if (windows === null) return tf.mul(tf.ones(shape), tf.div(r, h * w));
  const laid = layWindows("averagePool2d", h, w, windows);
  const share = tf.div(r, realPixels(laid, h, w)) as tf.Tensor4D;
  return foldPatches(tf.tile(share, [1, 1, 1, laid.kernel[0] * laid.kernel[1]]), shape, laid);
}

/** How many pixels of each window lie inside the image: `[1, oh, ow, 1]`. */
function realPixels(windows: Windows, h: number, w: number): tf.Tensor {
  return tf.sum(extractPatches(tf.ones([1, h, w, 1]), windows), 3, true);
}

/** Tensors as tfjs's merging layers broadcast them: those of lower rank get axes of size 1 behind the batch. */
export function sameRank(xs: readonly tf.Tensor[]): tf.Tensor[] {
  const rank = Math.max(...xs.map((x) => x.rank));
  return xs.map((x) => (x.rank === rank ? x : tf.reshape(x, withRank(x.shape, rank))));
}

function withRank([n, ...rest]: readonly number[], rank: number): number[] {
  return [n as number, ...Array<number>(rank - 1 - rest.length).fill(1), ...rest];
}

/** Sums over the axes along which a tensor of `shape` was broadcast: the transpose of `sameRank` and broadcasting. */
export function sumTo(r: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const full = withRank(shape, r.rank);
  const axes = r.shape.map((n, i) => (full[i] === 1 && n !== 1 ? i : -1)).filter((i) => i >= 0);
  return tf.reshape(axes.length > 0 ? tf.sum(r, axes) : r, [...shape]);
}
