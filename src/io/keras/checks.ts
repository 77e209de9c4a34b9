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

/** Reads JSON, also with the infinities that Python writes, as the text that stands for them. */
export function parseJson(text: string, where: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const named = text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (part) =>
      part.startsWith('"') ? part : `"${part.replace("Infinity", "inf").replace("NaN", "nan")}"`,
    );
    if (named !== text) return parseJson(named, where);
    throw new ModelFormatError(`${where}: is not JSON: ${(error as Error).message}`, { cause: error });
  }
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
