import { ModelFormatError } from "../errors.js";

/** Bytes that can be read piece by piece: of a file on disk, a Blob, or memory. */
export interface ByteSource {
  /** For messages: the path or name of what is read. */
  readonly name: string;
  readonly length: number;
  /**
   * `length` bytes from `offset` on, all inside. `owned` bytes are nobody else's, and may be kept as they are; others belong
   * to the caller of the library.
   */
  read(offset: number, length: number): Promise<{ bytes: Uint8Array<ArrayBuffer>; owned: boolean }>;
}

/** Bytes in memory. They are not copied. */
export function bytesSource(bytes: Uint8Array<ArrayBuffer>, name: string, owned: boolean): ByteSource {
  return {
    name,
    length: bytes.length,
    read: async (offset, length) => ({ bytes: bytes.subarray(offset, offset + length), owned }),
  };
}

/** A Blob, or a File of a browser's file input. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    length: blob.size,
    read: async (offset, length) => {
      const buffer = await blob.slice(offset, offset + length).arrayBuffer();
      if (buffer.byteLength !== length) {
        throw new ModelFormatError(
          `${name}: expected ${length} bytes at ${offset}, got ${buffer.byteLength}`,
        );
      }
      return { bytes: new Uint8Array(buffer), owned: true };
    },
  };
}

/** A source without its first bytes. */
export function after(source: ByteSource, skipped: number): ByteSource {
  return {
    name: source.name,
    length: source.length - skipped,
    read: (offset, length) => source.read(skipped + offset, length),
  };
}

/** All bytes of a source. */
export function readAll(source: ByteSource): Promise<{ bytes: Uint8Array<ArrayBuffer>; owned: boolean }> {
  return source.read(0, source.length);
}
