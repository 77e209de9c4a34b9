/** Readings of a model's JSON that say where and what when it is not as expected. */
import { ModelFormatError } from "../../errors.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonRecord = { [key: string]: Json };

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asRecord(value: unknown, where: string): JsonRecord {
  if (!isRecord(value)) throw wrong(where, "an object", value);
  return value;
}

export function asList(value: unknown, where: string): Json[] {
  if (!Array.isArray(value)) throw wrong(where, "a list", value);
  return value;
}

export function asText(value: unknown, where: string): string {
  if (typeof value !== "string") throw wrong(where, "a string", value);
  return value;
}

/** A whole number from 0 on. */
export function asCount(value: unknown, where: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(where, "a whole number", value);
  return value as number;
}

/** A shape, with null for unknown sizes. */
export function asShape(value: unknown, where: string): (number | null)[] {
  return asList(value, where).map((n, i) => (n === null ? null : asCount(n, `${where}[${i}]`)));
}

/** True for the configuration of a whole model. */
export function isModelConfig(value: unknown): boolean {
  return isRecord(value) && isModelClass(value.class_name) && isRecord(value.config);
}

export function isModelClass(className: unknown): boolean {
  return className === "Sequential" || className === "Functional" || className === "Model";
}

/** Lists in lists, and the like; what is deeper is no honest file, and more than functions that call themselves can follow. */
const DEEPEST = 1000;

/** Reads JSON, also with the infinities that Python writes, as the text that stands for them. */
export function parseJson(text: string, where: string): Json {
  const { named, depth } = withNamedNumbers(text);
  if (depth > DEEPEST) {
    throw new ModelFormatError(`${where}: expected JSON nested at most ${DEEPEST} deep, got ${depth}`);
  }
  try {
    return JSON.parse(named) as Json;
  } catch (error) {
    throw new ModelFormatError(`${where}: is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The numbers that JSON has no word for, as text; and how deep brackets are nested. Strings are left as they are. */
function withNamedNumbers(text: string): { named: string; depth: number } {
  const parts: string[] = [];
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const plain = text.slice(at, quote < 0 ? text.length : quote);
    for (let i = 0; i < plain.length; i++) {
      const c = plain.charCodeAt(i);
      if (c === 0x5b || c === 0x7b) deepest = Math.max(deepest, ++depth);
      else if (c === 0x5d || c === 0x7d) depth--;
    }
    parts.push(
      /[IN]/.test(plain)
        ? plain.replace(
            /-?\bInfinity\b|\bNaN\b/g,
            (word) => `"${word.replace("Infinity", "inf").replace("NaN", "nan")}"`,
          )
        : plain,
    );
    at = quote < 0 ? text.length : endOfString(text, quote);
    if (quote >= 0) parts.push(text.slice(quote, at));
  }
  return { named: parts.join(""), depth: deepest };
}

/** Behind the quote that ends the string which begins with one. */
function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** A value as messages show it, however large. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A name out of a file as messages show it: on one line, and not too long. */
export function printable(name: string): string {
  const plain = name.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return plain.length > 200 ? `${plain.slice(0, 197)}...` : plain;
}

function wrong(where: string, expected: string, value: unknown): ModelFormatError {
  return new ModelFormatError(`${where}: expected ${expected}, got ${shown(value)}`);
}
