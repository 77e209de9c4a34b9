/**
 * Tensors made from others and kept while those live: a filter flipped and transposed for the gradient of its convolution.
 * They are the backend's memory, but not among its tensors except while a kernel reads them, so that who counts tensors
 * counts his own.
 */
import type * as tf from "@tensorflow/tfjs";
import type { TensorData, WasmBackend } from "./backend.js";

interface Derived {
  tensor: tf.TensorInfo;
  data: TensorData;
}

/** By source and key, for each backend that has any. */
type Kept = Map<tf.DataId, Map<string, Derived>>;
const keptOn = new Map<WasmBackend, Kept>();

/** Runs `use` with what `make` derives from `source`, which is made once for each key. */
export function withDerived<T>(
  backend: WasmBackend,
  source: tf.TensorInfo,
  key: string,
  make: () => tf.TensorInfo,
  use: (derived: tf.TensorInfo) => T,
): T {
  const kept = keptOn.get(backend) ?? watch(backend);
  const entries = kept.get(source.dataId) ?? new Map<string, Derived>();
  let derived = entries.get(key);
  if (derived === undefined) {
    const tensor = make();
    derived = { tensor, data: backend.dataIdMap.get(tensor.dataId) };
    kept.set(source.dataId, entries.set(key, derived));
  } else {
    backend.dataIdMap.set(derived.tensor.dataId, derived.data);
  }
  try {
    return use(derived.tensor);
  } finally {
    backend.dataIdMap.delete(derived.tensor.dataId);
  }
}

/** Frees all that is derived, and leaves every backend as it was. */
export function releaseDerived(): void {
  for (const [backend, kept] of keptOn) {
    for (const source of kept.keys()) release(backend, kept, source);
    // The class's own method shows again.
    delete (backend as Partial<WasmBackend>).disposeData;
  }
  keptOn.clear();
}

/** From here on what is derived from a tensor goes when its memory goes. */
function watch(backend: WasmBackend): Kept {
  const kept: Kept = new Map();
  keptOn.set(backend, kept);
  const { disposeData } = backend;
  backend.disposeData = (dataId, force) => {
    const gone = disposeData.call(backend, dataId, force);
    if (gone && kept.size > 0) release(backend, kept, dataId);
    return gone;
  };
  return kept;
}

function release(backend: WasmBackend, kept: Kept, source: tf.DataId): void {
  const entries = kept.get(source);
  if (entries === undefined) return;
  kept.delete(source);
  for (const { tensor, data } of entries.values()) {
    backend.dataIdMap.set(tensor.dataId, data);
    backend.disposeData(tensor.dataId, true);
  }
}
