import * as tf from "@tensorflow/tfjs";
import { KernelLoadError } from "../errors.js";
import { kernelsOn, type WasmBackend } from "./backend.js";
import { conv2dBackpropFilterConfig } from "./conv2dBackpropFilter.js";
import { extractPatchesConfig } from "./extractPatches.js";
import { foldPatchesConfig } from "./foldPatches.js";
import { isFiniteConfig } from "./isFinite.js";

const configs: readonly tf.KernelConfig[] = [
  extractPatchesConfig,
  foldPatchesConfig,
  isFiniteConfig,
  conv2dBackpropFilterConfig,
];

/** What stood in tfjs's registry before, by kernel name; null where nothing did. Empty while ours are not installed. */
const originals = new Map<string, tf.KernelConfig | null>();

/**
 * Puts this library's kernels into the tfjs WASM backend, on its own memory and without copies: IsFinite is replaced,
 * Conv2DBackpropFilter is added (without it, training a convolution on `wasm` throws), and our patch extraction becomes
 * available to our operations. Installing twice is harmless.
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
}

/** Puts back exactly what was there before `installKernels`. Harmless when nothing is installed. */
export function uninstallKernels(): void {
  for (const [kernelName, original] of originals) {
    tf.unregisterKernel(kernelName, "wasm");
    if (original !== null) tf.registerKernel(original);
  }
  originals.clear();
}
