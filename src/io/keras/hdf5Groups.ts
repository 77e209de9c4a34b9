/**
 * Whether what names the members of a group is as large as it says. jsfive follows trees of names wherever they lead, and one
 * that leads to the same place again and again has more names than there is time for.
 */
import { type Hdf5Bytes, Hdf5Damage } from "./hdf5Bytes.js";

const CONTINUATION = 0x10;
const SYMBOL_TABLE = 0x11;
/** Bytes of an entry of a tree, and of a name in a table. */
const [KEY, SYMBOL] = [16, 40];

/** Where the root group is. */
export function rootAddress(file: Hdf5Bytes): number {
  return file.u8(8) < 2 ? file.u64(64) : file.u64(36);
}

/**
 * @param at the header of a group, or of anything else
 * @throws Hdf5Damage
 * @source HDF5 File Format Specification 3.0, III.A.1, III.B, III.D, IV.A.1.a
 */
export function checkGroup(file: Hdf5Bytes, at: number): void {
  // Headers of version 2 begin with OHDR, and have their names in other places.
  if (file.u8(at) !== 1) return;
  for (const message of symbolTables(file, at)) {
    const heap = file.u64(message + 8);
    const names = file.bytes(file.u64(heap + 24), file.u64(heap + 8));
    let [symbols, characters] = [0, 0];
    for (const table of tablesIn(file, file.u64(message))) {
      const count = file.has("SNOD", table) ? file.u16(table + 6) : 0;
      symbols += count;
      if (symbols * SYMBOL > file.length) throw new Hdf5Damage(`it has ${symbols} names or more`);
      for (let i = 0; i < count; i++) {
        const name = file.u64(table + 8 + i * SYMBOL);
        const end = names.indexOf(0, name);
        if (end < 0) throw new Hdf5Damage(`a name at ${name} has no end`);
        characters += end - name;
        if (characters > file.length) throw new Hdf5Damage(`its names have ${characters} characters or more`);
      }
    }
  }
}

/** The messages of a header that say where names are. */
function symbolTables(file: Hdf5Bytes, at: number): number[] {
  const found: number[] = [];
  const blocks = [{ from: at + 16, length: file.u32(at + 8) }];
  let left = file.u16(at + 2);
  for (let block = blocks.shift(); block !== undefined && left > 0; block = blocks.shift()) {
    for (let here = block.from; left > 0 && here < block.from + block.length; left--) {
      const type = file.u16(here);
      if (type === CONTINUATION) blocks.push({ from: file.u64(here + 8), length: file.u64(here + 16) });
      if (type === SYMBOL_TABLE) found.push(here + 8);
      here += 8 + file.u16(here + 2);
    }
  }
  return found;
}

/** The tables of a tree, each of them once. */
function tablesIn(file: Hdf5Bytes, root: number): number[] {
  const tables: number[] = [];
  const seen = new Set<number>();
  let entries = 0;
  const left = [{ at: root, level: null as number | null }];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    const level = file.u8(node.at + 5);
    const wrong = seen.has(node.at) || (node.level !== null && level !== node.level);
    if (wrong || !file.has("TREE", node.at))
      throw new Hdf5Damage(`expected a tree of names at ${node.at}, got other bytes`);
    seen.add(node.at);
    const count = file.u16(node.at + 6);
    entries += count;
    if (entries * KEY > file.length) throw new Hdf5Damage(`its tree has ${entries} branches or more`);
    for (let i = 0; i < count; i++) {
      const child = file.u64(node.at + 24 + 8 + i * KEY);
      if (level > 0) left.push({ at: child, level: level - 1 });
      else if (seen.has(child)) throw new Hdf5Damage(`its tree comes to ${child} twice`);
      else tables.push(child);
      if (level === 0) seen.add(child);
    }
  }
  return tables;
}
