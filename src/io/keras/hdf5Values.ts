/**
 * The values of an HDF5 dataset as float32. jsfive reads them element by element into a list, takes the sizes of chunks as the
 * file says them, and gives zeros for what lies in other files; so the bytes are found here, and it unshuffles and checks them.
 */

import { Unzlib } from "fflate";
import type { DataObjects, Dataset, Filters } from "jsfive";
import { messageOf } from "../../text.js";
import { type Hdf5Bytes, Hdf5Damage, Hdf5Unsupported, UNDEFINED_ADDRESS } from "./hdf5Bytes.js";

const FILL_VALUE = 0x05;
const EXTERNAL_FILES = 0x07;
const LAYOUT = 0x08;
const [COMPACT, CONTIGUOUS, CHUNKED] = [0, 1, 2];

/** What elements are: NumPy's letter for the kind, bytes, and byte order. */
export interface ElementType {
  readonly kind: "f" | "i" | "u";
  readonly width: number;
  readonly littleEndian: boolean;
}

/** A type in NumPy's way: "<f4". */
export function elementType(dtype: unknown): ElementType {
  const [, order, kind, width] = /^([<>|=])(?:(?=f[248]|[iu][1248])([fiu])(\d))$/.exec(String(dtype)) ?? [];
  if (kind === undefined) throw new Hdf5Damage(`expected numbers, got elements of type ${String(dtype)}`);
  return { kind: kind as "f", width: Number(width), littleEndian: order !== ">" };
}

/** All values: a view of the file where they stand in it so, else an array of their own. */
export function valuesOf(
  file: Hdf5Bytes,
  dataset: Dataset,
  size: number,
  filters: typeof Filters,
): Float32Array {
  const type = elementType(dataset.dtype);
  const objects = dataset._dataobjects;
  if (objects.find_msg_type(EXTERNAL_FILES).length > 0) throw new Hdf5Unsupported("lies in another file");
  const layout = layoutOf(file, objects);
  if (layout.kind === "chunks") return unchunked(file, dataset, type, layout, filters);
  if (layout.at === UNDEFINED_ADDRESS) return filled(file, dataset, size);
  const wanted = size * type.width;
  if (layout.length !== null && layout.length !== wanted) {
    throw new Hdf5Damage(`expected ${wanted} bytes of values, it says that it has ${layout.length}`);
  }
  const bytes = file.bytes(layout.at, wanted);
  if (!isFloats(type)) file.unpack(4 * size);
  return floats(bytes, type);
}

function isFloats({ kind, width, littleEndian }: ElementType): boolean {
  return kind === "f" && width === 4 && littleEndian;
}

/** Elements as float32: the bytes themselves, where they are that and lie as such must. */
function floats(bytes: Uint8Array<ArrayBuffer>, type: ElementType): Float32Array {
  const { buffer, byteOffset, length } = bytes;
  const count = length / type.width;
  if (isFloats(type))
    return byteOffset % 4 === 0
      ? new Float32Array(buffer, byteOffset, count)
      : new Float32Array(bytes.slice().buffer);
  const read = reader(new DataView(buffer, byteOffset, length), type);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = read(i);
  return values;
}

/** An array that was never written. */
function filled(file: Hdf5Bytes, dataset: Dataset, size: number): Float32Array {
  file.unpack(4 * size);
  return new Float32Array(size).fill(fillValue(dataset));
}

function fillValue(dataset: Dataset): number {
  return dataset._dataobjects.find_msg_type(FILL_VALUE).length === 0 ? 0 : Number(dataset.fillvalue);
}

function reader(view: DataView, { kind, width, littleEndian }: ElementType): (i: number) => number {
  switch (`${kind}${width}`) {
    case "f2":
      return (i) => fromHalf(view.getUint16(2 * i, littleEndian));
    case "f4":
      return (i) => view.getFloat32(4 * i, littleEndian);
    case "f8":
      return (i) => view.getFloat64(8 * i, littleEndian);
    case "i1":
      return (i) => view.getInt8(i);
    case "i2":
      return (i) => view.getInt16(2 * i, littleEndian);
    case "i4":
      return (i) => view.getInt32(4 * i, littleEndian);
    case "i8":
      return (i) => Number(view.getBigInt64(8 * i, littleEndian));
    case "u1":
      return (i) => view.getUint8(i);
    case "u2":
      return (i) => view.getUint16(2 * i, littleEndian);
    case "u4":
      return (i) => view.getUint32(4 * i, littleEndian);
    default:
      return (i) => Number(view.getBigUint64(8 * i, littleEndian));
  }
}

/** IEEE's half precision. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? 2 ** -14 * fraction : 2 ** (exponent - 15) * (1 + fraction));
}

interface Chunks {
  readonly kind: "chunks";
  /** Of the tree that finds them. */
  readonly at: number;
  /** Sizes of one chunk. */
  readonly shape: readonly number[];
  readonly width: number;
}

type Layout = { readonly kind: "whole"; readonly at: number; readonly length: number | null } | Chunks;

/** @source HDF5 File Format Specification 3.0, IV.A.2.i */
function layoutOf(file: Hdf5Bytes, objects: DataObjects): Layout {
  const at = objects.find_msg_type(LAYOUT)[0]?.get("offset_to_message");
  if (at === undefined) throw new Hdf5Damage("it has no data");
  const version = file.u8(at);
  const old = version === 1 || version === 2;
  const layout = file.u8(old ? at + 2 : at + 1);
  // Version 4 changes what it says of chunks alone.
  if (!old && version !== 3 && !(version === 4 && layout !== CHUNKED)) {
    throw new Hdf5Unsupported(`is stored in a layout of version ${version}, which is not read`);
  }
  const properties = old ? at + 8 : at + 2;
  if (layout === CONTIGUOUS) {
    return { kind: "whole", at: file.u64(properties), length: old ? null : file.u64(properties + 8) };
  }
  if (layout === COMPACT && !old) return { kind: "whole", at: properties + 2, length: file.u16(properties) };
  if (layout !== CHUNKED)
    throw new Hdf5Unsupported(`is stored in a layout of class ${layout}, which is not read`);
  const rank = file.u8(old ? at + 1 : properties) - 1;
  const address = old ? properties : properties + 1;
  const sizes = Array.from({ length: rank + 1 }, (_, i) => file.u32(address + 8 + 4 * i));
  const width = sizes.pop() ?? 0;
  return { kind: "chunks", at: file.u64(address), shape: sizes, width };
}

function unchunked(
  file: Hdf5Bytes,
  dataset: Dataset,
  type: ElementType,
  chunks: Chunks,
  filters: typeof Filters,
): Float32Array {
  const { shape } = dataset;
  const inChunk = chunks.shape.reduce((product, n) => product * n, 1);
  if (chunks.shape.length !== shape.length || inChunk === 0 || chunks.width !== type.width) {
    throw new Hdf5Damage(
      `chunks of [${chunks.shape.join(", ")}] elements of ${chunks.width} bytes do not make [${shape.join(", ")}] of ${type.width}`,
    );
  }
  const size = shape.reduce((product, n) => product * n, 1);
  file.unpack(4 * size);
  const values = new Float32Array(size).fill(fillValue(dataset));
  if (chunks.at === UNDEFINED_ADDRESS) return values;
  // Of one chunk at a time, and it may be larger than the array.
  file.unpack(inChunk * type.width);
  const pipeline = dataset._dataobjects.filter_pipeline ?? [];
  for (const chunk of chunksIn(file, chunks.at, shape.length)) {
    if (
      chunk.offset.some((n, axis) => n >= (shape[axis] as number) || n % (chunks.shape[axis] as number) > 0)
    )
      throw new Hdf5Damage(`a chunk at [${chunk.offset.join(", ")}] lies outside of [${shape.join(", ")}]`);
    const stored = file.bytes(chunk.at, pipeline.length === 0 ? inChunk * type.width : chunk.length);
    const bytes = unfiltered(stored, chunk.mask, pipeline, inChunk * type.width, type.width, filters);
    place(floats(bytes, type), chunk.offset, chunks.shape, { values, shape });
  }
  return values;
}

/** Puts a chunk's values, as far as they lie inside, row by row where they belong. */
function place(
  part: Float32Array,
  offset: readonly number[],
  chunk: readonly number[],
  { values, shape }: { values: Float32Array; shape: readonly number[] },
): void {
  const last = shape.length - 1;
  const row = (axis: number, from: number, to: number): void => {
    const count = Math.min(chunk[axis] ?? 1, (shape[axis] ?? 1) - (offset[axis] ?? 0));
    const start = to * (shape[axis] ?? 1) + (offset[axis] ?? 0);
    const begin = from * (chunk[axis] ?? 1);
    if (axis >= last) values.set(part.subarray(begin, begin + count), start);
    else for (let i = 0; i < count; i++) row(axis + 1, begin + i, start + i);
  };
  row(0, 0, 0);
}

interface Chunk {
  readonly offset: readonly number[];
  readonly at: number;
  readonly length: number;
  /** Which filters were left out, a bit each. */
  readonly mask: number;
}

/** The leaves of a tree of chunks, each of them once. @source HDF5 File Format Specification 3.0, III.A.1 */
function* chunksIn(
  file: Hdf5Bytes,
  at: number,
  rank: number,
  level: number | null = null,
  seen: Set<number> = new Set(),
): Generator<Chunk> {
  const found = file.u8(at + 5);
  if (!file.has("TREE", at) || file.u8(at + 4) !== 1 || (level !== null && found !== level) || seen.has(at))
    throw new Hdf5Damage(`expected a tree of chunks at ${at}, got other bytes`);
  seen.add(at);
  const count = file.u16(at + 6);
  for (let i = 0; i < count; i++) {
    const key = at + 24 + i * (24 + 8 * rank);
    const child = file.u64(key + 16 + 8 * rank);
    if (found > 0) {
      yield* chunksIn(file, child, rank, found - 1, seen);
      continue;
    }
    const offset = Array.from({ length: rank }, (_, axis) => file.u64(key + 8 + 8 * axis));
    if (seen.has(child)) throw new Hdf5Damage(`two chunks lie at ${child}`);
    seen.add(child);
    yield { offset, at: child, length: file.u32(key), mask: file.u32(key + 4) };
  }
}

const [DEFLATE, SHUFFLE, FLETCHER32] = [1, 2, 3];
const OTHER_FILTERS: Readonly<Record<number, string>> = {
  4: "szip",
  5: "nbit",
  6: "scaleoffset",
  32000: "lzf",
};

function unfiltered(
  stored: Uint8Array<ArrayBuffer>,
  mask: number,
  pipeline: NonNullable<DataObjects["filter_pipeline"]>,
  length: number,
  width: number,
  filters: typeof Filters,
): Uint8Array<ArrayBuffer> {
  let bytes = stored;
  for (let i = pipeline.length - 1; i >= 0; i--) {
    const id = Number(pipeline[i]?.get("filter_id"));
    if (mask & (1 << i)) continue;
    // What is checked after it was shuffled has a sum of four bytes behind it.
    if (id === DEFLATE) bytes = inflate(bytes, length + 4 * pipeline.length);
    else if (id === SHUFFLE || id === FLETCHER32) {
      const filter = filters.get(id) as (buffer: ArrayBuffer, width: number) => ArrayBuffer;
      bytes = new Uint8Array(filter(bytes.slice().buffer, width));
    } else {
      const name = OTHER_FILTERS[id];
      throw new Hdf5Unsupported(
        `is compressed by filter ${id}${name ? ` (${name})` : ""}, which is not read; gzip is`,
      );
    }
  }
  if (bytes.length !== length)
    throw new Hdf5Damage(`expected a chunk of ${length} bytes, got ${bytes.length}`);
  return bytes;
}

/** Bytes are inflated in steps, to stop where there are more than there may be. */
const STEP = 2 ** 16;

function inflate(packed: Uint8Array<ArrayBuffer>, most: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(most);
  let length = 0;
  let ended = false;
  const stream = new Unzlib((part, final) => {
    if (length + part.length > most) throw new Hdf5Damage(`a chunk unpacks to more than ${most} bytes`);
    out.set(part, length);
    length += part.length;
    ended = final;
  });
  try {
    for (let at = 0; at < packed.length; at += STEP) {
      stream.push(packed.subarray(at, at + STEP), at + STEP >= packed.length);
    }
  } catch (error) {
    if (error instanceof Hdf5Damage) throw error;
    throw new Hdf5Damage(`a chunk cannot be unpacked: ${messageOf(error)}`);
  }
  const bytes = out.subarray(0, length);
  const sum =
    packed.length < 4
      ? null
      : new DataView(packed.buffer, packed.byteOffset + packed.length - 4).getUint32(0);
  if (!ended || sum !== adler32(bytes)) throw new Hdf5Damage("a chunk is damaged: its checksum is another");
  return bytes;
}

/** zlib's checksum. @source RFC 1950 */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let at = 0; at < bytes.length; ) {
    // As many as do not overflow.
    for (const end = Math.min(at + 3800, bytes.length); at < end; at++) {
      a += bytes[at] as number;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
