import { GraphError, InputFormatError, UnsupportedLayerError } from "../errors.js";

/** A method that was left out, and why. */
export interface Refusal {
  readonly method: string;
  readonly reason: string;
}

/** What a method gives; null where it refuses and was not asked for by name. */
export function attempt<T>(all: boolean, method: string, refusals: Refusal[], run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    const refuses =
      error instanceof UnsupportedLayerError ||
      error instanceof GraphError ||
      error instanceof InputFormatError;
    if (!all || !refuses) throw error;
    refusals.push({ method, reason: error.message.replace(`${method}: `, "") });
    return null;
  }
}

/** A line for each reason, with the methods that have it. */
export function refusalLines(refusals: readonly Refusal[]): string[] {
  const reasons = new Map<string, Set<string>>();
  for (const { method, reason } of refusals)
    reasons.set(reason, (reasons.get(reason) ?? new Set()).add(method));
  return [...reasons].map(([reason, methods]) => `${[...methods].join(", ")}: ${reason}`);
}
