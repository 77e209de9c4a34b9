import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decode } from "fast-png";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadDigits } from "../../examples/digits/data.js";
import { listAnalyzers } from "../../src/analyzers/index.js";

const folder = fileURLToPath(new URL("../../examples/digits/", import.meta.url));

test("npm start prints the trace and a line a digit and method, and writes a picture and a report that needs no other file", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(folder, "explain.js")], {
    encoding: "utf8",
  });
  assert.is(stderr, "");
  assert.is(status, 0);
  assert.match(stdout, /conv1 +Conv2D +\[null, 24, 24, 12\]/);
  // gradient.baseline is gradient.
  const names = listAnalyzers()
    .map(({ name }) => name)
    .filter((name) => name !== "gradient.baseline");
  for (const name of names) {
    const lines = stdout.split("\n").filter((line) => line.includes(` ${name} `));
    assert.equal(
      lines.map((line) => line.slice(0, 1)),
      ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    );
  }
  const files = [...stdout.matchAll(/^(?:picture|report): +(\S+)$/gm)].map((match) => match[1]);
  assert.is(files.length, 2);
  const picture = decode(readFileSync(join(folder, "out/digits.png")));
  assert.ok(picture.width > 1000 && picture.height > 2000);
  const report = readFileSync(join(folder, "out/report.html"), "utf8");
  assert.is(report.match(/<img /g)?.length, 10 * (1 + names.length));
  assert.not.match(report, /(src|href)="(?!data:|#)/);
});

test("held-back digits are 100 a class, and none of them is trained on", () => {
  const { train, heldBack } = loadDigits();
  assert.equal([train.count, heldBack.count], [9000, 1000]);
  const key = (images: Float32Array, i: number) =>
    Buffer.from(images.slice(i * 784, (i + 1) * 784).buffer).toString("base64");
  const trained = new Set(Array.from({ length: train.count }, (_, i) => key(train.images, i)));
  for (let i = 0; i < heldBack.count; i++) assert.not(trained.has(key(heldBack.images, i)));
  assert.equal(
    [...heldBack.labels],
    Array.from({ length: 1000 }, (_, i) => Math.floor(i / 100)),
  );
});

test("the committed model is smaller than 300 kB", () => {
  const size = ["model.json", "weights.bin"].reduce(
    (sum, name) => sum + statSync(join(folder, "model", name)).size,
    0,
  );
  assert.ok(size < 300_000, `${size} bytes`);
});

test.run();
