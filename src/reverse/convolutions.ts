import * as tf from "@tensorflow/tfjs";
import { layWindows, type WindowOptions, type Windows } from "../core/windows.js";
import { extractPatches, foldPatches } from "../ops/extractConv2dPatches.js";
import type { Windows3d } from "./steps.js";

type Pair = [number, number];
type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];

function isDilated({ rates }: WindowOptions): boolean {
  return rates?.some((rate) => rate > 1) ?? false;
}

/** The convolution of `[n, h, w, in]` with a kernel `[kh, kw, in, out]`. */
export function convolve(
  x: tf.Tensor4D,
  { strides, padding, rates }: WindowOptions,
  kernel: tf.Tensor4D,
): tf.Tensor4D {
  // With a filter smaller than its stride "same" needs no more than the windows that fit, but where they end in padding;
  // tfjs's WASM backend gives zeros then.
  const [, h, w] = x.shape;
  const fits = [h, w].every((size, axis) => {
    const [k, s] = [kernel.shape[axis] as number, strides?.[axis] ?? 1];
    return k < s && (Math.ceil(size / s) - 1) * s + k <= size;
  });
  const pad = fits ? "valid" : (padding as "same" | "valid");
  return tf.conv2d(x, kernel, strides as Pair, pad, "NHWC", rates as Pair);
}

/** Its transpose, to images of `shape`. */
export function convolveTransposed(
  r: tf.Tensor4D,
  windows: WindowOptions,
  kernel: tf.Tensor4D,
  shape: Shape4D,
): tf.Tensor4D {
  if (isDilated(windows)) return transposeDilated(r, windows, kernel, shape);
  const { strides, padding } = windows;
  return tf.conv2dTranspose(r, kernel, shape, strides as Pair, padding as "same" | "valid");
}

/** The size behind a transposed convolution, as Keras' deconv_output_length. */
export function transposedSize(
  size: number,
  { kernelShape, strides, padding }: Pick<WindowOptions | Windows3d, "kernelShape" | "strides" | "padding">,
  axis: 0 | 1 | 2,
): number {
  const stride = strides?.[axis as 0] ?? 1;
  const extra = padding === "valid" ? Math.max((kernelShape[axis as 0] as number) - stride, 0) : 0;
  return size * stride + extra;
}

/**
 * The convolution of volumes `[n, d, h, w, in]` with a kernel `[kd, kh, kw, in, out]`: of planes, each with those that the
 * window reads before and behind it as further channels. Not tf.conv3d, whose transpose is wrong on the WASM backend of
 * tfjs 4.22, and which takes no dilation there.
 */
export function convolveVolume(x: tf.Tensor5D, windows: Windows3d, kernel: tf.Tensor5D): tf.Tensor5D {
  const [n, d, h, w, c] = x.shape;
  const along = alongDepth(windows, d);
  const kd = along.kernel[0];
  const columns = tf.reshape(x, [n, d, 1, h * w * c]) as tf.Tensor4D;
  const stacked = tf.reshape(extractPatches(columns, along), [n * along.out[0], kd, h * w, c]);
  const planes = tf.reshape(tf.transpose(stacked, [0, 2, 1, 3]), [-1, h, w, kd * c]) as tf.Tensor4D;
  const y = convolve(planes, inPlanes(windows), stackedKernel(kernel));
  return tf.reshape(y, [n, along.out[0], ...(y.shape.slice(1) as [number, number, number])]);
}

/** Its transpose, to volumes of `shape`. */
export function convolveVolumeTransposed(
  r: tf.Tensor5D,
  windows: Windows3d,
  kernel: tf.Tensor5D,
  [n, d, h, w, c]: Shape5D,
): tf.Tensor5D {
  const along = alongDepth(windows, d);
  const [kd, od] = [along.kernel[0], along.out[0]];
  const flat = tf.reshape(r, [n * od, ...(r.shape.slice(2) as [number, number, number])]) as tf.Tensor4D;
  const planes = convolveTransposed(flat, inPlanes(windows), stackedKernel(kernel), [n * od, h, w, kd * c]);
  const stacked = tf.transpose(tf.reshape(planes, [n * od, h * w, kd, c]), [0, 2, 1, 3]);
  const patches = tf.reshape(stacked, [n, od, 1, kd * h * w * c]) as tf.Tensor4D;
  return tf.reshape(foldPatches(patches, [n, d, 1, h * w * c], along), [n, d, h, w, c]);
}

function alongDepth({ kernelShape, strides, rates, padding }: Windows3d, depth: number): Windows {
  const options: WindowOptions = {
    kernelShape: [kernelShape[0], 1],
    strides: [strides[0], 1],
    rates: [rates[0], 1],
    padding,
  };
  return layWindows("conv3d", depth, 1, options);
}

function inPlanes({ kernelShape: k, strides: s, rates: r, padding }: Windows3d): WindowOptions {
  return { kernelShape: [k[1], k[2]], strides: [s[1], s[2]], rates: [r[1], r[2]], padding };
}

/** `[kd, kh, kw, in, out]` as `[kh, kw, kd in, out]`. */
function stackedKernel(kernel: tf.Tensor5D): tf.Tensor4D {
  const [kd, kh, kw, channels, filters] = kernel.shape;
  return tf.reshape(tf.transpose(kernel, [1, 2, 0, 3, 4]), [kh, kw, kd * channels, filters]);
}

/** tfjs's transposed convolution takes no dilation: the patches' gradient, folded. */
function transposeDilated(
  r: tf.Tensor4D,
  windows: WindowOptions,
  kernel: tf.Tensor4D,
  shape: Shape4D,
): tf.Tensor4D {
  const [kh, kw, channels, filters] = kernel.shape;
  const laid = layWindows("conv2d", shape[1], shape[2], windows);
  const flat = tf.reshape(kernel, [kh * kw * channels, filters]);
  const patches = tf.matMul(tf.reshape(r, [-1, filters]), flat, false, true);
  return foldPatches(tf.reshape(patches, [shape[0], ...laid.out, kh * kw * channels]), shape, laid);
}

/** The windows of a convolution of single pixels. */
export const ONE_PIXEL = { kernelShape: [1, 1], strides: [1, 1], rates: [1, 1], padding: "valid" } as const;

/** The convolution of each channel by itself, with a kernel `[kh, kw, in, multiplier]`. */
export function convolveDepthwise(
  x: tf.Tensor4D,
  { strides, padding, rates }: WindowOptions,
  kernel: tf.Tensor4D,
): tf.Tensor4D {
  return tf.depthwiseConv2d(x, kernel, strides as Pair, padding as "same" | "valid", "NHWC", rates as Pair);
}

/** The transpose of a depthwise convolution: the backend's kernel where it has one; else, and with dilation, each pixel of the window by itself. */
export function transposeDepthwise(
  r: tf.Tensor4D,
  windows: WindowOptions,
  kernel: tf.Tensor4D,
  shape: Shape4D,
): tf.Tensor4D {
  const name = "DepthwiseConv2dNativeBackpropInput";
  const { strides, padding } = windows;
  if (!isDilated(windows) && tf.getKernel(name, tf.getBackend()) != null) {
    const attributes = { strides, pad: padding, dilations: [1, 1], inputShape: shape };
    return tf
      .engine()
      .runKernel(name, { dy: r, filter: kernel }, attributes as unknown as tf.NamedAttrMap) as tf.Tensor4D;
  }
  const [kh, kw, channels, multiplier] = kernel.shape;
  const laid = layWindows("depthwiseConv2d", shape[1], shape[2], windows);
  const [n, oh, ow] = r.shape;
  const spread = tf.mul(
    tf.reshape(r, [n * oh * ow, 1, channels, multiplier]),
    tf.reshape(kernel, [1, kh * kw, channels, multiplier]),
  );
  return foldPatches(tf.reshape(tf.sum(spread, 3), [n, oh, ow, kh * kw * channels]), shape, laid);
}
