import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { ArgumentError, InputFormatError } from "../errors.js";
import { readInput } from "../io/node/index.js";

/** The files of one run of the model: one an input. */
export interface InputFiles {
  /** As it was given, for messages. */
  readonly shown: string;
  /** What its pictures are called by: no two are alike. */
  readonly stem: string;
  readonly paths: readonly string[];
}

/** One input of a model. */
export interface ModelInput {
  readonly name: string;
  /** Without the batch dimension. */
  readonly shape: readonly (number | null)[];
}

export function modelInputs(model: tf.LayersModel): ModelInput[] {
  return model.inputs.map(({ shape }, i) => ({
    name: model.inputNames[i] ?? String(i),
    shape: shape.slice(1),
  }));
}

/** Files that a folder is searched for. */
const ENDINGS = [
  ...[".npy", ".json", ".csv"],
  ...[".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif", ".svg"],
];

/**
 * The files that the arguments stand for. A model with one input takes a file or a folder an argument; one with several takes
 * as many, joined by commas, in the model's order or as `name=file`, and pairs the files of folders in the order of their
 * names.
 *
 * @throws ArgumentError for arguments that do not suit the model's inputs; InputFormatError for folders without inputs
 */
export async function inputFiles(
  who: string,
  inputs: readonly ModelInput[],
  given: readonly string[],
): Promise<InputFiles[]> {
  const found: { shown: string; paths: string[] }[] = [];
  for (const argument of given) {
    const lists = await Promise.all(partsOf(who, inputs, argument).map(filesOf));
    const count = lists[0]?.length ?? 0;
    if (lists.some((list) => list.length !== count)) {
      throw new ArgumentError(
        `${who}: expected as many files of each input in ${argument}, got ${lists.map((list) => list.length).join(", ")}`,
      );
    }
    for (let i = 0; i < count; i++) {
      const paths = lists.map((list) => list[i] as string);
      found.push({ shown: paths.join(","), paths });
    }
  }
  const seen = new Map<string, number>();
  return found.map(({ shown, paths }) => {
    const [first] = paths as [string];
    const name = basename(first, extname(first));
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { shown, paths, stem: count === 1 ? name : `${name}-${count}` };
  });
}

/** One path an input, in the model's order. */
function partsOf(who: string, inputs: readonly ModelInput[], argument: string): string[] {
  if (inputs.length === 1) return [argument];
  const names = inputs.map(({ name }) => name);
  const parts = argument.split(",");
  const wanted = `${inputs.length} files, one for each of ${names.join(", ")}, joined by commas`;
  if (parts.length !== inputs.length)
    throw new ArgumentError(`${who}: expected ${wanted}, got ${parts.length} in ${argument}`);
  const named = parts.map((part) => names.find((name) => part.startsWith(`${name}=`)) ?? null);
  if (named.every((name) => name === null)) return parts;
  if (new Set(named).size !== names.length || named.includes(null)) {
    throw new ArgumentError(`${who}: expected ${wanted}, all as name=file or none, got ${argument}`);
  }
  return names.map((name) => (parts[named.indexOf(name)] as string).slice(name.length + 1));
}

/** A file, or the files of a folder in the order of their names. What does not exist is found out when it is read. */
async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .filter((name) => ENDINGS.includes(extname(name).toLowerCase()))
    .sort(new Intl.Collator("en", { numeric: true }).compare);
  if (files.length === 0)
    throw new InputFormatError(
      `${path} is a folder without inputs: expected files that end in ${ENDINGS.join(", ")}`,
    );
  return files.map((name) => join(path, name));
}

/**
 * One tensor an input, `[n, ...shape]`. An image may be the input of a model that takes `[h, w]`.
 *
 * @throws as readInput; InputFormatError where the files do not have the same number of samples
 */
export async function readInputs(
  { paths, shown }: InputFiles,
  inputs: readonly ModelInput[],
  range: readonly [number, number],
): Promise<tf.Tensor[]> {
  const arrays = await Promise.all(
    paths.map(async (path, i) => {
      const { shape } = inputs[i] as ModelInput;
      const gray = shape.length === 2 && !ARRAYS.includes(extname(path).toLowerCase());
      const read = await readInput(path, { shape: gray ? [...shape, 1] : shape, range });
      return gray ? { data: read.data, shape: read.shape.slice(0, -1) } : read;
    }),
  );
  const counts = arrays.map(({ shape }) => shape[0]);
  if (counts.some((count) => count !== counts[0])) {
    throw new InputFormatError(
      `${shown}: expected the same number of samples in each file, got ${counts.join(", ")}`,
    );
  }
  return arrays.map(({ data, shape }) => tf.tensor(data, shape));
}

const ARRAYS = [".npy", ".json", ".csv"];
