import { SingleBar } from "cli-progress";
import type { Terminal } from "./run.js";

/** A bar on stderr for work of several pieces; nothing where nobody looks, or for a single piece. */
export function progressBar(terminal: Terminal, total: number, what: string): { step(): void; stop(): void } {
  if (!terminal.interactive || total < 2) return { step: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total}  {eta_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  return { step: () => bar.increment(), stop: () => bar.stop() };
}
