import * as tf from "@tensorflow/tfjs";
import { conv2dBackpropFilter } from "../conv2dBackpropFilter.js";
import { depthwiseConv2dBackpropInput } from "../depthwise.js";
import type { ConvolutionAttributes } from "../geometry.js";
import { gradientOf, stockGradient } from "./registry.js";

/**
 * Gradients of dilated convolutions, which tfjs refuses though it computes the convolutions. Our kernels take dilations; on
 * backends without them tfjs's refusal stands.
 */
export const convolutions: readonly tf.GradConfig[] = [
  dilated("Conv2D", conv2dBackpropFilter, "Conv2DBackpropInput", "Conv2DBackpropFilter"),
  dilated(
    "DepthwiseConv2dNative",
    depthwiseConv2dBackpropInput,
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
  ),
  // tfjs has none for tf.conv3dTranspose.
  gradientOf<VolumeAttributes>(
    "Conv3DBackpropInputV2",
    { inputsToSave: ["dy", "filter"] },
    (ddx, saved, attributes) => {
      const [dy, filter] = saved as [tf.Tensor5D, tf.Tensor5D];
      const { strides, pad } = attributes;
      return {
        dy: () => tf.conv3d(ddx as tf.Tensor5D, filter, strides, pad),
        filter: () =>
          tf.engine().runKernel("Conv3DBackpropFilterV2", { x: ddx, dy }, {
            strides,
            pad,
            filterShape: filter.shape,
          } as unknown as tf.NamedAttrMap),
      };
    },
  ),
];

interface VolumeAttributes {
  strides: [number, number, number] | number;
  pad: "valid" | "same";
}

/** `own` is one of our kernels for it: where another stands in its place, dilations are not known to work. */
function dilated(kernelName: string, own: tf.KernelConfig, inputKernel: string, filterKernel: string) {
  return gradientOf<ConvolutionAttributes>(
    kernelName,
    { inputsToSave: ["x", "filter"] },
    (dy, saved, attributes) => {
      const dilations = attributes.dilations ?? 1;
      const installed = tf.getKernel(own.kernelName, tf.getBackend())?.kernelFunc === own.kernelFunc;
      if (!installed || [dilations].flat().every((rate) => rate === 1))
        return stockGradient(kernelName, dy, saved, attributes);
      const [x, filter] = saved as [tf.Tensor, tf.Tensor];
      const run = (name: string, inputs: tf.NamedTensorMap, extra: object): tf.Tensor =>
        tf.engine().runKernel(name, inputs, { ...attributes, ...extra } as unknown as tf.NamedAttrMap);
      return {
        x: () => run(inputKernel, { dy, filter }, { inputShape: x.shape }),
        filter: () => run(filterKernel, { x, dy }, { filterShape: filter.shape }),
      };
    },
  );
}
