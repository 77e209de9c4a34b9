import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { layWindows, type WindowOptions, type Windows } from "../core/windows.js";
import { ArgumentError, ShapeError } from "../errors.js";
import { ExtractPatches } from "../kernels/extractPatches.js";
import { FoldPatches } from "../kernels/foldPatches.js";
import { hasKernel } from "../kernels/stock.js";

export type DataFormat = "channelsLast" | "channelsFirst";
type Pair = readonly [number, number];
type Shape4D = [number, number, number, number];

/**
 * The patches that a convolution reads, as `tf.image.extract_patches`, so that
 * matMul(patches, reshape(kernel, [kh kw c, out])) is the convolution.
 *
 * @param x `[n, h, w, c]`, or `[n, c, h, w]` with `channelsFirst`; any dtype
 * @param padding `"same"` or `"valid"`, in any letter case
 * @returns `[n, oh, ow, kh * kw * c]` of x's dtype, in (row, column, channel) order, channels last in both formats; empty
 *   where with `valid` the kernel is larger than the image. Differentiable any number of times.
 * @throws ShapeError where x is not of rank 4; ArgumentError for sizes that are not whole numbers from 1
 * @source iNNvestigate utils.keras.backend.extract_conv2d_patches
 * @example extractConv2dPatches(x, [3, 3], [1, 1], [1, 1], "same")
 */
export function extractConv2dPatches(
  x: tf.Tensor,
  kernelShape: Pair,
  strides: Pair,
  rates: Pair,
  padding: string,
  dataFormat: DataFormat = "channelsLast",
): tf.Tensor4D {
  const who = "extractConv2dPatches";
  if (x.rank !== 4) throw new ShapeError(`${who}: expected x of rank 4, got shape ${show(x.shape)}`);
  if (dataFormat !== "channelsLast" && dataFormat !== "channelsFirst") {
    throw new ArgumentError(
      `${who}: expected dataFormat "channelsLast" or "channelsFirst", got ${JSON.stringify(dataFormat)}`,
    );
  }
  return tf.tidy(() => {
    const image = (dataFormat === "channelsFirst" ? tf.transpose(x, [0, 2, 3, 1]) : x) as tf.Tensor4D;
    const options: WindowOptions = { kernelShape, strides, rates, padding };
    return extractPatches(image, layWindows(who, image.shape[1], image.shape[2], options, "empty"));
  });
}

/** `extractConv2dPatches` on windows that are laid already. The gradient is `foldPatches`. */
export function extractPatches(x: tf.Tensor4D, windows: Windows): tf.Tensor4D {
  const imageShape = x.shape;
  const op = tf.customGrad((image) => ({
    value: forwardPatches(image as tf.Tensor4D, windows),
    gradFunc: (dy: tf.Tensor) => foldPatches(dy as tf.Tensor4D, imageShape, windows),
  }));
  return op(x) as tf.Tensor4D;
}

/** The adjoint of `extractPatches` (col2im): adds each patch element to where it was read. float32. */
export function foldPatches(patches: tf.Tensor4D, imageShape: Shape4D, windows: Windows): tf.Tensor4D {
  const op = tf.customGrad((p) => ({
    value: forwardFold(p as tf.Tensor4D, imageShape, windows),
    gradFunc: (dy: tf.Tensor) => extractPatches(dy as tf.Tensor4D, windows),
  }));
  return op(patches) as tf.Tensor4D;
}

function forwardPatches(x: tf.Tensor4D, windows: Windows): tf.Tensor4D {
  if (hasKernel(ExtractPatches))
    return tf.engine().runKernel(ExtractPatches, { x }, { windows: asAttribute(windows) });
  return tf.tidy(() => {
    const { kernel, strides, pad, out } = windows;
    const [n, h, w, c] = x.shape;
    if (n * c * out[0] * out[1] === 0)
      return tf.zeros([n, out[0], out[1], kernel[0] * kernel[1] * c], x.dtype);
    const [height, width] = paddedSize(windows);
    // Backends pad and slice float32 and int32 alike; bool goes as int32.
    const padded = tf.pad(x.dtype === "bool" ? tf.cast(x, "int32") : x, [
      [0, 0],
      [pad[0], Math.max(0, height - h - pad[0])],
      [pad[1], Math.max(0, width - w - pad[1])],
      [0, 0],
    ]);
    const pieces = offsets(windows).map(([y, x0]) => {
      const size = [n, (out[0] - 1) * strides[0] + 1, (out[1] - 1) * strides[1] + 1, c];
      const piece = tf.slice(padded, [0, y, x0, 0], size);
      return thinAxis(thinAxis(piece, 1, strides[0]), 2, strides[1]) as tf.Tensor4D;
    });
    return tf.cast(tf.concat(pieces, 3), x.dtype);
  });
}

function forwardFold(patches: tf.Tensor4D, imageShape: Shape4D, windows: Windows): tf.Tensor4D {
  if (hasKernel(FoldPatches)) {
    return tf.engine().runKernel(FoldPatches, { patches }, { imageShape, windows: asAttribute(windows) });
  }
  return tf.tidy(() => {
    const { strides, pad, out } = windows;
    const [n, h, w, c] = imageShape;
    if (n * c * h * w * out[0] * out[1] === 0) return tf.zeros(imageShape);
    const [height, width] = paddedSize(windows);
    const [fullH, fullW] = [Math.max(height, pad[0] + h), Math.max(width, pad[1] + w)];
    const pieces = offsets(windows).map(([y, x], i) => {
      const piece = tf.slice(patches, [0, 0, 0, i * c], [n, out[0], out[1], c]);
      const spread = spreadAxis(spreadAxis(piece, 1, strides[0]), 2, strides[1]) as tf.Tensor4D;
      return tf.pad(spread, [
        [0, 0],
        [y, fullH - y - (spread.shape[1] as number)],
        [x, fullW - x - (spread.shape[2] as number)],
        [0, 0],
      ]);
    });
    return tf.slice(tf.addN(pieces), [0, pad[0], pad[1], 0], imageShape);
  });
}

/** Puts stride - 1 zeros between neighbours along an axis: size s becomes (s - 1) stride + 1. */
function spreadAxis(x: tf.Tensor, axis: number, stride: number): tf.Tensor {
  if (stride === 1) return x;
  const { before, size, after } = around(x.shape, axis);
  // Rank 3 is as far as every backend pads.
  const spread = tf.pad(tf.reshape(x, [before * size, 1, after]), [
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ]);
  const whole = tf.reshape(spread, [before, size * stride, after]);
  const wanted = (size - 1) * stride + 1;
  return tf.reshape(tf.slice(whole, [0, 0, 0], [before, wanted, after]), x.shape.with(axis, wanted));
}

/**
 * Keeps every stride-th along an axis: the adjoint of `spreadAxis`. (tf.stridedSlice of int32 is wrong on the WASM
 * backend of tfjs 4.22: it says float32.)
 */
function thinAxis(x: tf.Tensor, axis: number, stride: number): tf.Tensor {
  if (stride === 1) return x;
  const { before, size, after } = around(x.shape, axis);
  const kept = (size - 1) / stride + 1;
  const whole = tf.pad(tf.reshape(x, [before, size, after]), [
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ]);
  const steps = tf.reshape(whole, [before * kept, stride, after]);
  return tf.reshape(tf.slice(steps, [0, 0, 0], [before * kept, 1, after]), x.shape.with(axis, kept));
}

/** An axis' size, and the products of the sizes before and after it. */
function around(shape: readonly number[], axis: number): { before: number; size: number; after: number } {
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  return {
    before: product(shape.slice(0, axis)),
    size: shape[axis] as number,
    after: product(shape.slice(axis + 1)),
  };
}

/** Rows and columns that the windows cover, padding included. */
function paddedSize({ kernel, strides, rates, out }: Windows): [number, number] {
  const extent = (axis: 0 | 1) => (out[axis] - 1) * strides[axis] + (kernel[axis] - 1) * rates[axis] + 1;
  return [extent(0), extent(1)];
}

/** Where in the padded image the first window reads each of its pixels, in the order of the patch. */
function offsets({ kernel, rates }: Windows): [y: number, x: number][] {
  return Array.from({ length: kernel[0] * kernel[1] }, (_, i) => [
    Math.floor(i / kernel[1]) * rates[0],
    (i % kernel[1]) * rates[1],
  ]);
}

/** tfjs types attributes as JSON-like records. */
function asAttribute(windows: Windows): tf.NamedAttrMap {
  return windows as unknown as tf.NamedAttrMap;
}
