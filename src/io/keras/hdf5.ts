/**
 * HDF5 files by jsfive, which is loaded at the first use. It is plain JavaScript of 0.1 MB, against 4 MB of h5wasm; what
 * Keras writes (and h5py with its defaults) it reads in full. Values stored in one piece are not read through it element by
 * element, but as a view of the file.
 */
import type { Dataset, File, Group } from "jsfive";
import { ModelFormatError } from "../../errors.js";

/** An array in the file, before its values are read. */
export interface Hdf5Array {
  readonly path: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** The values as float32, in a view of the file where it has them so, else in an array of their own. */
  values(): Float32Array;
}

export interface Hdf5File {
  /** Names in the group at a path; null where there is no group. */
  keys(path: string): readonly string[] | null;
  /** A string or list of strings that a group has as an attribute; undefined where it has none. */
  text(path: string, attribute: string): string | undefined;
  texts(path: string, attribute: string): readonly string[] | undefined;
  /** The array at a path; null where there is none. */
  array(path: string): Hdf5Array | null;
}

const DATA_STORAGE = 8;
const CONTIGUOUS = 1;

/**
 * Opens an HDF5 file in memory.
 *
 * @param name for messages
 * @throws ModelFormatError where the file is damaged, here and in every method
 */
export async function openHdf5(buffer: ArrayBuffer, name: string): Promise<Hdf5File> {
  const jsfive = await import("jsfive");
  const reading = <T>(what: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (error instanceof ModelFormatError) throw error;
      throw new ModelFormatError(
        `${name}: ${what} cannot be read, the file is damaged: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  };
  const root: File = reading("the HDF5 file", () => new jsfive.File(buffer, name));
  // Groups are parsed once: a file of thousands of layers would parse its root that often.
  const groups = new Map<string, Group | Dataset | null>([["", root]]);
  const find = (path: string): Group | Dataset | null => {
    const known = groups.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf("/");
    const parent = find(path.slice(0, Math.max(slash, 0)));
    const key = path.slice(slash + 1);
    const found =
      parent instanceof jsfive.Group && parent.keys.includes(key)
        ? reading(path, () => parent.get(key))
        : null;
    groups.set(path, found);
    return found;
  };
  const attribute = (path: string, key: string): unknown => {
    const group = find(path);
    return group instanceof jsfive.Group
      ? reading(`the attributes of ${path || "/"}`, () => group.attrs[key])
      : undefined;
  };
  return {
    keys: (path) => {
      const group = find(path);
      return group instanceof jsfive.Group ? group.keys : null;
    },
    text: (path, key) => {
      const value = attribute(path, key);
      return value === undefined || value === null ? undefined : asText(value);
    },
    texts: (path, key) => splitTexts((part) => attribute(path, part), key),
    array: (path) => {
      const found = find(path);
      if (!(found instanceof jsfive.Dataset)) return null;
      return reading(path, () => arrayOf(found, path, buffer, reading));
    },
  };
}

/** Lists of more than 64 kB Keras writes in parts: layer_names0, layer_names1, ... */
function splitTexts(attribute: (key: string) => unknown, key: string): readonly string[] | undefined {
  const whole = attribute(key);
  if (whole !== undefined && whole !== null) return asTexts(whole);
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = attribute(`${key}${i}`);
    if (part === undefined || part === null) return i === 0 ? undefined : parts;
    parts.push(...asTexts(part));
  }
}

function asText(value: unknown): string {
  return fromUtf8(String(Array.isArray(value) ? value[0] : value).replace(/\0+$/, ""));
}

/** Of texts of fixed length jsfive makes a character a byte; Keras writes UTF-8. What is no UTF-8 stays as it is. */
function fromUtf8(text: string): string {
  const codes = Array.from(text, (character) => character.codePointAt(0) as number);
  if (codes.every((code) => code < 0x80) || codes.some((code) => code > 0xff)) return text;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(codes));
  } catch {
    return text;
  }
}

function asTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(asText) : [asText(value)];
}

function arrayOf(
  dataset: Dataset,
  path: string,
  buffer: ArrayBuffer,
  reading: <T>(what: string, read: () => T) => T,
): Hdf5Array {
  const { shape, dtype } = dataset;
  const size = shape.reduce((product, n) => product * n, 1);
  const [, order, kind = "", width = ""] = /^([<>|=])([fiub])(\d)$/.exec(String(dtype)) ?? [];
  if (kind === "") throw new Error(`expected numbers, got elements of type ${String(dtype)}`);
  const bytes = size * Number(width);
  return {
    path,
    shape,
    size,
    values: () =>
      reading(path, () => {
        const at = contiguousAt(dataset, buffer);
        if (at === null) return unpack(dataset, size, buffer.byteLength);
        if (at + bytes > buffer.byteLength) {
          throw new Error(`${bytes} bytes at ${at}, the file has ${buffer.byteLength}`);
        }
        if (kind + width === "f4" && order !== ">") {
          return at % 4 === 0
            ? new Float32Array(buffer, at, size)
            : new Float32Array(buffer.slice(at, at + bytes));
        }
        return unpack(dataset, size, buffer.byteLength);
      }),
  };
}

/** Where the values lie, if they lie in one piece and were written at all. */
function contiguousAt(dataset: Dataset, buffer: ArrayBuffer): number | null {
  const objects = dataset._dataobjects;
  const [message] = objects.find_msg_type(DATA_STORAGE);
  const start = message?.get("offset_to_message");
  if (start === undefined) throw new Error("it has no data");
  const [, , layout, properties] = objects._get_data_message_properties(start);
  if (layout !== CONTIGUOUS) return null;
  const address = new DataView(buffer).getBigUint64(properties, true);
  return address === 0xffff_ffff_ffff_ffffn ? null : Number(address);
}

/** Compression makes a file smaller than its values; deflate never more than this. */
const MOST_COMPRESSION = 1032;

function unpack(dataset: Dataset, size: number, fileSize: number): Float32Array {
  if (size > fileSize * MOST_COMPRESSION) throw new Error(`it says that it has ${size} elements`);
  const values = dataset.value;
  if (!Array.isArray(values) || values.length !== size) {
    throw new Error(
      `expected ${size} elements, got ${Array.isArray(values) ? values.length : typeof values}`,
    );
  }
  // Of data that was never written, jsfive makes an array of holes; HDF5 says zeros.
  return Float32Array.from(values, (value) => Number(value ?? 0));
}

/** jsfive throws strings. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
