import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { InputFormatError } from "../errors.js";
import { messageOf } from "../text.js";

/** The word of a token's id; the id itself where there is none. */
export type Vocabulary = (id: number) => string;

export const noWords: Vocabulary = (id) => String(id);

/**
 * Reads the words of token ids: `.json` with a list (a word at its id) or an object (word: id, Keras's `word_index`), or a
 * text file with a word a line, the first being id 0.
 *
 * @throws InputFormatError for other files
 */
export async function readVocabulary(path: string): Promise<Vocabulary> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "does not exist" : `cannot be read: ${error.message}`;
    throw new InputFormatError(`vocabulary: ${path} ${reason}`, { cause: error });
  });
  const words = extname(path).toLowerCase() === ".json" ? fromJson(path, text) : fromLines(text);
  return (id) => words.get(id) ?? String(id);
}

function fromLines(text: string): Map<number, string> {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  return new Map(lines.map((word, id) => [id, word]));
}

function fromJson(path: string, text: string): Map<number, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new InputFormatError(`vocabulary: ${path} is not JSON: ${reason}`, { cause });
  }
  if (Array.isArray(value) && value.every((word) => typeof word === "string")) {
    return new Map(value.map((word, id) => [id, word]));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (entries.every(([, id]) => Number.isInteger(id)))
      return new Map(entries.map(([word, id]) => [id, word]));
  }
  throw new InputFormatError(`vocabulary: ${path}: expected a list of words, or an object of word: id`);
}
