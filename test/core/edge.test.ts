import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { test } from "uvu";
import * as assert from "uvu/assert";

const bytes = Uint8Array.from(readFileSync(new URL("../../build/wasm/simd.wasm", import.meta.url)));
const entry = fileURLToPath(new URL("../../build/core/index.js", import.meta.url));

/** The built core as one script that leaves its exports in the global `tracelight`. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "iife",
    globalName: "tracelight",
    platform: "browser",
    write: false,
  });
  return outputFiles[0]!.text;
}

test("where compiling from bytes is forbidden, as on edge runtimes, loadCore says so, and takes a module that the host compiled", async () => {
  // A realm of its own, as there: the host's Module is not an instance of the realm's WebAssembly.Module.
  const realm = createContext(
    { atob, hostModule: new WebAssembly.Module(bytes), results: [] as unknown[] },
    { codeGeneration: { strings: false, wasm: false } },
  );
  runInContext(await bundle(), realm);
  const script = `(async () => {
    try {
      await tracelight.loadCore();
    } catch (error) {
      results.push(error.code, error.message);
    }
    const core = await tracelight.loadCore({ module: hostModule });
    results.push(core.firstNonFinite(Float32Array.of(1, NaN)), [...core.gather(Int32Array.of(5, 6, 7), Int32Array.of(2, 0)).data].join());
  })()`;
  await runInContext(script, realm);
  const results = realm.results as unknown[];
  assert.is(results[0], "KERNEL_LOAD");
  assert.match(
    String(results[1]),
    /^loadCore: the kernels could not be compiled from bytes here .*import module from "tracelight\/kernels\.wasm"/,
  );
  assert.equal(results.slice(2), [1, "7,5"]);
});

test("a compiled module can be sent to a worker, which makes a core of its own of it", async () => {
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(new URL("../../build/core/index.js", import.meta.url).href)}).then(async ({ loadCore }) => {
      const core = await loadCore({ module: workerData });
      parentPort.postMessage([...core.broadcastTo(Float32Array.of(1, 2), { shape: [2, 2] }).data]);
    });`;
  const worker = new Worker(source, { eval: true, workerData: new WebAssembly.Module(bytes) });
  const message = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  await worker.terminate();
  assert.equal(message, [1, 2, 1, 2]);
});

test.run();
