import { readFileSync } from "node:fs";
import { test } from "uvu";
import { init } from "../../src/kernels/index.js";
import type { OpCase } from "../support/recordedOps.js";
import { testVjps } from "../support/vjp.js";

await init();

/** Single operations, computed with TensorFlow by test/golden/vjp.py. */
const golden = readFileSync(new URL("../golden/vjp.jsonl", import.meta.url), "utf8");
testVjps(
  golden
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as OpCase),
);

test.run();
