import type * as tf from "@tensorflow/tfjs";
import { addressOf, allocate, bytesOn, kernelsOn, type WasmBackend } from "./backend.js";

/** tf.isFinite. int32 and bool are finite (tfjs's own kernel reads them as if they were float32). */
export const isFiniteConfig: tf.KernelConfig = {
  kernelName: "IsFinite",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: b }) => {
    const backend = b as WasmBackend;
    const x = inputs.x as tf.TensorInfo;
    const output = allocate(backend, x.shape, "bool");
    const size = x.shape.reduce((product, n) => product * n, 1);
    const address = addressOf(backend, output);
    if (x.dtype === "float32") kernelsOn(backend).finiteMask(addressOf(backend, x), address, size, 1);
    else bytesOn(backend, address, size).fill(1);
    return output;
  },
};
