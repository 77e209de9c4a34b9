import { ModelFormatError } from "../../errors.js";
import { printable } from "./checks.js";

/** The bytes of an HDF5 file, which may say anything of themselves: what lies outside is refused, and not read. */
export class Hdf5Bytes {
  private readonly view: DataView;
  /** What was unpacked so far, of all arrays together. */
  private unpacked = 0;

  constructor(readonly buffer: ArrayBuffer) {
    this.view = new DataView(buffer);
  }

  get length(): number {
    return this.buffer.byteLength;
  }

  u8(at: number): number {
    return this.view.getUint8(this.inside(at, 1));
  }

  u16(at: number): number {
    return this.view.getUint16(this.inside(at, 2), true);
  }

  u32(at: number): number {
    return this.view.getUint32(this.inside(at, 4), true);
  }

  /** An address or a length; beyond 2^53 they lie outside of any file, and need not be exact. */
  u64(at: number): number {
    return Number(this.view.getBigUint64(this.inside(at, 8), true));
  }

  /** A view, not a copy. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, this.inside(at, length), length);
  }

  /** Whether ASCII text stands somewhere. */
  has(text: string, at: number): boolean {
    return String.fromCharCode(...this.bytes(at, text.length)) === text;
  }

  /** `at`, where so many bytes from there on are in the file. */
  private inside(at: number, length: number): number {
    if (at >= 0 && length >= 0 && at + length <= this.length) return at;
    throw new Hdf5Damage(`expected ${length} bytes at ${at}, the file has ${this.length}`);
  }

  /** To be told before memory is taken that the file itself does not fill: what it claims is not to be trusted. */
  unpack(bytes: number): void {
    this.unpacked += bytes;
    const limit = UNPACKING_FREE + MOST_UNPACKING * this.length;
    if (!(this.unpacked <= limit)) {
      throw new Hdf5Damage(`it says that it unpacks to ${bytes} bytes, at most ${limit} are expected here`);
    }
  }
}

/** What weights may unpack to, in times of the file, and beyond that; Keras does not compress, and floats hardly can be. */
export const MOST_UNPACKING = 16;
export const UNPACKING_FREE = 64 * 2 ** 20;

/** HDF5's limit of dimensions. */
export const MOST_DIMENSIONS = 32;

/** Where nothing was stored. */
export const UNDEFINED_ADDRESS = 2 ** 64;

/** Something in the file that cannot be so, without the file's name and the place, which the caller knows. */
export class Hdf5Damage extends Error {}

/** Something in the file that is in order, and not read. */
export class Hdf5Unsupported extends Error {}

/** Runs what reads a file, with its name and the place before what goes wrong. */
export function readingHdf5<T>(name: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ModelFormatError) throw error;
    const place = `${name}: ${printable(what)}`;
    if (error instanceof Hdf5Unsupported) throw new ModelFormatError(`${place} ${error.message}`);
    const reason = printable(reasonOfDamage(error));
    const lacking = typeof error === "string" && /implemented|supported/i.test(error);
    throw new ModelFormatError(
      lacking ? `${place} is not read: ${reason}` : `${place} cannot be read, the file is damaged: ${reason}`,
      { cause: error },
    );
  }
}

/** jsfive throws strings where it knows why; its type and range errors come from what it did not look at. */
function reasonOfDamage(error: unknown): string {
  if (error instanceof Hdf5Damage) return error.message;
  const text = typeof error === "string" ? /^\w*\("?(.*?)"?\)$|^(.*)$/.exec(error) : null;
  return text?.[1] ?? text?.[2] ?? "expected HDF5's structures there, got other bytes";
}
