/**
 * npm run bench [-- NAME...] [-- --json]: runs the benchmarks of this folder (all, or those named) and prints medians and
 * ratios to the first contender of each case.
 */
import { readdirSync } from "node:fs";
import { type Measured, show } from "./harness.js";

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const json = process.argv.includes("--json");
const all = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.replace(".bench.ts", ""));
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`bench: unknown benchmark ${unknown.join(", ")}; there are ${all.join(", ")}`);
  process.exit(2);
}

const results: Measured[] = [];
for (const name of names.length > 0 ? names : all) {
  const module = (await import(`./${name}.bench.ts`)) as { default: () => Promise<Measured[]> };
  const measured = await module.default();
  results.push(...measured);
  if (!json) console.log(`${show(measured)}\n`);
}
if (json) console.log(JSON.stringify(results, null, 2));
process.exit(0);
