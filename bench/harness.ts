import asc from "assemblyscript/asc";
import { Bench } from "tinybench";
import { table } from "../src/text.js";

/** One way to do a case's work. */
export interface Contender {
  name: string;
  /** Done before each round of runs, not measured. */
  prepare?: () => unknown;
  run: () => unknown;
  /** Takes seconds: run once and not in each round. */
  once?: boolean;
  /** `run` gives a promise, whose end counts. */
  async?: boolean;
}

/** The same work done by several contenders. The first is the yardstick: ratios are to its time. */
export interface Case {
  name: string;
  contenders: Contender[];
}

export interface Measured {
  case: string;
  contender: string;
  /** Median of the rounds' medians, in milliseconds. */
  ms: number;
  /** ms / the yardstick's ms. */
  ratio: number;
}

/**
 * Measures a case: in each round every contender runs for a while, one after the other, so that what else the machine does
 * falls on all of them alike. The medians of the rounds' medians are compared.
 */
export async function measure(
  { name, contenders }: Case,
  { rounds = 5, time = 60 } = {},
): Promise<Measured[]> {
  const medians = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { name: task, prepare, run, once, async = false }] of contenders.entries()) {
      if (once && round > 0) continue;
      const bench = new Bench(
        once
          ? { time: 0, iterations: 1, warmup: false, throws: true }
          : { time, iterations: 2, warmup: round === 0, warmupIterations: 1, warmupTime: 1, throws: true },
      );
      await prepare?.();
      await bench.add(task, async ? async () => void (await run()) : () => void run(), { async }).run();
      const { result } = bench.tasks[0] as (typeof bench.tasks)[number];
      if ("latency" in result) medians[i]?.push(result.latency.p50);
    }
  }
  const times = medians.map(median);
  return contenders.map((contender, i) => {
    const ms = times[i] as number;
    return { case: name, contender: contender.name, ms, ratio: ms / (times[0] as number) };
  });
}

export function show(results: readonly Measured[]): string {
  const rows = results.map((r, i) => [
    r.case === results[i - 1]?.case ? "" : r.case,
    r.contender,
    r.ms.toPrecision(3),
    r.ratio.toPrecision(3),
  ]);
  return table(["case", "contender", "ms", "ratio"], rows, [2, 3]);
}

/** memory.copy inside WebAssembly, on a given memory. */
export async function memoryCopy(
  memory: WebAssembly.Memory,
): Promise<(dst: number, src: number, n: number) => void> {
  const flags = [
    "-O3",
    "--noAssert",
    "--importMemory",
    "--noExportMemory",
    "--runtime",
    "stub",
    "--outFile",
    "copy.wasm",
  ];
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["bench/assembly/copy.ts", ...flags], {
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== "string") bytes = Uint8Array.from(contents);
    },
  });
  if (error || bytes === undefined) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return instance.exports.copy as (dst: number, src: number, n: number) => void;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
