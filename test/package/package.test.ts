import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { digitsModelPath } from "../support/digits.js";
import { installPacked } from "../support/packed.js";

const test = suite("package");
const root = fileURLToPath(new URL("../../", import.meta.url));
const { folder, files, remove } = installPacked();
test.after(remove);

/** Runs a module in the folder; whatever it prints on stderr is a failure. */
function runModule(source: string): string {
  writeFileSync(join(folder, "main.mjs"), source);
  const { stdout, stderr, status } = spawnSync(process.execPath, ["main.mjs"], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.is(stderr, "");
  assert.is(status, 0);
  return stdout;
}

test("the package holds the build, the kernels as files, and its documents, and nothing else", () => {
  for (const name of ["simd", "scalar", "simd.shared", "scalar.shared"])
    assert.ok(files.includes(`build/wasm/${name}.wasm`));
  for (const name of [
    "build/index.js",
    "build/index.d.ts",
    "build/node/index.js",
    "build/node/cli/main.js",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "package.json",
  ])
    assert.ok(files.includes(name), name);
  assert.equal(
    files.filter(
      (name) =>
        !/^(build\/.*\.(js|d\.ts|js\.map|wasm)|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(name),
    ),
    [],
  );
});

test("the README's example runs as installed, silently on stderr", () => {
  const out = runModule(`
    import * as tf from "@tensorflow/tfjs";
    import { createAnalyzer, init, modelWoSoftmax } from "tracelight";
    import { loadLayersModel } from "tracelight/node";
    await init();
    const model = await loadLayersModel(${JSON.stringify(digitsModelPath)});
    const analyzer = createAnalyzer("lrp.epsilon", modelWoSoftmax(model));
    const { relevance, neuron } = analyzer.explain(tf.ones([1, 28, 28, 1]));
    console.log(relevance.shape.join(), neuron.length);
  `);
  assert.is(out, "1,28,28,1 1\n");
});

test("a model is opened without init(), on the backend that TensorFlow.js has", () => {
  const out = runModule(`
    import { loadModel } from "tracelight";
    const model = await loadModel(${JSON.stringify(digitsModelPath)});
    console.log(model.inputs[0].shape.join());
  `);
  assert.is(out, ",28,28,1\n");
});

test("what opens Keras's files is loaded when one is opened, and not before", () => {
  const log =
    "export async function resolve(name, context, next) { process._rawDebug(name); return next(name, context); }";
  const keras = join(root, "test/golden/keras/merges.keras");
  writeFileSync(
    join(folder, "main.mjs"),
    `
    import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent(${JSON.stringify(log)}));
    const { loadModel } = await import("tracelight");
    console.error("imported");
    await loadModel(${JSON.stringify(digitsModelPath)});
    console.error("opened");
    await loadModel(${JSON.stringify(keras)});
  `,
  );
  const { stderr, status } = spawnSync(process.execPath, ["main.mjs"], { cwd: folder, encoding: "utf8" });
  assert.is(status, 0, stderr);
  const [before = "", , after = ""] = stderr.split(/imported|opened/);
  assert.ok(before.includes("tracelight"));
  for (const name of ["jsfive", "unzipit", "openKeras"]) {
    assert.not(before.includes(name), `${name} is loaded with the package`);
    assert.ok(after.includes(name), `${name} is not loaded with the file`);
  }
});

test("tracelight/core works alone, and its kernels can be given as a file", () => {
  const out = runModule(`
    import { readFileSync } from "node:fs";
    import { fileURLToPath } from "node:url";
    import { loadCore } from "tracelight/core";
    for (const name of ["tracelight/kernels.wasm", "tracelight/kernels.scalar.wasm"]) {
      const module = new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve(name))));
      const core = await loadCore({ module });
      console.log(core.firstNonFinite(Float32Array.of(1, NaN)));
    }
    for (const name of ["tracelight/kernels.shared.wasm", "tracelight/kernels.scalar.shared.wasm"]) {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
      const module = new WebAssembly.Module(readFileSync(fileURLToPath(import.meta.resolve(name))));
      console.log(typeof new WebAssembly.Instance(module, { env: { memory } }).exports.extractPatches);
    }
    console.log(process.moduleLoadList.some((m) => m.includes("tfjs")));
  `);
  assert.is(out, "1\n1\nfunction\nfunction\nfalse\n");
});

test("a TypeScript project in strict mode takes the package's types, of the kernels' files too", () => {
  const source = `
    import type * as tf from "@tensorflow/tfjs";
    import { createAnalyzer, type Explanation } from "tracelight";
    import { loadCore, type NdArray } from "tracelight/core";
    import { loadLayersModel } from "tracelight/node";
    import kernels from "tracelight/kernels.wasm";
    const core = await loadCore({ module: kernels });
    const rows: NdArray = core.gather(Float32Array.of(1, 2), Int32Array.of(1));
    const model: tf.LayersModel = await loadLayersModel("model");
    declare const x: tf.Tensor;
    const one: Explanation<tf.Tensor> = createAnalyzer("gradient", model).explain(x);
    const shape: number[] = one.relevance.shape;
    // @ts-expect-error: a list of inputs gives a list
    const wrong: tf.Tensor = createAnalyzer("gradient", model).analyze([x]);
    console.log(rows, shape, wrong);`;
  writeFileSync(join(folder, "types.mts"), source);
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const flags = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--types",
    "node",
  ];
  const { stdout, status } = spawnSync(
    process.execPath,
    [tsc, ...flags, "--typeRoots", join(root, "node_modules/@types"), "types.mts"],
    { cwd: folder, encoding: "utf8" },
  );
  assert.is(stdout, "");
  assert.is(status, 0);
});

test("a process's own error listeners survive init()", () => {
  const out = runModule(`
    import { init } from "tracelight";
    const events = ["uncaughtException", "unhandledRejection"];
    process.on("uncaughtException", (error) => console.log("mine:", error.message));
    const before = events.map((event) => process.listenerCount(event));
    await init();
    await init();
    console.log(events.map((event, i) => process.listenerCount(event) - before[i]).join());
    setTimeout(() => { throw new Error("late"); });
  `);
  assert.is(out, "0,0\nmine: late\n");
});

test("the tracelight command runs as installed", () => {
  const { version } = JSON.parse(readFileSync(join(folder, "node_modules/tracelight/package.json"), "utf8"));
  const bin = join(folder, "node_modules/tracelight/build/cli/main.js");
  const run = (...argv: string[]) =>
    spawnSync(process.execPath, [bin, ...argv], { cwd: folder, encoding: "utf8" });
  assert.is(run("--version").stdout, `${version}\n`);
  const traced = run("trace", digitsModelPath);
  assert.is(traced.stderr, "");
  assert.match(traced.stdout, /conv1 +Conv2D/);
  const failed = run("trace", "none");
  assert.is(failed.status, 1);
  assert.is(failed.stderr, "tracelight: loadModel: none does not exist\n");
});

test("the simd module is smaller than 24 kB", () => {
  const file = join(folder, "node_modules/tracelight/build/wasm/simd.wasm");
  assert.ok(statSync(file).size < 24_000);
});

test("tracelight/core bundles for the browser into less than 20 kB gzipped, kernels included", async () => {
  writeFileSync(join(folder, "core.mjs"), 'export { loadCore } from "tracelight/core";');
  const { outputFiles } = await build({
    entryPoints: [join(folder, "core.mjs")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  assert.ok(gzipSync(outputFiles[0]!.contents).length < 20_000);
});

test.run();
