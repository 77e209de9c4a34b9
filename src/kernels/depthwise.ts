import type * as tf from "@tensorflow/tfjs";
import { addressOf, kernelsOn, output } from "./backend.js";
import { type ConvolutionAttributes, convolution, type Geometry, windowsOf } from "./geometry.js";
import { wasmKernel } from "./stock.js";

/** The gradient of tf.depthwiseConv2d for its input, which tfjs's WASM backend lacks. */
export const depthwiseConv2dBackpropInput = wasmKernel<
  "dy" | "filter",
  ConvolutionAttributes & { inputShape: number[] }
>("DepthwiseConv2dNativeBackpropInput", ({ dy, filter }, attrs, backend) => {
  const g = convolution(attrs.inputShape, filter.shape, attrs, true);
  return output(backend, attrs.inputShape, "float32", (to) => {
    const [from, w] = [addressOf(backend, dy), addressOf(backend, filter)];
    kernelsOn(backend).depthwiseInputGradient(from, w, to, ...sizesOf(g, filter), ...windowsOf(g));
  });
});

/** The gradient of tf.depthwiseConv2d for its filter, which tfjs's WASM backend lacks. */
export const depthwiseConv2dBackpropFilter = wasmKernel<
  "x" | "dy",
  ConvolutionAttributes & { filterShape: number[] }
>("DepthwiseConv2dNativeBackpropFilter", ({ x, dy }, attrs, backend) => {
  const { filterShape } = attrs;
  const g = convolution(x.shape, filterShape, attrs, true);
  return output(backend, filterShape, "float32", (to) => {
    const [image, from] = [addressOf(backend, x), addressOf(backend, dy)];
    const sizes = sizesOf(g, { shape: filterShape });
    kernelsOn(backend).depthwiseFilterGradient(image, from, to, ...sizes, ...windowsOf(g));
  });
});

/** Batch, height, width and channels of the input, and how many channels each makes. */
function sizesOf(g: Geometry, filter: Pick<tf.TensorInfo, "shape">) {
  return [g.batchSize, g.inHeight, g.inWidth, g.inChannels, filter.shape[3] as number] as const;
}
