import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TracelightError } from "../../../src/errors.js";
import { writeFileAtomic } from "../../../src/io/node/writeFile.js";
import { rejects } from "../../support/throws.js";
import { temporaryFolder } from "./temporaryFolder.js";

test("a file is written, or replaced, and nothing else is left in the folder", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "a.bin");
  await writeFileAtomic(path, new Uint8Array([1, 2, 3]));
  assert.equal([...readFileSync(path)], [1, 2, 3]);
  await writeFileAtomic(path, "text");
  assert.is(readFileSync(path, "utf8"), "text");
  assert.equal(readdirSync(folder), ["a.bin"]);
});

test("writers at the same time do not mix: the file is one of theirs", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "a.bin");
  await Promise.all([1, 2, 3, 4].map((v) => writeFileAtomic(path, new Uint8Array(100_000).fill(v))));
  const bytes = readFileSync(path);
  assert.is(bytes.length, 100_000);
  assert.ok(bytes.every((v) => v === bytes[0]));
  assert.equal(readdirSync(folder), ["a.bin"]);
});

test("when the file cannot take its place, the temporary one is removed and the error says why", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "taken");
  mkdirSync(path);
  writeFileSync(join(path, "inside"), "stays");
  await rejects(
    writeFileAtomic(path, "x"),
    TracelightError,
    /^writeFileAtomic: .*taken cannot be written: EISDIR/,
  );
  assert.equal(readdirSync(folder), ["taken"]);
  assert.is(readFileSync(join(path, "inside"), "utf8"), "stays");
});

test("the folder must exist; the error has the code WRITE and the system's reason", async () => {
  const path = join(temporaryFolder(), "none", "a.png");
  const error = await writeFileAtomic(path, "x").catch((caught: unknown) => caught);
  assert.instance(error, TracelightError);
  assert.is((error as TracelightError).code, "WRITE");
  assert.ok(
    (error as Error).message.startsWith(`writeFileAtomic: ${path} cannot be written: ENOENT: no such file`),
  );
});

test.run();
