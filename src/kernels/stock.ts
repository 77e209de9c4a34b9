import * as tf from "@tensorflow/tfjs";
import { addressOf, allocate, type WasmBackend } from "./backend.js";

/** What stood in tfjs's registry before ours, by kernel name; null where nothing did. Empty while ours are not installed. */
export const originals = new Map<string, tf.KernelConfig | null>();

export interface Call {
  inputs: tf.NamedTensorInfoMap;
  attrs?: tf.NamedAttrMap;
  backend: WasmBackend;
}

/** Runs tfjs's own kernel of a name, whether ours stands in its place or not. */
export function runStock(name: string, { inputs, attrs, backend }: Call): tf.TensorInfo {
  const kernel = originals.get(name) ?? tf.getKernel(name, "wasm");
  if (kernel == null) throw new Error(`Kernel '${name}' not registered for backend 'wasm'`);
  return kernel.kernelFunc({
    inputs,
    backend,
    ...(attrs === undefined ? {} : { attrs }),
  }) as tf.TensorInfo;
}

/**
 * `runStock` of a kernel that writes `shape` float32. tfjs writes to address 0 where there is no memory left, over its own
 * data; so that much is asked for before, and given back for it to take.
 */
export function runStockSafely(name: string, call: Call, shape: readonly number[]): tf.TensorInfo {
  call.backend.disposeData(allocate(call.backend, shape, "float32").dataId);
  const result = runStock(name, call);
  addressOf(call.backend, result);
  return result;
}

/** The backend's kernels take this argument for what they name it. */
export function attributes<T extends object>(attrs: T): tf.NamedAttrMap {
  return attrs as unknown as tf.NamedAttrMap;
}

/** A kernel of the WASM backend: one function of the inputs, the attributes and the backend. */
export function wasmKernel<Inputs extends string, Attrs = object>(
  kernelName: string,
  run: (inputs: Record<Inputs, tf.TensorInfo>, attrs: Attrs, backend: WasmBackend) => tf.TensorInfo,
): tf.KernelConfig {
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs, backend }) =>
      run(inputs as Record<Inputs, tf.TensorInfo>, attrs as Attrs, backend as WasmBackend),
  };
}

/** Whether the current backend has a kernel of this name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}
