/** What importing the package costs, beside TensorFlow.js: in fresh processes, medians of all. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Measured } from "./harness.js";

const PROCESSES = 15;
const root = fileURLToPath(new URL("../", import.meta.url));
const source = `
  const time = async (...names) => {
    const start = performance.now();
    for (const name of names) await import(name);
    return performance.now() - start;
  };
  console.debug = console.warn = () => {};
  const tfjs = await time("@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm");
  console.log(JSON.stringify([tfjs, await time("tracelight")]));
`;

export default async function imports(): Promise<Measured[]> {
  const runs = Array.from({ length: PROCESSES }, () => {
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", source], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return JSON.parse(out.trim().split("\n").at(-1) as string) as [number, number];
  });
  const middle = (which: 0 | 1) =>
    runs.map((run) => run[which]).sort((a, b) => a - b)[PROCESSES >> 1] as number;
  const yardstick = middle(0);
  return [
    { case: "import", contender: "@tensorflow/tfjs and its WASM backend", ms: yardstick, ratio: 1 },
    { case: "import", contender: "tracelight, behind them", ms: middle(1), ratio: middle(1) / yardstick },
  ];
}
