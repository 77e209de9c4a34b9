import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";

/** A zip archive of these members, deflated. `claimed` is the unpacked size that it states of a member in place of its own. */
export function makeZip(
  members: Record<string, Uint8Array | string>,
  claimed: Record<string, number> = {},
): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(members)) {
    const bytes = Buffer.from(content);
    const packed = deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(claimed[name] ?? bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), fields, tail, Buffer.from(name)]),
    );
    parts.push(local);
    at += local.length;
  }
  const all = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(all.length, 8);
  end.writeUInt32LE(at, 12);
  return Uint8Array.from(Buffer.concat([...parts, all, Buffer.from("PK\x05\x06"), end]));
}

/** The members of an archive whose local headers state their sizes, stored or deflated. */
export function readZip(bytes: Uint8Array): Record<string, Uint8Array> {
  const b = Buffer.from(bytes);
  const members: Record<string, Uint8Array> = {};
  for (let at = 0; b.readUInt32LE(at) === 0x04034b50; ) {
    const [packed, name, extra] = [b.readUInt32LE(at + 18), b.readUInt16LE(at + 26), b.readUInt16LE(at + 28)];
    const start = at + 30 + name + extra;
    const data = b.subarray(start, start + packed);
    members[b.toString("utf8", at + 30, at + 30 + name)] =
      b.readUInt16LE(at + 8) === 8 ? inflateRawSync(data) : data;
    at = start + packed;
  }
  return members;
}
