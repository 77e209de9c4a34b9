import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { ArgumentError, KernelLoadError } from "../errors.js";
import { keepingErrorListeners } from "../platform.js";
import { installKernels } from "./installKernels.js";

export interface InitOptions {
  /** Milliseconds that the backend may take to start. Default 30,000. */
  timeout?: number;
}

/**
 * Sets TensorFlow.js up for this library: its WASM backend, with our kernels installed. Calling it again is harmless. In
 * Node the process keeps the error listeners it had: tfjs's initialisation adds ones that kill it.
 *
 * In a browser, say first where the backend's own .wasm files lie: `setWasmPaths` of @tensorflow/tfjs-backend-wasm.
 *
 * @throws KernelLoadError where the backend does not start, or not in time: tfjs's threaded build waits for ever for workers
 *   that a content security policy blocks or a bundler broke; ArgumentError for a timeout that is no number above 0
 * @example await init();
 */
export async function init({ timeout = 30_000 }: InitOptions = {}): Promise<void> {
  if (!(timeout > 0)) throw new ArgumentError(`init: expected a timeout of more than 0 ms, got ${timeout}`);
  if (tf.getBackend() !== "wasm") {
    const started = await within(timeout, () => keepingErrorListeners(() => tf.setBackend("wasm")));
    if (!started) {
      throw new KernelLoadError(
        `init: TensorFlow.js's WASM backend did not start; where its .wasm files are not beside it, ` +
          `call setWasmPaths(folder) of @tensorflow/tfjs-backend-wasm first`,
      );
    }
  }
  installKernels();
}

async function within<T>(timeout: number, start: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new KernelLoadError(
          `init: TensorFlow.js's WASM backend did not start within ${timeout} ms. On a cross-origin isolated page it waits for ` +
            `workers: allow them (content security policy: script-src blob:, worker-src 'self' blob:), or do without: ` +
            `tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false) before init()`,
        ),
      );
    }, timeout);
  });
  try {
    return await Promise.race([start(), late]);
  } finally {
    clearTimeout(timer);
  }
}
