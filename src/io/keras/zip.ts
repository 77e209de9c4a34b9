/** The zip archive that a .keras file is, by unzipit, which is loaded at the first use. */

import { ModelFormatError } from "../../errors.js";
import { messageOf } from "../../text.js";
import type { ByteSource } from "../byteSource.js";
import { crc32 } from "../crc32.js";
import { printable } from "./checks.js";

export interface ZipFile {
  readonly names: readonly string[];
  /**
   * The bytes of a member, checked against the length and checksum that the archive states.
   *
   * @param limit the most bytes that the member may have: what an archive claims is not to be trusted
   */
  read(name: string, limit: number): Promise<ArrayBuffer>;
}

/** The part of unzipit's entry that its types keep private. */
interface RawEntry {
  readonly _rawEntry: { readonly crc32: number };
}

/** Opens a zip archive: reads its directory, none of its members. */
export async function openZip(source: ByteSource): Promise<ZipFile> {
  const { unzip } = await import("unzipit");
  const refuse = (what: string, cause: unknown) =>
    new ModelFormatError(`${source.name}: ${what}: ${messageOf(cause)}`, { cause });
  const reader = {
    getLength: async () => source.length,
    read: async (offset: number, length: number) => {
      if (!(offset >= 0 && length >= 0 && offset + length <= source.length)) {
        throw new Error(`expected ${length} bytes at ${offset}, the file has ${source.length}`);
      }
      const { bytes, owned } = await source.read(offset, length);
      // unzipit hands out a member's buffer as it is where the view covers all of it.
      return owned || bytes.length < bytes.buffer.byteLength ? bytes : bytes.slice();
    },
  };
  const { entries } = await unzip(reader).catch((error: unknown) => {
    throw refuse("is truncated or no zip archive", error);
  });
  return {
    names: Object.keys(entries),
    async read(name, limit) {
      const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
      if (entry === undefined) {
        throw new ModelFormatError(
          `${source.name}: expected ${name} in the archive, it has ${Object.keys(entries).slice(0, 8).map(printable).join(", ") || "nothing"}`,
        );
      }
      if (entry.size > limit) {
        throw new ModelFormatError(
          `${source.name}: ${name} says that it unpacks to ${entry.size} bytes, at most ${limit} are expected here`,
        );
      }
      const buffer = await entry.arrayBuffer().catch((error: unknown) => {
        throw refuse(`${name} cannot be unpacked`, error);
      });
      const bytes = new Uint8Array(buffer);
      if (bytes.length !== entry.size) {
        throw new ModelFormatError(
          `${source.name}: ${name}: expected ${entry.size} bytes, got ${bytes.length}`,
        );
      }
      const wanted = (entry as unknown as RawEntry)._rawEntry.crc32;
      const found = crc32(bytes);
      if (found !== wanted) {
        throw new ModelFormatError(
          `${source.name}: ${name} is damaged: its checksum is ${found.toString(16)}, the archive says ${wanted.toString(16)}`,
        );
      }
      return buffer;
    },
  };
}
