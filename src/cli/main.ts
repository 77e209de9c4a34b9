#!/usr/bin/env node
import { createRequire } from "node:module";
import { run } from "./run.js";

const { version } = createRequire(import.meta.url)("tracelight/package.json") as {
  version: string;
};

process.exitCode = await run(process.argv.slice(2), version, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  interactive: process.stderr.isTTY === true,
});
