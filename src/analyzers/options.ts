import { distance } from "fastest-levenshtein";
import { ArgumentError } from "../errors.js";
import type { OptionInfo } from "./types.js";

export type OptionValues = Readonly<Record<string, unknown>>;

/**
 * Checks a method's options against its table and fills in the defaults.
 *
 * @throws ArgumentError for an unknown name (with the names there are), one that is missing, a wrong type or a value out
 *   of range
 */
export function readOptions(method: string, given: object, table: readonly OptionInfo[]): OptionValues {
  if (typeof given !== "object" || given === null) {
    throw new ArgumentError(`${method}: expected options to be an object, got ${String(given)}`);
  }
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

function readOption(method: string, option: OptionInfo, value: unknown): unknown {
  const { name, type, choices } = option;
  if (value === undefined || (value === null && option.default === null)) {
    if (option.required)
      throw new ArgumentError(`${method}: option ${name} is missing: ${option.description}`);
    return option.default;
  }
  if (choices !== undefined) {
    if (choices.includes(value as string | null)) return value;
    throw new ArgumentError(
      `${method}: expected ${name} to be one of ${choices.map((c) => JSON.stringify(c)).join(", ")}, got ${JSON.stringify(value)}`,
    );
  }
  if (type !== "value" && typeof value !== type) {
    throw new ArgumentError(`${method}: expected ${name} to be a ${type}, got ${JSON.stringify(value)}`);
  }
  if (type === "number") checkNumber(method, option, value as number);
  return value;
}

function checkNumber(method: string, { name, above, from, integer }: OptionInfo, value: number): void {
  const expected =
    (integer ? "a whole number" : "a number") +
    (above !== undefined ? ` above ${above}` : from !== undefined ? ` from ${from}` : "");
  const ok =
    Number.isFinite(value) &&
    (!integer || Number.isInteger(value)) &&
    (above === undefined || value > above) &&
    (from === undefined || value >= from);
  if (!ok) throw new ArgumentError(`${method}: expected ${name} to be ${expected}, got ${String(value)}`);
}

/** `, did you mean "lrp.epsilon"?` where one of the names is close, else nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const ranked = names
    .map((n) => ({ n, d: distance(name.toLowerCase(), n.toLowerCase()) }))
    .sort((a, b) => a.d - b.d);
  const best = ranked[0];
  return best !== undefined && best.d <= Math.max(2, best.n.length / 3) ? `, did you mean "${best.n}"?` : "";
}
