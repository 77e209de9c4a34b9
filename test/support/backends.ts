import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { installKernels, uninstallKernels } from "../../src/kernels/index.js";

/** Where every operation must be right: the WASM backend with our kernels and without, and plain JavaScript. */
export const backends = [
  {
    backend: "wasm with our kernels",
    use: async () => {
      await tf.setBackend("wasm");
      installKernels();
    },
  },
  {
    backend: "wasm as it is",
    use: async () => {
      await tf.setBackend("wasm");
      uninstallKernels();
    },
  },
  {
    backend: "cpu",
    use: async () => {
      await tf.setBackend("cpu");
    },
  },
] as const;

/** Runs `fn` and throws where it leaves more or fewer tensors than before. */
export function withoutLeak<T>(fn: () => T): T {
  const before = tf.memory().numTensors;
  const result = fn();
  const after = tf.memory().numTensors;
  if (after !== before) throw new Error(`${after - before} tensors leaked`);
  return result;
}
