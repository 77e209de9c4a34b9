import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import type * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../../errors.js";
import { type LayersModelArtifacts, modelFromArtifacts } from "../modelFromArtifacts.js";

/** One part of a weights manifest: weights, and the files that hold their values one after the other. */
interface WeightsGroup {
  readonly paths: readonly string[];
  readonly weights: readonly tf.io.WeightsManifestEntry[];
}

/**
 * Loads a TensorFlow.js layers model from disk, as `model.save` and tensorflowjs_converter write it: model.json with the
 * topology and a weights manifest, and beside it the files that the manifest names. The model is not compiled.
 *
 * @param path of model.json, whatever its name, or of the folder that it is in
 * @throws ModelFormatError that says what was expected and what is there; nothing stays allocated then
 * @example const model = await loadLayersModel("examples/digits/model")
 */
export async function loadLayersModel(path: string): Promise<tf.LayersModel> {
  const file = await findModelFile(path);
  const json = await readModelJson(file);
  const groups = checkModelJson(file, json);
  const weightData = await readWeights(dirname(file), groups);
  const artifacts: LayersModelArtifacts = {
    modelTopology: json.modelTopology as object,
    weightSpecs: groups.flatMap(({ weights }) => weights),
    weightData,
    ...(isRecord(json.userDefinedMetadata) && {
      userDefinedMetadata: json.userDefinedMetadata as Record<string, object>,
    }),
  };
  try {
    return modelFromArtifacts(artifacts);
  } catch (error) {
    throw new ModelFormatError(`loadLayersModel: ${file}: ${messageOf(error)}`, { cause: error });
  }
}

async function findModelFile(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw cannotRead(path, error);
  });
  if (found.isDirectory()) {
    const entries = await readdir(path);
    if (entries.includes("model.json")) return join(path, "model.json");
    const there = entries.length === 0 ? "it is empty" : `it has ${entries.slice(0, 5).join(", ")}`;
    throw new ModelFormatError(
      `loadLayersModel: expected a model.json in the folder ${path}, but ${there}${entries.length > 5 ? ", ..." : ""}`,
    );
  }
  const extension = extname(path).toLowerCase();
  if ([".keras", ".h5", ".hdf5"].includes(extension)) {
    throw new ModelFormatError(
      `loadLayersModel: ${path} is a ${extension} file of Keras, which loadModel opens; expected the model.json of a ` +
        "TensorFlow.js layers model",
    );
  }
  return path;
}

async function readModelJson(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw cannotRead(file, error);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ModelFormatError(`loadLayersModel: ${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (!isRecord(json)) {
    throw new ModelFormatError(
      `loadLayersModel: ${file} is no TensorFlow.js layers model: expected an object, got ` +
        (Array.isArray(json) ? "a list" : JSON.stringify(json)),
    );
  }
  return json;
}

function checkModelJson(file: string, json: Record<string, unknown>): WeightsGroup[] {
  const { format, modelTopology, weightsManifest } = json;
  if (format === "graph-model" || (isRecord(modelTopology) && "node" in modelTopology)) {
    throw new ModelFormatError(
      `loadLayersModel: ${file} is a graph model (format "graph-model"); this version reads layers models only`,
    );
  }
  for (const key of ["modelTopology", "weightsManifest"]) {
    if (json[key] === undefined || json[key] === null) {
      throw new ModelFormatError(
        `loadLayersModel: ${file} is no TensorFlow.js layers model: expected an object with modelTopology and ` +
          `weightsManifest, got one without ${key}; its keys are ${Object.keys(json).slice(0, 8).join(", ") || "none"}`,
      );
    }
  }
  if (!isRecord(modelTopology)) {
    throw new ModelFormatError(
      `loadLayersModel: ${file}: expected modelTopology to be an object, got ${JSON.stringify(modelTopology)}`,
    );
  }
  if (!Array.isArray(weightsManifest) || !weightsManifest.every(isWeightsGroup)) {
    throw new ModelFormatError(
      `loadLayersModel: ${file}: expected weightsManifest to be a list of { paths, weights }, each weight with ` +
        `name, shape and dtype, got ${JSON.stringify(weightsManifest).slice(0, 200)}`,
    );
  }
  return weightsManifest;
}

/** The values of all weights, one after the other. */
async function readWeights(folder: string, groups: readonly WeightsGroup[]): Promise<ArrayBuffer> {
  const files: Uint8Array[] = [];
  for (const { paths, weights } of groups) {
    const parts = await Promise.all(paths.map((path) => readWeightsFile(join(folder, path))));
    const expected = weights.reduce((sum, weight) => sum + byteLength(weight), 0);
    const got = parts.reduce((sum, part) => sum + part.length, 0);
    if (got !== expected) {
      const names = paths.map((path) => join(folder, path)).join(" + ");
      throw new ModelFormatError(
        `loadLayersModel: ${names || "no weights file"}: the manifest wants ${expected} bytes, got ${got}`,
      );
    }
    files.push(...parts);
  }
  const all = new Uint8Array(files.reduce((sum, file) => sum + file.length, 0));
  let at = 0;
  for (const file of files) {
    all.set(file, at);
    at += file.length;
  }
  return all.buffer;
}

async function readWeightsFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw cannotRead(path, error, "the weights file ");
  });
}

/** Bytes an element, of the dtypes that weights have and of those that they are quantized to. */
const ELEMENT_BYTES: Record<string, number> = {
  float32: 4,
  int32: 4,
  bool: 1,
  float16: 2,
  uint16: 2,
  uint8: 1,
};

function byteLength({ shape, dtype, quantization }: tf.io.WeightsManifestEntry): number {
  return shape.reduce((product, n) => product * n, ELEMENT_BYTES[quantization?.dtype ?? dtype] as number);
}

function isWeightsGroup(group: unknown): group is WeightsGroup {
  return (
    isRecord(group) &&
    Array.isArray(group.paths) &&
    group.paths.every((path) => typeof path === "string") &&
    Array.isArray(group.weights) &&
    group.weights.every(isWeightsEntry)
  );
}

function isWeightsEntry(entry: unknown): entry is tf.io.WeightsManifestEntry {
  if (!isRecord(entry)) return false;
  const { name, shape, dtype, quantization } = entry;
  const stored = isRecord(quantization) ? quantization.dtype : dtype;
  return (
    typeof name === "string" &&
    Array.isArray(shape) &&
    shape.every((n) => Number.isInteger(n) && n >= 0) &&
    typeof stored === "string" &&
    Object.hasOwn(ELEMENT_BYTES, stored)
  );
}

function cannotRead(path: string, error: unknown, what = ""): ModelFormatError {
  const missing = isRecord(error) && error.code === "ENOENT";
  return new ModelFormatError(
    `loadLayersModel: ${what}${path} ${missing ? "does not exist" : `cannot be read: ${messageOf(error)}`}`,
    { cause: error },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
