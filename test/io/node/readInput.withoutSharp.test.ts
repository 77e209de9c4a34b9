import { writeFileSync } from "node:fs";
import { register } from "node:module";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { InputFormatError } from "../../../src/errors.js";
import { readInput } from "../../../src/io/node/readInput.js";
import { encodePng } from "../../../src/report/png.js";
import { rejects } from "../../support/throws.js";
import { temporaryFolder } from "./temporaryFolder.js";

/** Makes `import("sharp")` fail as it does where sharp is not installed. */
const hooks = `export async function resolve(specifier, context, next) {
  if (specifier !== "sharp") return next(specifier, context);
  throw Object.assign(new Error("Cannot find package 'sharp'"), { code: "ERR_MODULE_NOT_FOUND" });
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const folder = temporaryFolder();

test("without sharp an image is refused with the way to install it", async () => {
  const path = join(folder, "x.png");
  writeFileSync(path, encodePng({ width: 1, height: 1, pixels: new Uint8ClampedArray([1, 2, 3, 255]) }));
  await rejects(
    readInput(path, { shape: [1, 1, 3] }),
    InputFormatError,
    `readInput: ${path}: reading images takes the optional package sharp, which cannot be loaded; "npm install sharp" ` +
      "installs it, and .npy and .json files need no such thing (Cannot find package 'sharp')",
  );
});

test("without sharp .json and .npy files are read", async () => {
  const path = join(folder, "x.json");
  writeFileSync(path, "[1, 2]");
  assert.equal((await readInput(path, { shape: [2] })).shape, [1, 2]);
});

test.run();
