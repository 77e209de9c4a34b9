/**
 * npm test: runs every *.test.ts under test/, each in a process of its own, so that no test leans on the backend, the
 * listeners or the kernels that another one installed. Prints a line a file, in full what failed, and at the end
 * `N passed, N failed, N skipped`. Arguments are parts of file names: `npm test -- core/` runs those only.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const wanted = process.argv.slice(2);
const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .map((name) => join(root, "test", name))
  .filter((path) => path.endsWith(".test.ts"))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.split(sep).join("/").includes(part)))
  .sort();

const total = { passed: 0, failed: 0, skipped: 0 };
const queue = [...files];
await Promise.all(Array.from({ length: availableParallelism() }, work));
if (files.length === 0) console.log(`no test file has ${wanted.join(" or ")} in its name`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || files.length === 0 ? 1 : 0;

async function work() {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const start = performance.now();
    const { output, code } = await run(file);
    const count = (/** @type {string} */ what) =>
      Number(new RegExp(`${what}:\\s+(\\d+)`).exec(output)?.[1] ?? 0);
    const passed = count("Passed");
    const skipped = count("Skipped");
    // A file that dies, or says nothing of its tests, has failed as a whole.
    const failed = Math.max(count("Total") - passed - skipped, code !== 0 || passed + skipped === 0 ? 1 : 0);
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const name = relative(root, file);
    console.log(
      `${failed > 0 ? "✘" : "✔"} ${name}  ${passed} passed${skipped > 0 ? `, ${skipped} skipped` : ""}  ${seconds} s`,
    );
    if (failed > 0) console.log(output);
    else for (const line of output.split("\n")) if (line.startsWith("skipped:")) console.log(`  ${line}`);
  }
}

/**
 * @param {string} file
 * @returns {Promise<{ output: string, code: number | null }>}
 */
function run(file) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--import", "tsx", file], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => resolve({ output, code }));
  });
}
