import { isContainer, type Layer } from "../layers/internals.js";
import { classOf } from "./knownLayers.js";

const CONVOLUTIONS = [
  "Conv1D",
  "Conv1DTranspose",
  "Conv2D",
  "Conv3D",
  "Conv2DTranspose",
  "Conv3DTranspose",
  "DepthwiseConv1D",
  "DepthwiseConv2D",
  "SeparableConv1D",
  "SeparableConv2D",
];
const AVERAGE_POOLING = /^(Global)?AveragePooling[123]D$/;
const MAX_POOLING = /^(Global)?MaxPooling[123]D$/;

/** True for a Sequential, a Model, or any model used as a layer. */
export function isNetwork(layer: Layer): boolean {
  return isContainer(layer);
}

/** True for a convolution: 1-D, 2-D, 3-D, transposed, depthwise or separable. */
export function isConvLayer(layer: Layer): boolean {
  return CONVOLUTIONS.includes(classOf(layer));
}

export function isDenseLayer(layer: Layer): boolean {
  return classOf(layer) === "Dense";
}

export function isAddLayer(layer: Layer): boolean {
  return classOf(layer) === "Add";
}

export function isEmbeddingLayer(layer: Layer): boolean {
  return classOf(layer) === "Embedding";
}

export function isBatchNormalizationLayer(layer: Layer): boolean {
  return classOf(layer) === "BatchNormalization";
}

/** True for average pooling, 1-D, 2-D or 3-D, also global. */
export function isAveragePooling(layer: Layer): boolean {
  return AVERAGE_POOLING.test(classOf(layer));
}

/** True for max pooling, 1-D, 2-D or 3-D, also global. */
export function isMaxPooling(layer: Layer): boolean {
  return MAX_POOLING.test(classOf(layer));
}

/**
 * Whether a layer multiplies by a kernel, a depthwise or a pointwise kernel, also before it is built. Recurrent layers
 * keep theirs in a cell and do not count.
 *
 * @source iNNvestigate utils.keras.checks.contains_kernel
 */
export function containsKernel(layer: Layer): boolean {
  return (
    isDenseLayer(layer) ||
    isConvLayer(layer) ||
    ["kernel", "depthwiseKernel", "pointwiseKernel"].some((name) => name in layer)
  );
}

/** Whether a layer has, or will have when built, a bias. */
export function containsBias(layer: Layer): boolean {
  const fields = layer as unknown as Record<string, unknown>;
  return layer.built ? fields.bias != null : containsKernel(layer) && fields.useBias !== false;
}
