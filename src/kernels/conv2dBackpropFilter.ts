import * as tf from "@tensorflow/tfjs";
import type { Windows } from "../core/windows.js";
import type { WasmBackend } from "./backend.js";
import { extractPatches } from "./extractPatches.js";

/**
 * The gradient of conv2d for its filter, which tfjs's WASM backend lacks (training a convolution throws without it):
 *
 *     dFilter[kh * kw * in, out] = patches(x)[n * oh * ow, kh * kw * in] ^T . dy[n * oh * ow, out]
 */
export const conv2dBackpropFilterConfig: tf.KernelConfig = {
  kernelName: "Conv2DBackpropFilter",
  backendName: "wasm",
  kernelFunc: ({ inputs, attrs, backend: b }) => {
    const backend = b as WasmBackend;
    const x = inputs.x as tf.TensorInfo;
    const dy = inputs.dy as tf.TensorInfo;
    const { strides, pad, dimRoundingMode, filterShape, dataFormat } =
      attrs as unknown as tf.Conv2DBackpropFilterAttrs;
    if (dataFormat !== "NHWC")
      throw new Error(`Conv2DBackpropFilter on wasm: expected dataFormat NHWC, got ${dataFormat}`);
    const info = tf.backend_util.computeConv2DInfo(
      x.shape as [number, number, number, number],
      filterShape,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const windows: Windows = {
      kernel: [info.filterHeight, info.filterWidth],
      strides: [info.strideHeight, info.strideWidth],
      rates: [1, 1],
      pad: [info.padInfo.top, info.padInfo.left],
      out: [info.outHeight, info.outWidth],
    };
    const rows = info.batchSize * info.outHeight * info.outWidth;
    const columns = info.filterHeight * info.filterWidth * info.inChannels;
    const patches = extractPatches(backend, x, windows);
    try {
      const product = tf.getKernel("BatchMatMul", "wasm").kernelFunc({
        inputs: {
          a: { ...patches, shape: [1, rows, columns] },
          b: { ...dy, shape: [1, rows, info.outChannels] },
        },
        attrs: { transposeA: true, transposeB: false },
        backend,
      }) as tf.TensorInfo;
      return { ...product, shape: [...filterShape] };
    } finally {
      backend.disposeData(patches.dataId);
    }
  },
};
