import type * as tf from "@tensorflow/tfjs";
import type { WasmBackend } from "./backend.js";
import { type ConvolutionAttributes, convolution } from "./geometry.js";
import { attributes, runStock } from "./stock.js";

/**
 * Convolutions with padding "same" whose filter is smaller than their stride: tfjs's WASM backend gives zeros where no
 * padding is needed. With the same padding written out it computes them right.
 */
export const samePadding: readonly tf.KernelConfig[] = [
  withPaddingWrittenOut("Conv2D"),
  withPaddingWrittenOut("FusedConv2D"),
  withPaddingWrittenOut("DepthwiseConv2dNative"),
  withPaddingWrittenOut("FusedDepthwiseConv2D"),
];

function withPaddingWrittenOut(kernelName: string): tf.KernelConfig {
  const depthwise = kernelName.includes("Depthwise");
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs = {}, backend }) => {
      const given = attrs as unknown as ConvolutionAttributes;
      const { x, filter } = inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
      const strides = [given.strides].flat();
      const small = (axis: 0 | 1) =>
        (filter.shape[axis] as number) < (strides[axis] ?? (strides[0] as number));
      let pad: object = {};
      if (given.pad === "same" && (small(0) || small(1))) {
        const { top, bottom, left, right } = convolution(x.shape, filter.shape, given, depthwise).padInfo;
        pad = {
          pad: [
            [0, 0],
            [top, bottom],
            [left, right],
            [0, 0],
          ],
        };
      }
      return runStock(kernelName, {
        inputs,
        attrs: attributes({ ...attrs, ...pad }),
        backend: backend as WasmBackend,
      });
    },
  };
}
