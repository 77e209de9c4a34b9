import * as tf from "@tensorflow/tfjs";
import { ShapeError } from "../errors.js";
import { ExtractConv2dPatches } from "../layers/ExtractConv2dPatches.js";
import * as ops from "../ops/extractConv2dPatches.js";
import { applySymbolic } from "./symbolic.js";

type Pair = readonly [number, number];

/**
 * The patches that a convolution reads, as `tf.image.extract_patches`, so that
 * matMul(patches, reshape(kernel, [kh kw c, out])) is the convolution.
 *
 * @param x `[n, h, w, c]`, or `[n, c, h, w]` with `channelsFirst`; any dtype; a tensor, or a symbolic one
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
  dataFormat?: ops.DataFormat,
): tf.Tensor4D;
export function extractConv2dPatches(
  x: tf.SymbolicTensor,
  kernelShape: Pair,
  strides: Pair,
  rates: Pair,
  padding: string,
  dataFormat?: ops.DataFormat,
): tf.SymbolicTensor;
export function extractConv2dPatches(
  x: tf.Tensor | tf.SymbolicTensor,
  kernelShape: Pair,
  strides: Pair,
  rates: Pair,
  padding: string,
  dataFormat: ops.DataFormat = "channelsLast",
): tf.Tensor4D | tf.SymbolicTensor {
  if (!(x instanceof tf.SymbolicTensor))
    return ops.extractConv2dPatches(x, kernelShape, strides, rates, padding, dataFormat);
  if (x.shape.length !== 4)
    throw new ShapeError(`extractConv2dPatches: expected x of rank 4, got shape [${x.shape.join(", ")}]`);
  const pair = ([a, b]: Pair): [number, number] => [a, b];
  const windows = { kernelShape: pair(kernelShape), strides: pair(strides), rates: pair(rates) };
  const layer = new ExtractConv2dPatches({ ...windows, padding, dataFormat });
  return applySymbolic(layer, [x])[0] as tf.SymbolicTensor;
}
