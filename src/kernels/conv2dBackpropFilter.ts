import type * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../core/ndarray.js";
import { ArgumentError } from "../errors.js";
import { addressOf, bytesOn, output, type WasmBackend } from "./backend.js";
import { extractPatches } from "./extractPatches.js";
import { filterGradient, multiplyTransposedLeft } from "./filterGradient.js";
import { asWindows, type ConvolutionAttributes, convolution, windowsOf } from "./geometry.js";
import { wasmKernel } from "./stock.js";

/** The kernel works on four channels at a time; where the image has fewer, its patches have more. */
const FEW_CHANNELS = 4;

/**
 * The gradient of tf.conv2d for its filter, which tfjs's WASM backend lacks (training a convolution throws without it):
 *
 *     dFilter[i, j, c, o] = sum over n, y, x of  x[n, y sH - padTop + i rH, x sW - padLeft + j rW, c] dy[n, y, x, o]
 */
export const conv2dBackpropFilter = wasmKernel<"x" | "dy", ConvolutionAttributes & { filterShape: number[] }>(
  "Conv2DBackpropFilter",
  ({ x, dy }, attrs, backend) => {
    const { filterShape, dataFormat = "NHWC" } = attrs;
    if (dataFormat !== "NHWC")
      throw new ArgumentError(`Conv2DBackpropFilter on wasm: expected dataFormat NHWC, got ${dataFormat}`);
    if (sizeOf(x.shape) === 0 || sizeOf(dy.shape) === 0 || sizeOf(filterShape) === 0) {
      return output(backend, filterShape, "float32", (to) =>
        bytesOn(backend, to, sizeOf(filterShape) * 4).fill(0),
      );
    }
    const g = convolution(x.shape, filterShape, attrs);
    const pixels = g.filterHeight * g.filterWidth;
    const { top, bottom, left, right } = g.padInfo;
    if (pixels === 1 && g.strideHeight * g.strideWidth === 1 && top + bottom + left + right === 0)
      return product(backend, x, dy, filterShape);
    if (g.inChannels < FEW_CHANNELS) {
      const patches = extractPatches(backend, x, asWindows(g));
      try {
        return product(backend, patches, dy, filterShape);
      } finally {
        backend.disposeData(patches.dataId);
      }
    }
    return output(backend, filterShape, "float32", (to) => {
      const sizes = [g.batchSize, g.inHeight, g.inWidth, g.inChannels] as const;
      const windows = [...windowsOf(g), g.outChannels] as const;
      filterGradient(backend, addressOf(backend, x), addressOf(backend, dy), to, sizes, windows);
    });
  },
);

/** a^T . b, the rows of both being all that comes before their last axis. */
function product(
  backend: WasmBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  shape: readonly number[],
): tf.TensorInfo {
  const [columns, outColumns] = [a.shape.at(-1) as number, b.shape.at(-1) as number];
  return output(backend, shape, "float32", (to) => {
    const rows = sizeOf(a.shape) / columns;
    multiplyTransposedLeft(
      backend,
      addressOf(backend, a),
      addressOf(backend, b),
      to,
      rows,
      columns,
      outColumns,
    );
  });
}
