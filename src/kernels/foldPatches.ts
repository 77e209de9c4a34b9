import type * as tf from "@tensorflow/tfjs";
import { windowArguments } from "../core/patches.js";
import type { Windows } from "../core/windows.js";
import { addressOf, allocate, kernelsOn, type WasmBackend } from "./backend.js";

/** Our own tfjs kernel: the adjoint of ExtractPatches (col2im). float32. */
export const FoldPatches = "TracelightFoldPatches";

export const foldPatchesConfig: tf.KernelConfig = {
  kernelName: FoldPatches,
  backendName: "wasm",
  kernelFunc: ({ inputs, attrs, backend: b }) => {
    const backend = b as WasmBackend;
    const patches = inputs.patches as tf.TensorInfo;
    const { imageShape, windows } = attrs as unknown as {
      imageShape: [number, number, number, number];
      windows: Windows;
    };
    const output = allocate(backend, imageShape, "float32");
    kernelsOn(backend).foldPatches(
      addressOf(backend, patches),
      addressOf(backend, output),
      ...imageShape,
      ...windowArguments(windows),
    );
    return output;
  },
};
