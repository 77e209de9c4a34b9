import { nativeCrc32 } from "../platform.js";

/** The reversed polynomial of CRC-32. */
const POLYNOMIAL = 0xedb88320;
let tables: Uint32Array | undefined;

/** Eight tables of 256, so that eight bytes take one step ("slicing by 8", Kounavis and Berry 2005). */
function makeTables(): Uint32Array {
  const made = new Uint32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
    made[n] = c;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256] as number;
    made[i] = (before >>> 8) ^ (made[before & 0xff] as number);
  }
  return made;
}

/** The CRC-32 of bytes, as zip archives have it. */
export function crc32(bytes: Uint8Array): number {
  return nativeCrc32 === null ? slowCrc32(bytes) : nativeCrc32(bytes);
}

/** The same in JavaScript, for where no zlib is. */
export function slowCrc32(bytes: Uint8Array): number {
  tables ??= makeTables();
  const t = tables;
  const end = bytes.length - (bytes.length % 8);
  let c = 0xffffffff;
  for (let i = 0; i < end; i += 8) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      t[1792 + (c & 0xff)]! ^
      t[1536 + ((c >>> 8) & 0xff)]! ^
      t[1280 + ((c >>> 16) & 0xff)]! ^
      t[1024 + (c >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!;
  }
  for (let i = end; i < bytes.length; i++) c = (c >>> 8) ^ t[(c ^ bytes[i]!) & 0xff]!;
  return (c ^ 0xffffffff) >>> 0;
}
