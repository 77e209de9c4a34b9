import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

test("every method has a page, and the pages say what the methods are (npm run docs)", () => {
  const script = fileURLToPath(new URL("../../scripts/methodPages.js", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  assert.is(stderr, "");
  assert.is(status, 0);
});

test.run();
