import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkModule, exportedNames } from "../../scripts/checkModule.js";

const FLAGS = [
  "-O3",
  "--noAssert",
  "--importMemory",
  "--noExportMemory",
  "--runtime",
  "stub",
  "--use",
  "abort=",
];

async function compile(source: string, flags: string[] = FLAGS): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["kernel.ts", ...flags, "--outFile", "kernel.wasm"], {
    readFile: (name: string) => (name === "kernel.ts" ? source : null),
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== "string") bytes = Uint8Array.from(contents);
    },
    listFiles: () => [],
  });
  if (error || bytes === undefined) throw new Error(stderr.toString());
  return bytes;
}

const CLEAN = "export function f(p: usize): void { store<u8>(p, 1); }";

test("a module of pure functions over an imported memory passes", async () => {
  checkModule("kernel.wasm", await compile(CLEAN), ["f"]);
});

for (const [what, source, fault, flags] of [
  ["a data segment", "export function f(x: f32): f32 { return Mathf.exp(x); }", "has a data section", FLAGS],
  [
    "a table of functions",
    "function g(): i32 { return 1; } function h(): i32 { return 2; } export function f(c: i32): i32 { let k = c ? g : h; return k(); }",
    "has a table section; has a element section",
    FLAGS,
  ],
  [
    "a start function",
    "let a = new StaticArray<i32>(4); export function f(i: i32): i32 { return a[i]; }",
    "has a start section",
    FLAGS,
  ],
  [
    "a mutable global",
    "let n: i32 = 0; export function f(): i32 { return n++; }",
    "has a global section",
    FLAGS,
  ],
  ["a memory of its own", CLEAN, "has a memory section", FLAGS.filter((flag) => !flag.includes("Memory"))],
  [
    "an import besides its memory",
    '@external("env", "log") declare function log(x: i32): void; export function f(x: i32): void { log(x); }',
    "imports function env.log, expected memory env.memory only",
    FLAGS,
  ],
  [
    "an export that the index does not name",
    `${CLEAN} export function extra(p: usize): u8 { return load<u8>(p); }`,
    "exports extra, which index.ts does not name",
    FLAGS,
  ],
  [
    "no export of a name that the index has",
    "export function other(p: usize): u8 { return load<u8>(p); }",
    "does not export f, which index.ts names",
    FLAGS,
  ],
] as const) {
  test(`a module with ${what} fails the build`, async () => {
    const bytes = await compile(source, [...flags]);
    assert.throws(
      () => checkModule("kernel.wasm", bytes, ["f"]),
      (error: Error) => error.message.startsWith("kernel.wasm: ") && error.message.includes(fault),
    );
  });
}

test("the names that assembly/index.ts exports are read from its export lists", () => {
  assert.equal(exportedNames('export { a, b } from "./x";\n// text\nexport {\n  c,\n} from "./y";'), [
    "a",
    "b",
    "c",
  ]);
  assert.ok(exportedNames(readFileSync("assembly/index.ts", "utf8")).includes("extractPatches"));
});

test.run();
