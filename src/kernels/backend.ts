/**
 * The one file that reaches into TensorFlow.js's WASM backend: its memory, where its tensors lie in it, and its
 * allocator. Everything else in this folder sees pointers and tensors only.
 */
import type * as tf from "@tensorflow/tfjs";
import gradientsScalar from "#wasm/gradients.scalar";
import gradientsScalarShared from "#wasm/gradients.scalar.shared";
import gradientsSimd from "#wasm/gradients.simd";
import gradientsSimdShared from "#wasm/gradients.simd.shared";
import scalar from "#wasm/scalar";
import scalarShared from "#wasm/scalar.shared";
import simd from "#wasm/simd";
import simdShared from "#wasm/simd.shared";
import type { KernelExports } from "../core/exports.js";
import { inlinedModule, supportsSimd } from "../core/module.js";
import { sizeOf } from "../core/ndarray.js";
import { OutOfMemoryError } from "../errors.js";
import type { GradientExports } from "./exports.js";

/** What we use of `BackendWasm`, under the names of @tensorflow/tfjs-backend-wasm 4.22. */
export interface WasmBackend {
  readonly wasm: {
    /** The memory of the threaded build, which is shared. */
    readonly wasmMemory?: WebAssembly.Memory;
    /** The exports of the single-thread builds. */
    readonly asm?: { readonly memory: WebAssembly.Memory };
  };
  readonly dataIdMap: {
    has(dataId: tf.DataId): boolean;
    get(dataId: tf.DataId): TensorData;
    set(dataId: tf.DataId, data: TensorData): void;
    delete(dataId: tf.DataId): boolean;
  };
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  incRef(dataId: tf.DataId): void;
  /** Gives the memory back when nobody else refers to it, or with `force`; true where it did. */
  disposeData(dataId: tf.DataId, force?: boolean): boolean;
}

/** What the backend keeps of a tensor. Strings have no memory. */
export interface TensorData {
  readonly memoryOffset: number | null;
  /** How many tensors share it. */
  refCount: number;
}

export type Kernels = KernelExports & GradientExports;

const instances = new WeakMap<WasmBackend, Kernels>();

/** Our kernels on the backend's own memory: instantiated once a backend, as one made anew has its own. */
export function kernelsOn(backend: WasmBackend): Kernels {
  let kernels = instances.get(backend);
  if (kernels === undefined) {
    const memory = memoryOf(backend);
    const parts = modulesFor(memory).map(
      (module) =>
        new WebAssembly.Instance(new WebAssembly.Module(inlinedModule(module)), { env: { memory } }).exports,
    );
    kernels = Object.assign({}, ...parts) as Kernels;
    instances.set(backend, kernels);
  }
  return kernels;
}

/** A module's memory import must be shared exactly when the host's memory is. */
function modulesFor(memory: WebAssembly.Memory): string[] {
  const shared = typeof SharedArrayBuffer !== "undefined" && memory.buffer instanceof SharedArrayBuffer;
  if (supportsSimd()) return shared ? [simdShared, gradientsSimdShared] : [simd, gradientsSimd];
  return shared ? [scalarShared, gradientsScalarShared] : [scalar, gradientsScalar];
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
  // Of a shape without elements the allocator may give 0.
  if (!address && (address === null || sizeOf(tensor.shape) > 0)) {
    throw new OutOfMemoryError(
      `the WASM backend has no memory for a tensor of shape [${tensor.shape.join(", ")}]`,
    );
  }
  return address;
}

/** A new tensor of the backend, or an OutOfMemoryError and none. */
export function allocate(backend: WasmBackend, shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
  return output(backend, shape, dtype, () => {});
}

/** A new tensor that `fill` writes at its address; none where it throws. */
export function output(
  backend: WasmBackend,
  shape: readonly number[],
  dtype: tf.DataType,
  fill: (address: number) => void,
): tf.TensorInfo {
  const tensor = backend.makeOutput(shape, dtype);
  try {
    fill(addressOf(backend, tensor));
  } catch (error) {
    backend.disposeData(tensor.dataId);
    throw error;
  }
  return tensor;
}

/** Runs `use` with the address of so many bytes of the backend's memory, which go back when it is done. */
export function withScratch<T>(backend: WasmBackend, bytes: number, use: (address: number) => T): T {
  const scratch = allocate(backend, [Math.ceil(bytes / 4)], "int32");
  try {
    return use(addressOf(backend, scratch));
  } finally {
    backend.disposeData(scratch.dataId);
  }
}

/** `withScratch` that holds a table of int32. */
export function withTable<T>(backend: WasmBackend, table: Int32Array, use: (address: number) => T): T {
  return withScratch(backend, table.byteLength, (address) => {
    bytesOn(backend, address, table.byteLength).set(new Uint8Array(table.buffer, 0, table.byteLength));
    return use(address);
  });
}

/** The same values under another shape: a second reference to the same memory. */
export function reshaped(
  backend: WasmBackend,
  tensor: tf.TensorInfo,
  shape: readonly number[],
): tf.TensorInfo {
  backend.incRef(tensor.dataId);
  return { dataId: tensor.dataId, shape: [...shape], dtype: tensor.dtype };
}

/** The backend's own int32 values of a tensor, as a view for the length of a call. */
export function intsOf(backend: WasmBackend, tensor: tf.TensorInfo): Int32Array {
  return new Int32Array(memoryOf(backend).buffer, addressOf(backend, tensor), sizeOf(tensor.shape));
}

/** Bytes of an element. */
export function bytesPerElement(dtype: tf.DataType): number {
  return dtype === "bool" ? 1 : 4;
}
