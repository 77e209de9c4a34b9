/**
 * The attributes of text that Keras's files have. jsfive would read all attributes of an object to get at one, warn on the
 * console of those that it cannot, and make lists as long as the file says.
 */
import type { DataObjects } from "jsfive";
import {
  type Hdf5Bytes,
  Hdf5Damage,
  Hdf5Unsupported,
  MOST_DIMENSIONS,
  UNDEFINED_ADDRESS,
} from "./hdf5Bytes.js";

const ATTRIBUTE = 0x0c;
const ATTRIBUTE_INFO = 0x15;
const STRING = 3;
const VARIABLE_LENGTH = 9;
const NULL_SPACE = 2;

/** The attributes of a file's objects. */
export class Hdf5Attributes {
  /** Where the objects of each global heap are, by their numbers. */
  private readonly heaps = new Map<number, Map<number, { at: number; length: number }>>();

  constructor(private readonly file: Hdf5Bytes) {}

  /** The strings of an attribute, in order, and whether it is a list; undefined where there is none. */
  texts(object: DataObjects, key: string): { texts: string[]; list: boolean } | undefined {
    for (const message of object.find_msg_type(ATTRIBUTE)) {
      const at = message.get("offset_to_message");
      if (at === undefined) continue;
      const attribute = this.header(at);
      if (attribute.name === key) return this.valuesOf(attribute);
    }
    this.refuseDense(object);
    return undefined;
  }

  /** @source HDF5 File Format Specification 3.0, IV.A.2.m */
  private header(at: number): { name: string; flags: number; type: number; space: number; data: number } {
    const { file } = this;
    const version = file.u8(at);
    if (version < 1 || version > 3) throw new Hdf5Damage(`an attribute is of version ${version}`);
    const pad = version === 1 ? 8 : 1;
    const padded = (length: number) => Math.ceil(length / pad) * pad;
    const start = at + (version === 3 ? 9 : 8);
    const length = file.u16(at + 2);
    const name = new TextDecoder().decode(file.bytes(start, length)).replace(/\0.*$/s, "");
    const type = start + padded(length);
    const space = type + padded(file.u16(at + 4));
    return {
      name,
      flags: version === 1 ? 0 : file.u8(at + 1),
      type,
      space,
      data: space + padded(file.u16(at + 6)),
    };
  }

  private valuesOf({ name, flags, type, space, data }: ReturnType<Hdf5Attributes["header"]>) {
    const { file } = this;
    if (flags !== 0) throw new Hdf5Unsupported(`have a type apart from ${name}, which is not read`);
    const shape = this.shapeAt(space);
    if (shape === null) return undefined;
    const count = shape.reduce((product, n) => product * n, 1);
    // Python writes an empty list as one of numbers.
    if (count === 0) return { texts: [], list: true };
    const kind = file.u8(type) & 0x0f;
    const isText = kind === STRING || (kind === VARIABLE_LENGTH && (file.u8(type + 1) & 0x0f) === 1);
    if (!isText) throw new Hdf5Damage(`expected ${name} to be text, got elements of class ${kind} of HDF5`);
    const width = kind === STRING ? file.u32(type + 4) : 16;
    if (width === 0) throw new Hdf5Damage(`the strings of ${name} have no bytes`);
    // The elements must be in the file, which bounds how many there are.
    file.bytes(data, count * width);
    const texts = Array.from({ length: count }, (_, i) => {
      const at = data + i * width;
      return decode(kind === STRING ? file.bytes(at, width) : this.variable(at, name));
    });
    return { texts, list: shape.length > 0 };
  }

  /** A dataspace's shape; null for none at all. */
  private shapeAt(at: number): number[] | null {
    const { file } = this;
    const version = file.u8(at);
    if (version !== 1 && version !== 2) throw new Hdf5Damage(`a dataspace is of version ${version}`);
    if (version === 2 && file.u8(at + 3) === NULL_SPACE) return null;
    const start = at + (version === 1 ? 8 : 4);
    const rank = file.u8(at + 1);
    if (rank > MOST_DIMENSIONS) throw new Hdf5Damage(`a dataspace has ${rank} dimensions`);
    return Array.from({ length: rank }, (_, i) => file.u64(start + 8 * i));
  }

  /** A string in a global heap. */
  private variable(at: number, name: string): Uint8Array {
    const length = this.file.u32(at);
    const address = this.file.u64(at + 4);
    if (length === 0) return new Uint8Array(0);
    const heap = this.heaps.get(address) ?? this.readHeap(address);
    this.heaps.set(address, heap);
    const object = heap.get(this.file.u32(at + 12));
    if (object === undefined || object.length < length) {
      throw new Hdf5Damage(
        `expected ${length} bytes of ${name} in the heap at ${address}, got ${object?.length ?? "none"}`,
      );
    }
    return this.file.bytes(object.at, length);
  }

  /** @source HDF5 File Format Specification 3.0, III.E */
  private readHeap(address: number): Map<number, { at: number; length: number }> {
    const { file } = this;
    if (!file.has("GCOL", address)) throw new Hdf5Damage(`expected a heap at ${address}, got other bytes`);
    const objects = new Map<number, { at: number; length: number }>();
    const end = Math.min(address + file.u64(address + 8), file.length);
    for (let at = address + 16; at + 16 <= end; ) {
      const index = file.u16(at);
      if (index === 0) break;
      const length = file.u64(at + 8);
      objects.set(index, { at: at + 16, length });
      at += 16 + Math.ceil(length / 8) * 8;
    }
    return objects;
  }

  /** Newer files keep many attributes elsewhere, where jsfive does not look either. */
  private refuseDense(object: DataObjects): void {
    for (const message of object.find_msg_type(ATTRIBUTE_INFO)) {
      const at = message.get("offset_to_message") ?? 0;
      const heap = at + 2 + (this.file.u8(at + 1) & 1 ? 2 : 0);
      if (this.file.u64(heap) < UNDEFINED_ADDRESS)
        throw new Hdf5Unsupported("are stored densely, as HDF5 1.8 may do, which is not read");
    }
  }
}

function decode(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
