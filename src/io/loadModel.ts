import type * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError, ModelFormatError, UnsupportedLayerError } from "../errors.js";
import { asLayersModel } from "../graph/asLayersModel.js";
import { registerLayers } from "../layers/registerLayers.js";
import { baseUrl, hasFileSystem, openFile } from "../platform.js";
import { type ByteSource, blobSource, bytesSource, readAll } from "./byteSource.js";
import { type GraphArtifacts, graphFromArtifacts, isGraph } from "./graphFromArtifacts.js";
import { isRecord, type Json, type JsonRecord, parseJson } from "./keras/checks.js";
import { isHdf5 } from "./keras/hdf5.js";
import { isModelConfig } from "./keras/modelSpec.js";
import { buildKeras, type KerasFile, openKerasArchive, openKerasHdf5 } from "./keras/openKeras.js";
import { type LayersModelArtifacts, modelFromArtifacts } from "./modelFromArtifacts.js";

/**
 * A model: a path (in Node; a file, or the folder of a TensorFlow.js model), a URL, the bytes of a file, a File or Blob, the
 * files of a browser's file input, or one of tfjs's handlers (`tf.io.browserFiles`, `tf.io.fromMemory` ...).
 */
export type ModelSource = string | URL | ArrayBuffer | Uint8Array | Blob | readonly File[] | tf.io.IOHandler;

export interface LoadModelOptions {
  /** The weights, where `source` is a model's JSON alone: what Keras's `save_weights` wrote. */
  readonly weights?: Exclude<ModelSource, tf.io.IOHandler>;
  /** For messages, in place of a file's name. */
  readonly name?: string;
  /** Told from time to time which part of the weights is there, from 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * Opens a model of Keras or TensorFlow.js, whatever its format, which the bytes tell and not the name: `.keras` (Keras 3, and
 * 2.12 on), `.h5` (Keras 2 and 3), TensorFlow.js's model.json with its weights, and a model's JSON with the weights beside it.
 * It is not compiled, and no code in it is run. Layers that TensorFlow.js lacks, or computes otherwise than Keras, become
 * layers of this library; what cannot be opened right is refused. A graph model (a converted SavedModel) has operations and no
 * layers: it comes as `asLayersModel` gives it, and is disposed with the model; `traceGraphModel` and `getOpOutputs` look into
 * it.
 *
 * @throws ModelFormatError for what is no model, damaged or incomplete, UnsupportedLayerError for a layer or an option of one
 *   that cannot be done; nothing stays allocated then
 * @example
 * const model = await loadModel("classifier.keras");
 * const model = await loadModel(fileInput.files[0]);
 */
export async function loadModel(
  source: ModelSource,
  options: LoadModelOptions = {},
): Promise<tf.LayersModel> {
  registerLayers();
  return saying("loadModel", async () => {
    if (isHandler(source)) return fromHandler(source, options.name ?? "the handler's model");
    const opened = await openSource(source, options.name);
    try {
      const file = await openModel(opened, options);
      if ("graph" in file) return await named(opened.main.name, () => layersOfGraph(file.graph));
      if ("artifacts" in file) return await named(opened.main.name, () => modelFromArtifacts(file.artifacts));
      const { onProgress } = options;
      const total = opened.main.length / 4;
      const model = buildKeras(file, onProgress && ((count) => onProgress(Math.min(1, count / total))));
      onProgress?.(1);
      return model;
    } finally {
      await opened.close();
    }
  });
}

/** Puts a function's name before the errors that it throws. */
export async function saying<T>(who: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UnsupportedLayerError) {
      throw new UnsupportedLayerError(`${who}: ${error.message}`, error.layerName, error.className);
    }
    if (error instanceof ModelFormatError) {
      throw new ModelFormatError(`${who}: ${error.message}`, { cause: error.cause ?? error });
    }
    throw error;
  }
}

/** A file that was opened, and those beside it. */
export interface OpenedSource {
  readonly main: ByteSource;
  /** The file at a path relative to the main one; null where there is none. */
  sibling(path: string): Promise<ByteSource | null>;
  close(): Promise<void>;
}

type TfjsFile = { readonly artifacts: LayersModelArtifacts };
type GraphFile = { readonly graph: GraphArtifacts };

/** Opens a file, whatever it is. */
export async function openModel(
  opened: OpenedSource,
  options: LoadModelOptions,
): Promise<KerasFile | TfjsFile | GraphFile> {
  const { main } = opened;
  const { bytes: head } = await main.read(0, Math.min(8, main.length));
  if (isHdf5(head)) return openKerasHdf5(main, null);
  if (head[0] === 0x50 && head[1] === 0x4b) return openKerasArchive(main);
  const [first] = new TextDecoder().decode(head).trimStart();
  if (first !== "{" && first !== "[") {
    throw new ModelFormatError(
      `${main.name}: expected a .keras archive, an HDF5 file or JSON, got ` +
        (main.length === 0
          ? "an empty file"
          : `a file that begins with ${[...head].map((b) => b.toString(16).padStart(2, "0")).join(" ")}`),
    );
  }
  const json = parseJson(new TextDecoder().decode((await readAll(main)).bytes), main.name);
  if (isModelConfig(json)) return withWeightsBeside(opened, json, options);
  return readTfjs(opened, json);
}

/** A model's JSON as `model.to_json()` writes it, and the weights that are given or lie beside it. */
async function withWeightsBeside(
  opened: OpenedSource,
  json: Json,
  options: LoadModelOptions,
): Promise<KerasFile> {
  const stem = opened.main.name.replace(/^.*[\\/]/, "").replace(/\.json$/i, "");
  const given = options.weights === undefined ? null : await openSource(options.weights, undefined);
  try {
    let weights = given?.main ?? null;
    for (const ending of [".weights.h5", ".h5", ".hdf5"]) weights ??= await opened.sibling(stem + ending);
    if (weights === null) {
      throw new ModelFormatError(
        `${opened.main.name}: holds a model's configuration, and not its weights; expected them as the option weights, ` +
          `or beside it in ${stem}.weights.h5 or ${stem}.h5`,
      );
    }
    return await openKerasHdf5(weights, json);
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

async function readTfjs(opened: OpenedSource, json: Json): Promise<TfjsFile | GraphFile> {
  const { name } = opened.main;
  if (!isRecord(json) || !isRecord(json.modelTopology)) {
    throw new ModelFormatError(
      `${name}: expected the JSON of a TensorFlow.js or Keras model, with modelTopology or class_name; its keys are ` +
        `${(isRecord(json) ? Object.keys(json) : []).slice(0, 8).join(", ") || "none"}`,
    );
  }
  const { modelTopology, signature, userDefinedMetadata } = json;
  const weights = await readWeights(opened, json);
  if (isGraph(modelTopology)) return { graph: { modelTopology, signature, userDefinedMetadata, ...weights } };
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

/** A graph model as a layers model, which disposes it. */
async function layersOfGraph(artifacts: GraphArtifacts): Promise<tf.LayersModel> {
  const graph = await graphFromArtifacts(artifacts);
  try {
    return asLayersModel(graph, { owned: true });
  } catch (error) {
    graph.dispose();
    if (!(error instanceof GraphError)) throw error;
    throw new ModelFormatError(`${error.message}; loadGraphModel opens it`, { cause: error });
  }
}

/** The weights that a model.json names, from the files beside it. */
async function readWeights(
  opened: OpenedSource,
  json: JsonRecord,
): Promise<Pick<LayersModelArtifacts, "weightSpecs" | "weightData">> {
  const { name } = opened.main;
  const groups = json.weightsManifest;
  if (!isGroups(groups)) {
    throw new ModelFormatError(
      `${name}: expected weightsManifest to be a list of { paths, weights }, each weight with name, shape and dtype`,
    );
  }
  const parts: Uint8Array[] = [];
  for (const { paths, weights } of groups) {
    const files = await Promise.all(
      paths.map(async (path) => {
        const file = await opened.sibling(path);
        if (file === null) throw new ModelFormatError(`${name}: the weights file ${path} does not exist`);
        return (await readAll(file)).bytes;
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

async function fromHandler(handler: tf.io.IOHandler, name: string): Promise<tf.LayersModel> {
  if (handler.load === undefined) throw new ArgumentError("loadModel: the handler given has no load method");
  const {
    modelTopology,
    signature,
    weightSpecs = [],
    weightData,
    userDefinedMetadata,
  } = await handler.load();
  if (!isRecord(modelTopology))
    throw new ModelFormatError(`${name}: expected a modelTopology that is an object`);
  const data = Array.isArray(weightData)
    ? await new Blob(weightData).arrayBuffer()
    : (weightData ?? new ArrayBuffer(0));
  const artifacts = {
    modelTopology: structuredClone(modelTopology as JsonRecord),
    weightSpecs,
    weightData: data,
    ...(userDefinedMetadata && { userDefinedMetadata: userDefinedMetadata as Record<string, object> }),
  };
  return named(name, () =>
    isGraph(artifacts.modelTopology)
      ? layersOfGraph({ ...artifacts, signature })
      : modelFromArtifacts(artifacts),
  );
}

/** Puts a file's name before the errors of what is made of it. */
export async function named<T>(name: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ModelFormatError)) throw error;
    throw new ModelFormatError(`${name}: ${error.message}`, { cause: error });
  }
}

function isHandler(source: ModelSource): source is tf.io.IOHandler {
  return typeof source === "object" && "load" in source && typeof source.load === "function";
}

/** Opens what a caller gave. */
export async function openSource(
  source: Exclude<ModelSource, tf.io.IOHandler>,
  name: string | undefined,
): Promise<OpenedSource> {
  const alone = (main: ByteSource): OpenedSource => ({
    main,
    sibling: async () => null,
    close: async () => {},
  });
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
    const own = bytes.buffer instanceof ArrayBuffer;
    const plain = own ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
    return alone(bytesSource(plain, name ?? "the bytes given", !own));
  }
  if (source instanceof Blob) {
    return alone(blobSource(source, name ?? ("name" in source ? String(source.name) : "the Blob given")));
  }
  if (Array.isArray(source)) return fromFiles(source as readonly File[], name);
  const text = String(source);
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new ArgumentError(
      `loadModel: expected a path, URL, bytes, Blob, files or handler, got ${source === null ? "null" : typeof source}`,
    );
  }
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(text);
  if (hasFileSystem && (!isUrl || text.startsWith("file:")))
    return fromDisk(isUrl ? new URL(text) : text, name);
  return fromUrl(new URL(text, baseUrl()), name);
}

async function fromFiles(files: readonly File[], name: string | undefined): Promise<OpenedSource> {
  const main = files.length === 1 ? files[0] : files.find((file) => /\.(json|keras)$/i.test(file.name));
  if (main === undefined) {
    throw new ArgumentError(
      `loadModel: expected one file, or a model.json with its weights, got ${files.map((file) => file.name).join(", ") || "no file"}`,
    );
  }
  return {
    main: blobSource(main, name ?? main.name),
    sibling: async (path) => {
      const file = files.find((other) => other.name === path.replace(/^.*\//, ""));
      return file === undefined ? null : blobSource(file, file.name);
    },
    close: async () => {},
  };
}

async function fromDisk(path: string | URL, name: string | undefined): Promise<OpenedSource> {
  const closers: (() => Promise<void>)[] = [];
  const open = async (at: string | URL, shown: string): Promise<ByteSource | null> => {
    const file = await openFile(at).catch((error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT";
      throw new ModelFormatError(
        `${shown} ${missing ? "does not exist" : `cannot be read: ${error.message}`}`,
        { cause: error },
      );
    });
    if (file === null) return null;
    closers.push(() => file.close());
    return {
      name: shown,
      length: file.size,
      read: async (offset, length) => ({ bytes: await file.read(offset, length), owned: true }),
    };
  };
  const close = async () => {
    await Promise.all(closers.map((closer) => closer()));
  };
  const join = (base: string | URL, part: string): string | URL => {
    if (base instanceof URL)
      return new URL(part.split("/").map(encodeURIComponent).join("/"), `${base.href}/`);
    return `${base}/${part}`;
  };
  try {
    let at = path;
    let main = await open(path, name ?? String(path));
    if (main === null) {
      at = join(path, "model.json");
      main = await open(at, String(at));
    }
    if (main === null) throw new ModelFormatError(`${String(at)}: is a folder`);
    const folder =
      at instanceof URL ? new URL(".", at).href.replace(/\/$/, "") : at.replace(/[^\\/]*$/, "") || ".";
    return {
      main,
      close,
      sibling: (part) => {
        const there =
          at instanceof URL ? join(new URL(folder), part) : join(folder.replace(/[\\/]$/, "") || "/", part);
        return open(there, String(there)).catch((error: unknown) => {
          if (error instanceof ModelFormatError && error.message.endsWith("does not exist")) return null;
          throw error;
        });
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function fromUrl(url: URL, name: string | undefined): Promise<OpenedSource> {
  const get = async (at: URL): Promise<ByteSource | null> => {
    const response = await fetch(at).catch((error: unknown) => {
      throw new ModelFormatError(`${at.href}: cannot be fetched: ${(error as Error).message}`, {
        cause: error,
      });
    });
    if (response.status === 404) return null;
    if (!response.ok)
      throw new ModelFormatError(`${at.href}: cannot be fetched: HTTP status ${response.status}`);
    return bytesSource(new Uint8Array(await response.arrayBuffer()), name ?? at.href, true);
  };
  const main = await get(url);
  if (main === null) throw new ModelFormatError(`${url.href} does not exist (HTTP status 404)`);
  return { main, sibling: (path) => get(new URL(path, url)), close: async () => {} };
}
