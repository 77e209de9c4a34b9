import * as tf from "@tensorflow/tfjs";
import type { Windows } from "../core/windows.js";
import type { PoolingArguments } from "./exports.js";

type Shape4D = [number, number, number, number];

/** The attributes that all convolution kernels of tfjs have. */
export interface ConvolutionAttributes {
  strides: [number, number] | number;
  pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding;
  /** tfjs-layers gives null for none. */
  dilations?: [number, number] | number | null;
  dimRoundingMode?: "floor" | "round" | "ceil";
  dataFormat?: "NHWC" | "NCHW";
}

export type Geometry = tf.backend_util.Conv2DInfo;

type Padding = ConvolutionAttributes["pad"];

/** For a number tfjs takes the output's width from the filter's height; written out, it is that of the width. */
function onEverySide(pad: Padding): Padding {
  if (typeof pad !== "number") return pad;
  return [
    [0, 0],
    [pad, pad],
    [pad, pad],
    [0, 0],
  ];
}

/** Sizes of a convolution as tfjs lays it out. */
export function convolution(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dilations, dimRoundingMode }: ConvolutionAttributes,
  depthwise = false,
): Geometry {
  return tf.backend_util.computeConv2DInfo(
    [...inputShape] as Shape4D,
    [...filterShape] as Shape4D,
    strides,
    dilations ?? 1,
    onEverySide(pad),
    dimRoundingMode,
    depthwise,
  );
}

/** Filter, strides, rates, padding and output: [kH, kW, sH, sW, rH, rW, padTop, padLeft, outH, outW]. */
export function windowsOf(g: Geometry) {
  return [
    g.filterHeight,
    g.filterWidth,
    g.strideHeight,
    g.strideWidth,
    g.dilationHeight,
    g.dilationWidth,
    g.padInfo.top,
    g.padInfo.left,
    g.outHeight,
    g.outWidth,
  ] as const;
}

export interface PoolingAttributes {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding;
  dimRoundingMode?: "floor" | "round" | "ceil";
}

/** Sizes of pooling as tfjs lays it out. */
export function poolingGeometry(
  inputShape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: PoolingAttributes,
): Geometry {
  return tf.backend_util.computePool2DInfo(
    [...inputShape] as Shape4D,
    filterSize,
    strides,
    1,
    onEverySide(pad),
    dimRoundingMode,
  );
}

/** What the gradients of pooling take of its sizes. */
export function pooling(inputShape: readonly number[], attrs: PoolingAttributes): PoolingArguments {
  const g = poolingGeometry(inputShape, attrs);
  const { batchSize, inHeight, inWidth, inChannels, filterHeight, filterWidth, strideHeight, strideWidth } =
    g;
  const input = [batchSize, inHeight, inWidth, inChannels] as const;
  const window = [filterHeight, filterWidth, strideHeight, strideWidth] as const;
  return [...input, ...window, g.padInfo.top, g.padInfo.left, g.outHeight, g.outWidth];
}

/** The same as what patches are laid by. */
export function asWindows(g: Geometry): Windows {
  return {
    kernel: [g.filterHeight, g.filterWidth],
    strides: [g.strideHeight, g.strideWidth],
    rates: [g.dilationHeight, g.dilationWidth],
    pad: [g.padInfo.top, g.padInfo.left],
    out: [g.outHeight, g.outWidth],
  };
}
