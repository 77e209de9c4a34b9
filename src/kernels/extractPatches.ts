import type * as tf from "@tensorflow/tfjs";
import { patchesShape, scratchBytes, windowArguments } from "../core/patches.js";
import type { Windows } from "../core/windows.js";
import { addressOf, allocate, kernelsOn, type WasmBackend } from "./backend.js";

/** Our own tfjs kernel: the patches of an image, as `tf.image.extract_patches`. All dtypes. */
export const ExtractPatches = "TracelightExtractPatches";

export const extractPatchesConfig: tf.KernelConfig = {
  kernelName: ExtractPatches,
  backendName: "wasm",
  kernelFunc: ({ inputs, attrs, backend }) =>
    extractPatches(
      backend as WasmBackend,
      inputs.x as tf.TensorInfo,
      (attrs as unknown as { windows: Windows }).windows,
    ),
};

export function extractPatches(backend: WasmBackend, x: tf.TensorInfo, windows: Windows): tf.TensorInfo {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const pixelBytes = c * (x.dtype === "bool" ? 1 : 4);
  const scratch = scratchBytes(h, w, pixelBytes, windows);
  // Scratch of the backend's own, which gets it back in the same call.
  const padded = scratch > 0 ? allocate(backend, [Math.ceil(scratch / 4)], "int32") : null;
  try {
    const output = allocate(backend, patchesShape(n, c, windows), x.dtype);
    const [from, to] = [addressOf(backend, x), addressOf(backend, output)];
    const room = padded === null ? 0 : addressOf(backend, padded);
    kernelsOn(backend).extractPatches(from, to, n, h, w, pixelBytes, ...windowArguments(windows), room);
    return output;
  } finally {
    if (padded !== null) backend.disposeData(padded.dataId);
  }
}
