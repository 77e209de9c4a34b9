import { InputFormatError } from "../errors.js";
import { messageOf } from "../text.js";

/**
 * An array written as nested lists of numbers in JSON. All lists of one depth must be of one length.
 *
 * @returns float32 in row-major order and its shape; a single number has shape []
 * @throws InputFormatError for what is not JSON, for lists of unequal lengths, and for anything that is not a number
 * @example parseNestedArray("[[1, 2, 3], [4, 5, 6]]").shape  // [2, 3]
 */
export function parseNestedArray(json: string): { data: Float32Array; shape: number[] } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new InputFormatError(`parseNestedArray: not JSON: ${reason}`, { cause });
  }
  const shape: number[] = [];
  for (let first = value; Array.isArray(first); first = first[0]) shape.push(first.length);
  const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
  let at = 0;
  fill(value, []);
  return { data, shape };

  function fill(part: unknown, path: readonly number[]): void {
    const expected = shape[path.length];
    if (expected === undefined) {
      if (typeof part !== "number") throw unexpected(part, path, "a number");
      data[at++] = part;
      return;
    }
    if (!Array.isArray(part) || part.length !== expected) {
      throw unexpected(part, path, `a list of ${expected}, as at the first,`);
    }
    part.forEach((child, i) => {
      fill(child, [...path, i]);
    });
  }
}

function unexpected(part: unknown, path: readonly number[], expected: string): InputFormatError {
  const got = Array.isArray(part)
    ? `a list of ${part.length}`
    : (JSON.stringify(part)?.slice(0, 40) ?? String(part));
  return new InputFormatError(`parseNestedArray: expected ${expected} at [${path.join(", ")}], got ${got}`);
}
