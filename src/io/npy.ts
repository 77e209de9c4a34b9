/**
 * NumPy's file format for one array: the magic bytes, a version, the length of the header, the header (a Python dict in
 * ASCII, padded so that the data begins at a multiple of 64 bytes), the data.
 *
 * Typed arrays are little-endian on every machine that JavaScript engines run on, so data is copied, not decoded.
 *
 * @source https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { type ArrayInput, type DType, readArray, sizeOf } from "../core/ndarray.js";
import { InputFormatError } from "../errors.js";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const DESCR: Record<DType, string> = { float32: "<f4", int32: "<i4", bool: "|b1" };

/**
 * An array as a .npy file, version 1.0, little-endian, C order.
 *
 * @param array float32, int32 or bool data with its shape
 * @throws ArgumentError, DTypeError, ShapeError for what is no array
 * @example await writeFileAtomic("r.npy", encodeNpy({ data: relevance.dataSync(), shape: relevance.shape }))
 */
export function encodeNpy(array: ArrayInput): Uint8Array {
  const { data, shape, dtype } = readArray("encodeNpy", "the array", array, ["float32", "int32", "bool"]);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${DESCR[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const header = `${dict.padEnd(start - 10 - 1)}\n`;

  const bytes = new Uint8Array(start + data.byteLength);
  bytes.set(MAGIC);
  bytes.set([1, 0, header.length & 0xff, header.length >> 8], 6);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}

interface ElementType {
  readonly bytes: number;
  read(buffer: ArrayBuffer): Float32Array;
}

const ELEMENT_TYPES: Record<string, ElementType> = {
  f4: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  f8: { bytes: 8, read: (buffer) => Float32Array.from(new Float64Array(buffer)) },
  i1: { bytes: 1, read: (buffer) => Float32Array.from(new Int8Array(buffer)) },
  i2: { bytes: 2, read: (buffer) => Float32Array.from(new Int16Array(buffer)) },
  i4: { bytes: 4, read: (buffer) => Float32Array.from(new Int32Array(buffer)) },
  i8: { bytes: 8, read: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number) },
  u1: { bytes: 1, read: (buffer) => Float32Array.from(new Uint8Array(buffer)) },
  u2: { bytes: 2, read: (buffer) => Float32Array.from(new Uint16Array(buffer)) },
  u4: { bytes: 4, read: (buffer) => Float32Array.from(new Uint32Array(buffer)) },
  u8: { bytes: 8, read: (buffer) => Float32Array.from(new BigUint64Array(buffer), Number) },
  b1: { bytes: 1, read: (buffer) => Float32Array.from(new Uint8Array(buffer)) },
};

/**
 * The array in a .npy file, as float32 in C order. It takes versions 1 to 3, both byte orders, both orders of axes, and
 * the types f4, f8, i1 to i8, u1 to u8 and b1; values of more than 24 bits are rounded to float32.
 *
 * @returns row-major values and their shape; a single number has shape []
 * @throws InputFormatError for other files, truncated ones, and element types that are not read
 * @example decodeNpy(await readFile("x.npy")).shape  // [28, 28, 1]
 */
export function decodeNpy(bytes: Uint8Array): { data: Float32Array; shape: number[] } {
  const { start, descr, fortranOrder, shape } = readHeader(bytes);
  const [, byteOrder, kind = ""] = /^([<>|=])([fiub]\d+)$/.exec(descr) ?? [];
  const type = Object.hasOwn(ELEMENT_TYPES, kind) ? ELEMENT_TYPES[kind] : undefined;
  if (type === undefined) {
    const known = Object.keys(ELEMENT_TYPES).join(", ");
    throw new InputFormatError(`decodeNpy: expected elements of one of the types ${known}, got '${descr}'`);
  }
  const size = sizeOf(shape);
  const expected = size * type.bytes;
  if (bytes.length - start < expected) {
    throw new InputFormatError(
      `decodeNpy: the file is truncated: shape [${shape.join(", ")}] of '${descr}' takes ${expected} bytes of data, ` +
        `got ${bytes.length - start}`,
    );
  }
  const raw = Uint8Array.from(bytes.subarray(start, start + expected));
  if (byteOrder === ">") swapBytes(raw, type.bytes);
  const data = type.read(raw.buffer);
  return { data: fortranOrder ? fromFortranOrder(data, shape) : data, shape };
}

interface Header {
  /** Where the data begins. */
  readonly start: number;
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: number[];
}

function readHeader(bytes: Uint8Array): Header {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    const got = bytes.length === 0 ? "an empty file" : printable(bytes.subarray(0, 6));
    throw new InputFormatError(
      `decodeNpy: not a .npy file: expected the magic bytes ${printable(MAGIC)}, got ${got}`,
    );
  }
  const [major = 0, minor = 0] = bytes.subarray(6, 8);
  if (bytes.length >= 8 && (major < 1 || major > 3)) {
    throw new InputFormatError(`decodeNpy: expected version 1, 2 or 3 of the format, got ${major}.${minor}`);
  }
  // Version 1 has two bytes for the header's length, later ones four.
  const headerStart = major === 1 ? 10 : 12;
  const length = bytes.subarray(8, headerStart).reduceRight((sum, byte) => sum * 256 + byte, 0);
  const start = headerStart + length;
  if (bytes.length < start || bytes.length < headerStart) {
    throw new InputFormatError(
      `decodeNpy: the file is truncated: its header takes ${start} bytes, the file has ${bytes.length}`,
    );
  }
  const header = new TextDecoder().decode(bytes.subarray(headerStart, start)).trim();
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const fortranOrder = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(((?:\s*\d+\s*,)*\s*(?:\d+\s*)?)\)/.exec(header)?.[1];
  if (descr === undefined || fortranOrder === undefined || shape === undefined) {
    throw new InputFormatError(
      `decodeNpy: expected a header with the descr of one element type, fortran_order and shape, got ${header.slice(0, 200)}`,
    );
  }
  return {
    start,
    descr,
    fortranOrder: fortranOrder === "True",
    shape: (shape.match(/\d+/g) ?? []).map(Number),
  };
}

function printable(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) =>
    byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}

function swapBytes(bytes: Uint8Array, width: number): void {
  for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
}

/** From the first axis counting fastest to the last one doing so. */
function fromFortranOrder(data: Float32Array, shape: readonly number[]): Float32Array {
  const result = new Float32Array(data.length);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const at = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = (at[axis] as number) + 1;
      from += strides[axis] as number;
      if ((at[axis] as number) < (shape[axis] as number)) break;
      from -= (strides[axis] as number) * (shape[axis] as number);
      at[axis] = 0;
    }
  }
  return result;
}
