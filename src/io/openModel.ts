import type * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../errors.js";
import { after, readAll } from "./byteSource.js";
import { type GraphArtifacts, isGraph } from "./graphFromArtifacts.js";
import { isModelConfig, isRecord, type Json, type JsonRecord, parseJson, shown } from "./keras/checks.js";
import type { KerasFile } from "./keras/openKeras.js";
import type { LayersModelArtifacts } from "./modelFromArtifacts.js";
import { type ModelSource, type OpenedSource, openSource } from "./openSource.js";

export interface LoadModelOptions {
  /** The weights, where `source` is a model's JSON alone: what Keras's `save_weights` wrote. */
  readonly weights?: Exclude<ModelSource, tf.io.IOHandler>;
  /** For messages, in place of a file's name. */
  readonly name?: string;
  /** Told from time to time how much is done, from 0 to 1; of a model behind a URL, the first half is the way here. */
  readonly onProgress?: (fraction: number) => void;
  /** Ends the opening with the signal's reason. */
  readonly signal?: AbortSignal;
}

type TfjsFile = { readonly artifacts: LayersModelArtifacts };
type GraphFile = { readonly graph: GraphArtifacts };

const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const ZIP = [0x50, 0x4b];

function begins(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

/** What opens Keras's files, which nobody pays for who opens none. */
function keras(): Promise<typeof import("./keras/openKeras.js")> {
  return import("./keras/openKeras.js");
}

/** Opens a file, whatever it is. */
export async function openModel(
  opened: OpenedSource,
  options: LoadModelOptions,
): Promise<KerasFile | TfjsFile | GraphFile> {
  const { main } = opened;
  const { bytes: head } = await main.read(0, Math.min(8, main.length));
  if (begins(head, HDF5)) return (await keras()).openKerasHdf5(main, null);
  if (begins(head, ZIP)) return (await keras()).openKerasArchive(main);
  const [first] = new TextDecoder().decode(head).trimStart();
  if (first !== "{" && first !== "[") {
    // HDF5 leaves room for others' bytes before its own: 512, or twice as many, or twice those.
    for (let skipped = 512; skipped + HDF5.length <= main.length; skipped *= 2) {
      const { bytes } = await main.read(skipped, HDF5.length);
      if (begins(bytes, HDF5)) return (await keras()).openKerasHdf5(after(main, skipped), null);
    }
    throw new ModelFormatError(
      `${main.name}: expected a .keras archive, an HDF5 file or JSON, got ` +
        (main.length === 0
          ? "an empty file"
          : `a file that begins with ${[...head].map((b) => b.toString(16).padStart(2, "0")).join(" ")}`),
    );
  }
  const json = parseJson(new TextDecoder().decode((await readAll(main)).bytes), main.name);
  if (isModelConfig(json)) return withWeightsBeside(opened, json, options);
  return readTfjs(opened, json, options);
}

/** A model's JSON as `model.to_json()` writes it, and the weights that are given or lie beside it. */
async function withWeightsBeside(
  opened: OpenedSource,
  json: Json,
  options: LoadModelOptions,
): Promise<KerasFile> {
  const stem = opened.main.name.replace(/^.*[\\/]/, "").replace(/\.json$/i, "");
  const given =
    options.weights === undefined ? null : await openSource(options.weights, { signal: options.signal });
  try {
    let weights = given?.main ?? null;
    for (const ending of [".weights.h5", ".h5", ".hdf5"]) weights ??= await opened.sibling(stem + ending);
    if (weights === null) {
      throw new ModelFormatError(
        `${opened.main.name}: holds a model's configuration, and not its weights; expected them as the option weights, ` +
          `or beside it in ${stem}.weights.h5 or ${stem}.h5`,
      );
    }
    return await (await keras()).openKerasHdf5(weights, json);
  } finally {
    await given?.close();
  }
}

/** Bytes an element, of the dtypes that weights have and of those that they are quantized to. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  float16: 2,
  uint16: 2,
  uint8: 1,
};

async function readTfjs(
  opened: OpenedSource,
  json: Json,
  options: LoadModelOptions,
): Promise<TfjsFile | GraphFile> {
  const { name } = opened.main;
  if (!isRecord(json) || !isRecord(json.modelTopology)) {
    throw new ModelFormatError(
      `${name}: expected the JSON of a TensorFlow.js or Keras model, with modelTopology or class_name; its keys are ` +
        `${(isRecord(json) ? Object.keys(json) : []).slice(0, 8).join(", ") || "none"}`,
    );
  }
  const { modelTopology, signature, userDefinedMetadata } = json;
  const weights = await readWeights(opened, json, options);
  if (json.format === "graph-model" || isGraph(modelTopology))
    return { graph: { modelTopology, signature, userDefinedMetadata, ...weights } };
  return {
    artifacts: {
      modelTopology,
      ...weights,
      ...(isRecord(userDefinedMetadata) && {
        userDefinedMetadata: userDefinedMetadata as Record<string, object>,
      }),
    },
  };
}

/** The weights that a model.json names, from the files beside it. */
async function readWeights(
  opened: OpenedSource,
  json: JsonRecord,
  { onProgress, signal }: LoadModelOptions,
): Promise<Pick<LayersModelArtifacts, "weightSpecs" | "weightData">> {
  const { name } = opened.main;
  const groups = json.weightsManifest;
  if (!isGroups(groups)) {
    throw new ModelFormatError(
      `${name}: expected weightsManifest to be a list of { paths, weights }, each weight with name, shape and dtype, ` +
        `got ${shown(groups)}`,
    );
  }
  const parts: Uint8Array[] = [];
  const count = groups.reduce((sum, { paths }) => sum + paths.length, 0);
  let read = 0;
  for (const { paths, weights } of groups) {
    const files = await Promise.all(
      paths.map(async (path) => {
        const file = await opened.sibling(path);
        if (file === null) throw new ModelFormatError(`${name}: the weights file ${path} does not exist`);
        const { bytes } = await readAll(file);
        signal?.throwIfAborted();
        onProgress?.(++read / (count + 1));
        return bytes;
      }),
    );
    const wanted = weights.reduce((sum, weight) => sum + byteLength(weight), 0);
    const got = files.reduce((sum, file) => sum + file.length, 0);
    if (got !== wanted) {
      throw new ModelFormatError(
        `${name}: ${paths.join(" + ") || "no weights file"}: the manifest wants ${wanted} bytes, got ${got}`,
      );
    }
    parts.push(...files);
  }
  const weightData = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    weightData.set(part, at);
    at += part.length;
  }
  return { weightSpecs: groups.flatMap(({ weights }) => weights), weightData: weightData.buffer };
}

interface Group {
  readonly paths: string[];
  readonly weights: tf.io.WeightsManifestEntry[];
}

function isGroups(value: unknown): value is Group[] {
  return Array.isArray(value) && value.every(isGroup);
}

function isGroup(value: unknown): boolean {
  if (!isRecord(value) || !Array.isArray(value.paths) || !Array.isArray(value.weights)) return false;
  return value.paths.every((path) => typeof path === "string") && value.weights.every(isEntry);
}

function isEntry(value: Json): boolean {
  if (!isRecord(value) || typeof value.name !== "string" || !Array.isArray(value.shape)) return false;
  const stored = isRecord(value.quantization) ? value.quantization.dtype : value.dtype;
  return (
    value.shape.every((n) => Number.isSafeInteger(n) && (n as number) >= 0) &&
    Object.hasOwn(ELEMENT_BYTES, String(stored))
  );
}

function byteLength({ shape, dtype, quantization }: tf.io.WeightsManifestEntry): number {
  return shape.reduce((product, n) => product * n, ELEMENT_BYTES[quantization?.dtype ?? dtype] as number);
}
