/** Keras's own files: .keras archives, .h5 files, and weights beside a model's JSON. */
import type * as tf from "@tensorflow/tfjs";
import { ModelFormatError, TracelightError } from "../../errors.js";
import { registerLayers } from "../../layers/registerLayers.js";
import { buildOrNothing } from "../atomicBuild.js";
import { type ByteSource, readAll } from "../byteSource.js";
import { reasonOf } from "../saying.js";
import { buildModel } from "./buildModel.js";
import { isRecord, type Json, parseJson, printable } from "./checks.js";
import { type Hdf5File, openHdf5 } from "./hdf5.js";
import { MOST_UNPACKING, UNPACKING_FREE } from "./hdf5Bytes.js";
import { type ModelSpec, readModelSpec } from "./modelSpec.js";
import { type ModelWeights, weightsByClass, weightsByName } from "./weights.js";
import { openZip } from "./zip.js";

/** A model's configuration, and its weights if the file has any. */
export interface KerasFile {
  /** What kind of file it is, in words. */
  readonly format: string;
  readonly keras: number;
  /** As the file has it, or null. */
  readonly version: string | null;
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
  readonly owned: boolean;
  readonly where: string;
}

/** The largest config.json that is read; and what it may unpack to beyond 16 MB, in times of the archive. */
const LARGEST_CONFIG = 256 * 2 ** 20;
const MOST_UNPACKING_CONFIG = 64;

/** Opens a .keras archive. */
export async function openKerasArchive(source: ByteSource): Promise<KerasFile> {
  const zip = await openZip(source);
  const largestConfig = Math.min(LARGEST_CONFIG, 2 ** 24 + MOST_UNPACKING_CONFIG * source.length);
  const json = async (name: string): Promise<Json> =>
    parseJson(decode(await zip.read(name, largestConfig)), `${source.name}: ${name}`);
  if (!zip.names.includes("config.json")) {
    throw new ModelFormatError(
      `${source.name}: expected config.json in the archive, it has ${zip.names.slice(0, 8).map(printable).join(", ") || "nothing"}`,
    );
  }
  const metadata = zip.names.includes("metadata.json") ? await json("metadata.json") : {};
  const version = versionOf(isRecord(metadata) ? metadata.keras_version : null);
  const keras = majorOf(version, source.name);
  const where = `${source.name}: config.json`;
  const spec = readModelSpec(await json("config.json"), where);
  const name = "model.weights.h5";
  if (!zip.names.includes(name)) {
    throw new ModelFormatError(
      `${source.name}: expected ${name} in the archive, it has ${zip.names.slice(0, 8).map(printable).join(", ")}; weights in other ` +
        "forms (.npz, shards) are not read",
    );
  }
  const at = `${source.name}: ${name}`;
  const buffer = await zip.read(name, UNPACKING_FREE + MOST_UNPACKING * source.length);
  const weights = weightsByClass(await openHdf5(buffer, at), spec, at);
  return { format: ".keras archive", keras, version, spec, weights, owned: true, where };
}

/** Opens an .h5 file; `topology` is the model's JSON where the file has the weights alone. */
export async function openKerasHdf5(source: ByteSource, topology: Json | null): Promise<KerasFile> {
  const { bytes, owned } = await readAll(source);
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  const buffer = whole ? bytes.buffer : bytes.slice().buffer;
  const file = await openHdf5(buffer, source.name);
  const config = file.text("", "model_config");
  const weightsAttributes = file.keys("model_weights") === null ? "" : "model_weights";
  const version = versionOf(file.text("", "keras_version") ?? file.text(weightsAttributes, "keras_version"));
  const common = { version, owned: owned || !whole };
  if (topology !== null) {
    const inner = isRecord(topology) && isRecord(topology.config) ? topology : null;
    const stated = versionOf(inner?.keras_version) ?? version;
    const keras = majorOf(stated, source.name);
    const spec = readModelSpec(topology, "the model's JSON");
    return {
      format: "weights beside JSON",
      keras,
      spec,
      weights: weightsIn(file, spec, source.name),
      where: "the model's JSON",
      ...common,
    };
  }
  if (config === undefined) throw noModel(file, source.name);
  const where = `${source.name}: model_config`;
  const spec = readModelSpec(parseJson(config, where), where);
  const weights = weightsIn(file, spec, source.name);
  return { format: ".h5 file", keras: majorOf(version ?? "2", source.name), spec, weights, where, ...common };
}

function weightsIn(file: Hdf5File, spec: ModelSpec, name: string): ModelWeights {
  if (file.texts("", "layer_names") !== undefined || file.keys("model_weights") !== null)
    return weightsByName(file, name);
  if (file.keys("layers") !== null || file.keys("_layer_checkpoint_dependencies") !== null) {
    return weightsByClass(file, spec, name);
  }
  throw noModel(file, name);
}

function noModel(file: Hdf5File, name: string): ModelFormatError {
  const keys = file.keys("")?.slice(0, 8).map(printable).join(", ") || "nothing";
  const weights = file.texts("", "layer_names") !== undefined || file.keys("layers") !== null;
  return new ModelFormatError(
    weights
      ? `${name}: holds the weights of a model, and not its configuration; give the model's JSON (model.to_json()) too`
      : `${name}: is an HDF5 file, but holds no Keras model: expected the attribute model_config, the file has ${keys}`,
  );
}

/** Builds the model of an opened file. */
export function buildKeras(file: KerasFile, onProgress?: (weights: number) => void): tf.LayersModel {
  registerLayers();
  const { spec, weights, keras, owned, where } = file;
  const version = `Keras ${file.version ?? keras}`;
  try {
    return buildOrNothing(() => buildModel(spec, weights, { where, keras, version, owned, onProgress }));
  } catch (error) {
    if (error instanceof TracelightError) throw error;
    const message = reasonOf(error);
    throw new ModelFormatError(`${where}: TensorFlow.js cannot build the model: ${message}`, {
      cause: error,
    });
  }
}

function versionOf(value: unknown): string | null {
  return typeof value === "string" && /^\d/.test(value) ? value : null;
}

/** 2 or 3. */
function majorOf(version: string | null, name: string): number {
  const major = version === null ? 3 : Number.parseInt(version, 10);
  if (major > 3) {
    throw new ModelFormatError(
      `${name}: was written by Keras ${version}; this version reads files of Keras 2 and 3`,
    );
  }
  return Math.max(2, major);
}

function decode(buffer: ArrayBuffer): string {
  return new TextDecoder().decode(buffer);
}
