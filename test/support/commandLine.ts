import { run } from "../../src/cli/run.js";

/** Runs the command line as a program would be run, and gives what it printed. */
export async function tracelight(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const status = await run(argv, "1.2.3", {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    interactive: false,
  });
  return { status, out, err };
}
