/**
 * What a kernel module may be made of. A module is instantiated on memory that belongs to somebody else (TensorFlow.js,
 * the user), so one that brings data, a start function, a table or a memory of its own would overwrite or shadow the
 * host's, often unnoticed.
 */

/** Section ids of the WebAssembly core specification, 5.5.2. */
const SECTIONS = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "data count",
  "tag",
];
const ALLOWED = new Set(["custom", "type", "import", "function", "export", "code"]);

/**
 * Throws, with every fault in the message, unless the module has only the sections above, imports nothing but
 * `env.memory`, and exports exactly the functions named.
 *
 * @param {string} name for the message
 * @param {Uint8Array<ArrayBuffer>} bytes the module
 * @param {readonly string[]} expected names of the exports
 */
export function checkModule(name, bytes, expected) {
  const faults = [];
  for (const id of sectionIds(bytes)) {
    const section = SECTIONS[id] ?? `number ${id}`;
    if (!ALLOWED.has(section)) faults.push(`has a ${section} section`);
  }
  const module = new WebAssembly.Module(bytes);
  for (const i of WebAssembly.Module.imports(module)) {
    if (i.kind !== "memory" || `${i.module}.${i.name}` !== "env.memory") {
      faults.push(`imports ${i.kind} ${i.module}.${i.name}, expected memory env.memory only`);
    }
  }
  const exported = WebAssembly.Module.exports(module);
  for (const e of exported) {
    if (e.kind !== "function") faults.push(`exports ${e.kind} ${e.name}, expected functions only`);
    else if (!expected.includes(e.name)) faults.push(`exports ${e.name}, which index.ts does not name`);
  }
  for (const want of expected) {
    if (!exported.some((e) => e.name === want)) faults.push(`does not export ${want}, which index.ts names`);
  }
  if (faults.length > 0) throw new Error(`${name}: ${faults.join("; ")}`);
}

/**
 * The ids of a module's sections, in order. A section is an id, its size as LEB128, and that many bytes.
 *
 * @param {Uint8Array} bytes
 */
function* sectionIds(bytes) {
  let at = 8; // magic and version
  while (at < bytes.length) {
    const id = /** @type {number} */ (bytes[at++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = /** @type {number} */ (bytes[at++]);
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    yield id;
    at += size;
  }
}

/**
 * The names that an AssemblyScript index file exports: the names in its `export { a, b } from "..."` lists.
 *
 * @param {string} source
 */
export function exportedNames(source) {
  return [...source.matchAll(/export\s*\{([^}]*)\}/g)].flatMap((m) =>
    (m[1] ?? "")
      .split(",")
      .map((s) => s.trim())
      .filter(Boolean),
  );
}
