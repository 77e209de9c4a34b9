import { distance } from "fastest-levenshtein";
import { ArgumentError } from "../errors.js";
import type { OptionInfo } from "./types.js";

export type OptionValues = Readonly<Record<string, number | boolean | string | null>>;

/**
 * Checks a method's options against its table and fills in the defaults.
 *
 * @throws ArgumentError for an unknown name (with the names there are), a wrong type or a value out of range
 */
export function readOptions(method: string, given: object, table: readonly OptionInfo[]): OptionValues {
  const names = table.map((option) => option.name);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) {
      throw new ArgumentError(
        `${method}: unknown option "${name}"${didYouMean(name, names)}; it has ${names.join(", ")}`,
      );
    }
  }
  const entries = table.map((option) => [
    option.name,
    readOption(method, option, (given as Record<string, unknown>)[option.name]),
  ]);
  return Object.fromEntries(entries) as OptionValues;
}

function readOption(method: string, option: OptionInfo, value: unknown): number | boolean | string | null {
  if (value === undefined) return option.default;
  const { name, type, choices } = option;
  if (choices !== undefined && !choices.includes(value as string | null)) {
    throw new ArgumentError(
      `${method}: expected ${name} to be one of ${choices.map((c) => JSON.stringify(c)).join(", ")}, got ${JSON.stringify(value)}`,
    );
  }
  if (choices === undefined && typeof value !== type) {
    throw new ArgumentError(`${method}: expected ${name} to be a ${type}, got ${JSON.stringify(value)}`);
  }
  if (type === "number" && !((value as number) > 0 && Number.isFinite(value))) {
    throw new ArgumentError(`${method}: expected ${name} to be a number above 0, got ${String(value)}`);
  }
  return value as number | boolean | string | null;
}

/** `, did you mean "lrp.epsilon"?` where one of the names is close, else nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const ranked = names
    .map((n) => ({ n, d: distance(name.toLowerCase(), n.toLowerCase()) }))
    .sort((a, b) => a.d - b.d);
  const best = ranked[0];
  return best !== undefined && best.d <= Math.max(2, best.n.length / 3) ? `, did you mean "${best.n}"?` : "";
}
