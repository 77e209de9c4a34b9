import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { KernelLoadError } from "../errors.js";
import { keepingErrorListeners } from "../platform.js";
import { installKernels } from "./installKernels.js";

/**
 * Sets TensorFlow.js up for this library: its WASM backend, with our kernels installed. Calling it again is harmless. In
 * Node the process keeps the error listeners it had: tfjs's initialisation adds ones that kill it.
 *
 * In a browser, say first where the backend's own .wasm files lie: `setWasmPaths` of @tensorflow/tfjs-backend-wasm.
 *
 * @throws KernelLoadError where the backend does not start
 * @example await init();
 */
export async function init(): Promise<void> {
  if (tf.getBackend() !== "wasm" && !(await keepingErrorListeners(() => tf.setBackend("wasm")))) {
    throw new KernelLoadError(
      `init: TensorFlow.js's WASM backend did not start; where its .wasm files are not beside it, ` +
        `call setWasmPaths(folder) of @tensorflow/tfjs-backend-wasm first`,
    );
  }
  installKernels();
}
