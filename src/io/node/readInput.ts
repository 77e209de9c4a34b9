import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { ArgumentError, InputFormatError } from "../../errors.js";
import { messageOf } from "../../text.js";
import { decodeNpy } from "../npy.js";
import { parseCsv } from "../parseCsv.js";
import { parseNestedArray } from "../parseNestedArray.js";
import { type DecodedImage, readImage } from "./readImage.js";

export interface ReadInputOptions {
  /** The model's input shape without the batch dimension, such as `[28, 28, 1]`. A null takes any size. */
  readonly shape: readonly (number | null)[];
  /** What black and white of an image become. Default `[0, 1]`. Arrays are taken as they are. */
  readonly range?: readonly [number, number];
}

/** Samples of a model's input, row-major, the first dimension of the shape their number. */
export interface InputArray {
  readonly data: Float32Array;
  readonly shape: number[];
}

/**
 * Reads a model's input from a file.
 *
 * - Images (PNG, JPEG, WebP, GIF, TIFF and what else sharp reads) for inputs `[h, w, 1]` and `[h, w, 3]`: turned upright as
 *   their EXIF data say, laid on white where they are transparent, made gray or RGB as the model takes it, resized to
 *   `[h, w]` without regard to the aspect, and scaled: x = lo + (hi - lo) v / 255. Gray is 0.299 R + 0.587 G + 0.114 B.
 * - `.npy` and `.json` (nested lists of numbers): one sample of the model's shape, or any number of them with a leading
 *   batch dimension.
 * - `.csv` (a table of numbers, perhaps with a line of names on top): one sample `[steps, channels]` as steps x channels; else
 *   a sample a row, its values in the order of the model's shape; else one sample spread over the whole table.
 *
 * @returns float32 of shape `[n, ...shape]`; n is 1 for images
 * @throws InputFormatError that names the file and says what was expected and what is there; ArgumentError for a range
 *   that is not finite
 * @example const { data, shape } = await readInput("seven.png", { shape: [28, 28, 1] })
 */
export async function readInput(
  path: string,
  { shape, range = [0, 1] }: ReadInputOptions,
): Promise<InputArray> {
  if (!range.every(Number.isFinite)) {
    throw new ArgumentError(`readInput: expected a range of two finite numbers, got [${range.join(", ")}]`);
  }
  const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "ENOENT" ? "does not exist" : `cannot be read: ${error.message}`;
    throw new InputFormatError(`readInput: ${path} ${reason}`, { cause: error });
  });
  switch (extname(path).toLowerCase()) {
    case ".npy":
      return asBatch(
        path,
        parsed(path, () => decodeNpy(file)),
        shape,
      );
    case ".json":
      return asBatch(
        path,
        parsed(path, () => parseNestedArray(file.toString("utf8"))),
        shape,
      );
    case ".csv":
      return tableAsBatch(
        path,
        parsed(path, () => parseCsv(file.toString("utf8"))),
        shape,
      );
    default: {
      const [height, width, channels] = checkImageShape(path, shape);
      const image = await readImage(file, { height, width }).catch((error: unknown) => {
        throw new InputFormatError(`readInput: ${path}: ${messageOf(error)}`, { cause: error });
      });
      return { data: scaled(image, channels, range), shape: [1, image.height, image.width, channels] };
    }
  }
}

function parsed<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InputFormatError(`readInput: ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function asBatch(path: string, array: InputArray, wanted: readonly (number | null)[]): InputArray {
  const isSample = (shape: readonly number[]) =>
    shape.length === wanted.length && wanted.every((n, axis) => n === null || n === shape[axis]);
  if (isSample(array.shape)) return { data: array.data, shape: [1, ...array.shape] };
  if (!isSample(array.shape.slice(1))) {
    throw new InputFormatError(
      `readInput: ${path} has shape ${show(array.shape)}, the model takes ${show(wanted)}`,
    );
  }
  if (array.shape[0] === 0)
    throw new InputFormatError(`readInput: ${path} has no samples: its shape is ${show(array.shape)}`);
  return array;
}

/** A table as the samples that a model takes. */
function tableAsBatch(path: string, table: InputArray, wanted: readonly (number | null)[]): InputArray {
  const { data } = table;
  const [rows = 0, columns = 0] = table.shape;
  const [steps, channels] = wanted;
  if (wanted.length === 2 && channels === columns && (steps === null || steps === rows)) {
    return { data, shape: [1, rows, columns] };
  }
  if (wanted.length === 1 && steps === null)
    return { data, shape: columns === 1 ? [1, rows] : [rows, columns] };
  const size = wanted.reduce<number>((product, n) => product * (n ?? Number.NaN), 1);
  if (columns === size) return { data, shape: [rows, ...(wanted as number[])] };
  if (rows * columns === size) return { data, shape: [1, ...(wanted as number[])] };
  throw new InputFormatError(
    `readInput: ${path} is a table of ${rows} rows and ${columns} columns, the model takes ${show(wanted)}: expected a ` +
      `sample a row${wanted.length === 2 ? ", or a file of steps x channels" : ""}`,
  );
}

function checkImageShape(
  path: string,
  shape: readonly (number | null)[],
): [number | null, number | null, 1 | 3] {
  const [height = null, width = null, channels] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3)) {
    throw new InputFormatError(
      `readInput: ${path} is not a .npy, .json or .csv file, and an image cannot be the input of a model that takes ` +
        `${show(shape)}; images are for [h, w, 1] and [h, w, 3]`,
    );
  }
  return [height, width, channels];
}

function scaled({ rgb }: DecodedImage, channels: 1 | 3, [lo, hi]: readonly [number, number]): Float32Array {
  const scale = (hi - lo) / 255;
  if (channels === 3) return Float32Array.from(rgb, (v) => lo + v * scale);
  return Float32Array.from({ length: rgb.length / 3 }, (_, i) => {
    const [r, g, b] = rgb.subarray(i * 3, i * 3 + 3) as unknown as [number, number, number];
    // To a whole number, as PIL and so Keras do.
    return lo + Math.round(0.299 * r + 0.587 * g + 0.114 * b) * scale;
  });
}

function show(shape: readonly (number | null)[]): string {
  return `[${shape.map((n) => n ?? "any").join(", ")}]`;
}
