import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const src = fileURLToPath(new URL("../src/", import.meta.url));

/** The rooms of src/ (apply and broadcast are single files), lowest first. A room may import from itself and from those below it. */
const ROOMS = [
  "core",
  "kernels",
  "ops",
  "layers",
  "checks",
  "apply",
  "broadcast",
  "graph",
  "backend",
  "io",
  "reverse",
  "rules",
  "analyzers",
  "report",
  "cli",
];
/** Single files that every room may import, and that import no room. */
const BELOW_ALL = ["errors", "platform", "text"];

interface Import {
  file: string;
  /** As written. */
  specifier: string;
  /** The room that it leads to, or null for a package. */
  room: string | null;
}

function roomOf(path: string): string {
  return (relative(src, path).split(sep)[0] as string).replace(/\.(ts|js)$/, "");
}

/** Static imports and re-exports (with and without names), and awaited dynamic ones. */
const IMPORTS = [
  /^(?:import|export)\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+)\s+from\s+"([^"]+)"/gm,
  /^import\s+"([^"]+)"/gm,
  /\bawait import\("([^"]+)"\)/gm,
];

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const specifiers = IMPORTS.flatMap((statement) =>
    [...text.matchAll(statement)].map((match) => match[1] as string),
  );
  return specifiers.map((specifier) => ({
    file: relative(src, file),
    specifier,
    room: specifier.startsWith(".") ? roomOf(resolve(dirname(file), specifier)) : null,
  }));
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(src, name));
const imports = files.flatMap(importsOf);

test("every file lies in a room that has its place in the order", () => {
  const rooms = new Set(files.map(roomOf));
  rooms.delete("index");
  assert.equal(
    [...rooms].filter((room) => !ROOMS.includes(room) && !BELOW_ALL.includes(room)),
    [],
  );
  assert.ok(imports.length > 100);
});

test("imports point one way: core <- kernels <- ops <- layers <- checks <- apply, broadcast <- graph <- io, reverse <- rules <- analyzers <- report <- cli", () => {
  const wrong = imports.filter(({ file, room }) => {
    const from = roomOf(join(src, file));
    if (room === null || from === "index" || BELOW_ALL.includes(room)) return false;
    return BELOW_ALL.includes(from) || ROOMS.indexOf(room) > ROOMS.indexOf(from);
  });
  assert.equal(
    wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test("the core, the errors and the platform use no package and no TensorFlow.js", () => {
  const outside = imports.filter(({ file, specifier, room }) => {
    const from = roomOf(join(src, file));
    return (
      (from === "core" || BELOW_ALL.includes(from)) &&
      room === null &&
      !specifier.startsWith("#wasm/") &&
      !specifier.startsWith("node:")
    );
  });
  assert.equal(outside, []);
});

test("only src/cli and src/io/node import node: modules, so that the rest runs in a browser", () => {
  const node = imports
    .filter(({ specifier }) => specifier.startsWith("node:"))
    .map(({ file }) => file.split(sep).join("/"));
  assert.equal(
    node.filter((file) => !/^(cli|io\/node)\//.test(file)),
    [],
  );
});

test.run();
