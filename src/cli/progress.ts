import { SingleBar } from "cli-progress";
import type { Terminal } from "./run.js";

/** Shows how much of some pieces of work is done. */
export interface Progress {
  /** How far the current piece is, 0 to 1. */
  within(share: number): void;
  /** The current piece is done. */
  step(): void;
  stop(): void;
}

/** A bar on stderr; nothing where nobody looks. */
export function progressBar(terminal: Terminal, total: number, what: string): Progress {
  if (!terminal.interactive) return { within: () => {}, step: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${what} {bar} {percentage} %  {eta_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  let done = 0;
  return {
    within: (share) => bar.update(done + share),
    step: () => bar.update(++done),
    stop: () => bar.stop(),
  };
}
