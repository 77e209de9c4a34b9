import * as tf from "@tensorflow/tfjs";
import { KernelLoadError } from "../errors.js";
import { kernelsOn, type WasmBackend } from "./backend.js";
import { batchMatMul } from "./batchMatMul.js";
import { conv2dBackpropFilter } from "./conv2dBackpropFilter.js";
import { conv2dBackpropInput } from "./conv2dBackpropInput.js";
import { cumsum } from "./cumsum.js";
import { depthwiseConv2dBackpropFilter, depthwiseConv2dBackpropInput } from "./depthwise.js";
import { releaseDerived } from "./derived.js";
import { einsum } from "./einsum.js";
import { extractPatchesConfig } from "./extractPatches.js";
import { isFiniteConfig, isInfConfig, isNaNConfig } from "./finite.js";
import { foldPatchesConfig } from "./foldPatches.js";
import { gatherNd } from "./gatherNd.js";
import { gatherV2 } from "./gatherV2.js";
import { gradients, registerGradients, restoreGradients } from "./gradients/index.js";
import { identity } from "./identity.js";
import { maskGradient } from "./maskGradient.js";
import { avgPoolGrad, maxPoolGrad } from "./pooling.js";
import { prelu } from "./prelu.js";
import { scatterAdd } from "./scatterAdd.js";
import { scatterNdAdd } from "./scatterNdAdd.js";
import { stabilise } from "./stabilise.js";
import { originals } from "./stock.js";
import { sum } from "./sum.js";
import { tile } from "./tile.js";
import { transpose } from "./transpose.js";
import { unsortedSegmentSum } from "./unsortedSegmentSum.js";
import { volumes } from "./volumes.js";
import { writtenPadding } from "./writtenPadding.js";

const configs: readonly tf.KernelConfig[] = [
  extractPatchesConfig,
  foldPatchesConfig,
  scatterAdd,
  scatterNdAdd,
  identity,
  maskGradient,
  stabilise,
  sum,
  cumsum,
  prelu,
  gatherV2,
  gatherNd,
  tile,
  transpose,
  isFiniteConfig,
  isNaNConfig,
  isInfConfig,
  ...writtenPadding,
  batchMatMul,
  conv2dBackpropInput,
  conv2dBackpropFilter,
  depthwiseConv2dBackpropInput,
  depthwiseConv2dBackpropFilter,
  maxPoolGrad,
  avgPoolGrad,
  unsortedSegmentSum,
  einsum,
  ...volumes,
];

/**
 * Puts this library's kernels into the tfjs WASM backend, on its own memory and without copies. Slow and wrong ones are
 * replaced (GatherV2, GatherNd, Tile, Transpose, Identity, Sum, IsFinite, IsNan, IsInf, BatchMatMul with one side transposed,
 * Conv2DBackpropInput, MaxPoolGrad, AvgPoolGrad, convolution and pooling of volumes) or put right (Cumsum, Prelu, padding of
 * convolutions and pooling); those that the backend lacks are added, without which gradients throw
 * (Conv2DBackpropFilter, both of DepthwiseConv2dNative, UnsortedSegmentSum, Einsum). With them come gradients that tfjs
 * lacks or takes otherwise than TensorFlow (src/kernels/gradients); as tfjs keeps one gradient for all backends, they hold
 * on the others too. Installing twice is harmless.
 *
 * @throws KernelLoadError where the current backend is not `wasm`, or WebAssembly may not be compiled here
 * @example
 * await tf.setBackend("wasm");
 * installKernels();
 */
export function installKernels(): void {
  if (tf.getBackend() !== "wasm") {
    throw new KernelLoadError(
      `installKernels: expected the wasm backend, got ${tf.getBackend() || "none"}: ` +
        `import "@tensorflow/tfjs-backend-wasm", then await tf.setBackend("wasm")`,
    );
  }
  if (originals.size > 0) return;
  try {
    kernelsOn(tf.backend() as unknown as WasmBackend);
  } catch (cause) {
    throw new KernelLoadError(`installKernels: the kernels could not be instantiated (${String(cause)})`, {
      cause,
    });
  }
  for (const config of configs) {
    const original = tf.getKernel(config.kernelName, config.backendName) ?? null;
    originals.set(config.kernelName, original);
    if (original !== null) tf.unregisterKernel(config.kernelName, config.backendName);
    tf.registerKernel(config);
  }
  registerGradients(gradients);
}

/** Puts back exactly what was there before `installKernels`. Harmless when nothing is installed. */
export function uninstallKernels(): void {
  for (const [kernelName, original] of originals) {
    tf.unregisterKernel(kernelName, "wasm");
    if (original !== null) tf.registerKernel(original);
  }
  originals.clear();
  restoreGradients();
  releaseDerived();
}
