import { ArgumentError } from "../errors.js";
import type { Bound } from "../reverse/index.js";

/**
 * A number, or an array that broadcasts to a sample, from what a user gives: a number, a nested list, or
 * `{ data, shape }`.
 *
 * @throws ArgumentError for anything else, or what is not finite
 */
export function readBound(what: string, value: unknown): Bound {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "object" && value !== null) {
    const array = Array.isArray(value) ? nested(value) : (value as { data: Float32Array; shape: number[] });
    if (array !== null && ArrayBuffer.isView(array.data) && array.data.every((n) => Number.isFinite(n)))
      return array;
  }
  throw new ArgumentError(
    `${what}: expected a number, a list of numbers or { data, shape }, got ${JSON.stringify(value) ?? String(value)}`,
  );
}

/** A nested list as an array; null where its rows are of different lengths, or hold anything but numbers. */
function nested(list: readonly unknown[]): { data: Float32Array; shape: number[] } | null {
  const shape: number[] = [];
  for (let level: unknown = list; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat = (list as unknown[]).flat(Number.POSITIVE_INFINITY);
  const fits = (level: unknown, depth: number): boolean =>
    depth === shape.length
      ? typeof level === "number"
      : Array.isArray(level) && level.length === shape[depth] && level.every((l) => fits(l, depth + 1));
  return fits(list, 0) ? { data: Float32Array.from(flat as number[]), shape } : null;
}
