/**
 * npm run build: everything in build/, from nothing.
 *
 *   assembly/  -> build/wasm/*.wasm   (each module for the targets of asconfig.json, checked by checkModule)
 *              -> build/wasm/*.js     (the same bytes inlined, for `#wasm/*` imports)
 *   src/       -> build/              (JavaScript, declarations, source maps: what browsers' bundlers take)
 *   build/     -> build/node/         (the same in a few files: what Node loads, in half the time)
 */
import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import * as esbuild from "esbuild";
import { checkModule, exportedNames } from "./checkModule.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);

/** The entry of each kernel module, by what its files' names begin with. */
const modules = { "": "assembly/index.ts", "gradients.": "assembly/gradients/index.ts" };

for (const entry of readdirSync("build")) {
  if (entry !== ".gitignore") rmSync(join("build", entry), { recursive: true });
}
// npm packs by the .gitignore in a folder unless it finds this.
writeFileSync("build/.npmignore", ".gitignore\n");
await buildKernels();
buildTypeScript();
await bundleForNode();

async function buildKernels() {
  /** @type {{ targets: Record<string, unknown> }} */
  const config = JSON.parse(readFileSync("asconfig.json", "utf8"));
  for (const [prefix, entry] of Object.entries(modules)) {
    for (const target of Object.keys(config.targets)) await buildModule(entry, prefix, target);
  }
  // What a platform that compiles .wasm imports gives for them.
  writeFileSync(
    "build/wasm/module.d.ts",
    "/** A compiled kernel module, for loadCore({ module }). */\ndeclare const module: WebAssembly.Module;\nexport default module;\n",
  );
}

/**
 * @param {string} entry
 * @param {string} prefix
 * @param {string} target
 */
async function buildModule(entry, prefix, target) {
  const outFile = `build/wasm/${prefix}${target}.wasm`;
  const options = ["--config", "asconfig.json", "--target", target, "--outFile", outFile];
  const { error, stderr } = await asc.main([entry, ...options]);
  if (error) throw new Error(`asc, ${entry}, target ${target}: ${error.message}\n${stderr.toString()}`);
  const bytes = Uint8Array.from(readFileSync(outFile));
  checkModule(outFile, bytes, exportedNames(readFileSync(entry, "utf8")));
  const inlined = outFile.replace(/\.wasm$/, "");
  writeFileSync(
    `${inlined}.js`,
    `/** The module ${prefix}${target}, ${bytes.length} bytes, as base64. */\nexport default "${Buffer.from(bytes).toString("base64")}";\n`,
  );
  writeFileSync(
    `${inlined}.d.ts`,
    "/** A WebAssembly module as base64. */\ndeclare const base64: string;\nexport default base64;\n",
  );
  console.log(`${outFile}  ${bytes.length} bytes`);
}

function buildTypeScript() {
  const tsc = createRequire(import.meta.url)
    .resolve("typescript/package.json")
    .replace("package.json", "bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { stdio: "inherit" });
}

/**
 * The package's entries for Node. What they share lies in chunks, so that they have the same classes and state; what is loaded
 * on demand (the importer of Keras's files) stays apart.
 */
async function bundleForNode() {
  await esbuild.build({
    entryPoints: ["build/index.js", "build/core/index.js", "build/io/node/index.js", "build/cli/main.js"],
    outbase: "build",
    outdir: "build/node",
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    external: ["#wasm/*"],
    logLevel: "warning",
  });
  chmodSync("build/node/cli/main.js", 0o755);
}
