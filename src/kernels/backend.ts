/**
 * The one file that reaches into TensorFlow.js's WASM backend: its memory, where its tensors lie in it, and its
 * allocator. Everything else in this folder sees pointers and tensors only.
 */
import type * as tf from "@tensorflow/tfjs";
import scalarModule from "#wasm/scalar";
import scalarSharedModule from "#wasm/scalar.shared";
import simdModule from "#wasm/simd";
import simdSharedModule from "#wasm/simd.shared";
import type { KernelExports } from "../core/exports.js";
import { inlinedModule, supportsSimd } from "../core/module.js";
import { OutOfMemoryError } from "../errors.js";

/** What we use of `BackendWasm`, under the names of @tensorflow/tfjs-backend-wasm 4.22. */
export interface WasmBackend {
  readonly wasm: {
    /** The memory of the threaded build, which is shared. */
    readonly wasmMemory?: WebAssembly.Memory;
    /** The exports of the single-thread builds. */
    readonly asm?: { readonly memory: WebAssembly.Memory };
  };
  readonly dataIdMap: { get(dataId: tf.DataId): { readonly memoryOffset: number | null } };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  disposeData(dataId: tf.DataId): boolean;
}

const instances = new WeakMap<WebAssembly.Memory, KernelExports>();

/** Our kernels on the backend's own memory: instantiated once a memory, so that a backend made anew gets its own. */
export function kernelsOn(backend: WasmBackend): KernelExports {
  const memory = memoryOf(backend);
  let kernels = instances.get(memory);
  if (kernels === undefined) {
    const module = new WebAssembly.Module(inlinedModule(moduleFor(memory)));
    kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelExports;
    instances.set(memory, kernels);
  }
  return kernels;
}

/** A module's memory import must be shared exactly when the host's memory is. */
function moduleFor(memory: WebAssembly.Memory): string {
  const shared = typeof SharedArrayBuffer !== "undefined" && memory.buffer instanceof SharedArrayBuffer;
  if (supportsSimd()) return shared ? simdSharedModule : simdModule;
  return shared ? scalarSharedModule : scalarModule;
}

/** A view of the backend's memory. Make a new one for each call: growth detaches it. */
export function bytesOn(backend: WasmBackend, address: number, length: number): Uint8Array {
  return new Uint8Array(memoryOf(backend).buffer, address, length);
}

function memoryOf(backend: WasmBackend): WebAssembly.Memory {
  const memory = backend.wasm.wasmMemory ?? backend.wasm.asm?.memory;
  if (memory === undefined)
    throw new TypeError("this build of tfjs-backend-wasm has no memory where 4.22 has it");
  return memory;
}

/** Where a tensor's values begin. An address of 0 is an allocation that failed, which the backend does not check. */
export function addressOf(backend: WasmBackend, tensor: tf.TensorInfo): number {
  const address = backend.dataIdMap.get(tensor.dataId).memoryOffset;
  if (address === null || (address === 0 && tensor.shape.every((n) => n > 0))) {
    throw new OutOfMemoryError(
      `the WASM backend has no memory for a tensor of shape [${tensor.shape.join(", ")}]`,
    );
  }
  return address;
}

/** A new tensor of the backend, or an OutOfMemoryError and none. */
export function allocate(backend: WasmBackend, shape: number[], dtype: tf.DataType): tf.TensorInfo {
  const output = backend.makeOutput(shape, dtype);
  try {
    addressOf(backend, output);
  } catch (error) {
    backend.disposeData(output.dataId);
    throw error;
  }
  return output;
}
