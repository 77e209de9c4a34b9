/**
 * Tensors made from others and kept while those live: a filter flipped and transposed for the gradient of its convolution,
 * or what a rule of relevance makes of it. They are the backend's memory, but not among its tensors except while somebody
 * reads them, so that who counts tensors counts his own.
 */
import * as tf from "@tensorflow/tfjs";
import type { TensorData, WasmBackend } from "./backend.js";
import { originals } from "./stock.js";

interface Derived {
  tensor: tf.TensorInfo;
  data: TensorData;
  /** What else it was made from. */
  others: readonly tf.DataId[];
}

interface Kept {
  /** By source and key. */
  readonly of: Map<tf.DataId, Map<string, Derived>>;
  /** Those that go out as tensors. */
  readonly lent: Map<tf.DataId, Derived>;
}

/** For each backend that has any. */
const keptOn = new Map<WasmBackend, Kept>();

/**
 * What `make` derives from the first of `sources`, and from the others: made once for each key and set of sources, and kept
 * while the first lives. It is a tensor like any other, disposed by who asked; the next who asks gets the same memory, and
 * what the backend keeps of it (filters, packed). Made each time where our kernels are not installed.
 */
export function derived(
  sources: readonly [tf.Tensor, ...tf.Tensor[]],
  key: string,
  make: () => tf.Tensor,
): tf.Tensor {
  const backend = tf.backend() as unknown as WasmBackend;
  const [source, ...rest] = sources.map(({ dataId }) => dataId) as [tf.DataId, ...tf.DataId[]];
  if (originals.size === 0 || tf.getBackend() !== "wasm" || !backend.dataIdMap.has(source)) return make();
  const kept = keptOn.get(backend) ?? watch(backend);
  const entries = kept.of.get(source) ?? new Map<string, Derived>();
  const known = entries.get(key);
  if (known?.others.length === rest.length && known.others.every((id, i) => id === rest[i])) {
    const { dataId } = known.tensor;
    if (backend.dataIdMap.has(dataId)) backend.incRef(dataId);
    else {
      known.data.refCount = 1;
      backend.dataIdMap.set(dataId, known.data);
    }
    return tf.engine().makeTensorFromTensorInfo(known.tensor);
  }
  const made = make();
  if ([source, ...rest].includes(made.dataId)) return made;
  if (known !== undefined) discard(backend, kept, known);
  const { dataId, shape, dtype } = made;
  const entry = { tensor: { dataId, shape, dtype }, data: backend.dataIdMap.get(dataId), others: rest };
  kept.of.set(source, entries.set(key, entry));
  kept.lent.set(dataId, entry);
  return made;
}

/** Runs `use` with what `make` derives from `source`, which is made once for each key. */
export function withDerived<T>(
  backend: WasmBackend,
  source: tf.TensorInfo,
  key: string,
  make: () => tf.TensorInfo,
  use: (derived: tf.TensorInfo) => T,
): T {
  const kept = keptOn.get(backend) ?? watch(backend);
  const entries = kept.of.get(source.dataId) ?? new Map<string, Derived>();
  let entry = entries.get(key);
  if (entry === undefined) {
    const tensor = make();
    entry = { tensor, data: backend.dataIdMap.get(tensor.dataId), others: [] };
    kept.of.set(source.dataId, entries.set(key, entry));
  } else {
    backend.dataIdMap.set(entry.tensor.dataId, entry.data);
  }
  try {
    return use(entry.tensor);
  } finally {
    backend.dataIdMap.delete(entry.tensor.dataId);
  }
}

/** Frees all that is derived, and leaves every backend as it was. */
export function releaseDerived(): void {
  for (const [backend, kept] of keptOn) {
    for (const source of kept.of.keys()) release(backend, kept, source);
    // The class's own method shows again.
    delete (backend as Partial<WasmBackend>).disposeData;
  }
  keptOn.clear();
}

/** From here on what is derived from a tensor goes when its memory goes, and what is lent goes out of sight. */
function watch(backend: WasmBackend): Kept {
  const kept: Kept = { of: new Map(), lent: new Map() };
  keptOn.set(backend, kept);
  const { disposeData } = backend;
  backend.disposeData = (dataId, force) => {
    const lent = kept.lent.get(dataId);
    if (lent !== undefined && !force && backend.dataIdMap.has(dataId)) {
      if (--lent.data.refCount > 0) return false;
      return backend.dataIdMap.delete(dataId);
    }
    const gone = disposeData.call(backend, dataId, force);
    if (gone && kept.of.size > 0) release(backend, kept, dataId);
    return gone;
  };
  return kept;
}

function release(backend: WasmBackend, kept: Kept, source: tf.DataId): void {
  const entries = kept.of.get(source);
  if (entries === undefined) return;
  kept.of.delete(source);
  for (const entry of entries.values()) discard(backend, kept, entry);
}

/** Frees it, or leaves it to those who read it now. */
function discard(backend: WasmBackend, kept: Kept, { tensor: { dataId }, data }: Derived): void {
  const read = kept.lent.delete(dataId) && backend.dataIdMap.has(dataId);
  if (read) return;
  backend.dataIdMap.set(dataId, data);
  backend.disposeData(dataId, true);
}
