import type * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ShapeError } from "../errors.js";
import { output, type WasmBackend } from "./backend.js";
import {
  type ConvolutionAttributes,
  convolution,
  type Geometry,
  type PoolingAttributes,
  poolingGeometry,
} from "./geometry.js";
import { attributes, runStock } from "./stock.js";

/**
 * Convolutions and pooling by tfjs's own kernels, with their padding written out where tfjs takes it wrong: for "same" with a
 * filter smaller than its stride the WASM backend gives zeros where no padding is needed, and for a number tfjs computes the
 * output's width from the filter's height. Where there is no place for a window there is no output, or where TensorFlow says so
 * an error; tfjs writes outside its memory.
 */
export const writtenPadding: readonly tf.KernelConfig[] = [
  ...["Conv2D", "FusedConv2D"].map((name) => convolving(name, false)),
  ...["DepthwiseConv2dNative", "FusedDepthwiseConv2D"].map((name) => convolving(name, true)),
  ...["MaxPool", "AvgPool"].map(pooled),
];

function convolving(kernelName: string, depthwise: boolean): tf.KernelConfig {
  return withPadding(kernelName, ({ x, filter }, attrs) => {
    return convolution(
      (x as tf.TensorInfo).shape,
      (filter as tf.TensorInfo).shape,
      attrs as ConvolutionAttributes,
      depthwise,
    );
  });
}

function pooled(kernelName: string): tf.KernelConfig {
  return withPadding(kernelName, ({ x }, attrs) =>
    poolingGeometry((x as tf.TensorInfo).shape, attrs as PoolingAttributes),
  );
}

function withPadding(
  kernelName: string,
  geometryOf: (inputs: tf.NamedTensorInfoMap, attrs: unknown) => Geometry,
): tf.KernelConfig {
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs = {}, backend }) => {
      const g = geometryOf(inputs, attrs);
      if (g.outHeight < 0 || g.outWidth < 0) {
        throw new ShapeError(
          `${kernelName}: expected windows of at most the padded image's size, got windows of ` +
            `${show([g.effectiveFilterHeight, g.effectiveFilterWidth])} over an image of ${show([g.inHeight, g.inWidth])} ` +
            `with padding ${JSON.stringify(attrs.pad)}`,
        );
      }
      if (g.outShape.some((n) => n === 0)) {
        return output(backend as WasmBackend, g.outShape.map(Math.abs), "float32", () => {});
      }
      const pad = mustBeWritten(attrs.pad, g) ? { pad: writtenOut(g.padInfo) } : {};
      return runStock(kernelName, {
        inputs,
        attrs: attributes({ ...attrs, ...pad }),
        backend: backend as WasmBackend,
      });
    },
  };
}

function mustBeWritten(pad: unknown, g: Geometry): boolean {
  if (typeof pad === "number") return true;
  return pad === "same" && (g.filterHeight < g.strideHeight || g.filterWidth < g.strideWidth);
}

function writtenOut({ top, bottom, left, right }: Geometry["padInfo"]): tf.backend_util.ExplicitPadding {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}
