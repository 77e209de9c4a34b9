import type * as tf from "@tensorflow/tfjs";
import { GraphError, ModelFormatError, TracelightError } from "../errors.js";
import { asLayersModel } from "../graph/asLayersModel.js";
import { backendReady } from "../kernels/index.js";
import { registerLayers } from "../layers/registerLayers.js";
import { type GraphArtifacts, graphFromArtifacts, isGraph } from "./graphFromArtifacts.js";
import { isRecord, type JsonRecord, shown } from "./keras/checks.js";
import { modelFromArtifacts } from "./modelFromArtifacts.js";
import { type LoadModelOptions, openModel } from "./openModel.js";
import { type ModelSource, openSource } from "./openSource.js";
import { named, reasonOf, saying } from "./saying.js";

/**
 * Opens a model of Keras or TensorFlow.js, whatever its format, which the bytes tell and not the name: `.keras` (Keras 3, and
 * 2.12 on), `.h5` (Keras 2 and 3), TensorFlow.js's model.json with its weights, and a model's JSON with the weights beside it.
 * It is not compiled, and no code in it is run. Layers that TensorFlow.js lacks, or computes otherwise than Keras, become
 * layers of this library; what cannot be opened right is refused. Names that TensorFlow.js does not take are changed:
 * `my input` becomes `my_input`. An input of one number a sample, `[n]`, becomes one of `[n, 1]`; `predict` takes both. A graph
 * model (a converted SavedModel) has operations and no layers: it comes as `asLayersModel` gives it, and is disposed with the
 * model; `traceGraphModel` and `getOpOutputs` look into it.
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
  const { onProgress, signal } = options;
  const { tell, done, rethrown } = telling(onProgress);
  return saying("loadModel", async () => {
    await backendReady();
    signal?.throwIfAborted();
    if (isHandler(source)) return fromHandler(source, options.name ?? "the handler's model");
    const onDownload = (fraction: number) => tell(fraction / 2);
    const opened = await openSource(source, { ...options, onDownload: onProgress && onDownload });
    try {
      signal?.throwIfAborted();
      const file = await openModel(opened, { ...options, onProgress: tell });
      signal?.throwIfAborted();
      if ("graph" in file) return await named(opened.main.name, () => layersOfGraph(file.graph));
      if ("artifacts" in file) return await named(opened.main.name, () => modelFromArtifacts(file.artifacts));
      const { buildKeras } = await import("./keras/openKeras.js");
      const total = opened.main.length / 4;
      const before = done();
      const onWeights = (count: number) => tell(before + (1 - before) * Math.min(1, count / total));
      return buildKeras(file, onProgress && onWeights);
    } finally {
      await opened.close();
    }
  })
    .then((model) => {
      try {
        tell(1);
      } catch (error) {
        model.dispose();
        throw error;
      }
      return model;
    })
    .catch(rethrown);
}

/** Hands on what is done, which never becomes less; what the caller's function throws comes out as it is. */
function telling(onProgress: LoadModelOptions["onProgress"]): {
  tell: (fraction: number) => void;
  done: () => number;
  rethrown: (error: unknown) => never;
} {
  let told = 0;
  let thrown: { error: unknown } | undefined;
  return {
    tell: (fraction) => {
      told = Math.max(told, fraction);
      try {
        onProgress?.(told);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    },
    done: () => told,
    rethrown: (error) => {
      throw thrown === undefined ? error : thrown.error;
    },
  };
}

async function fromHandler(handler: tf.io.IOHandler, name: string): Promise<tf.LayersModel> {
  const {
    modelTopology,
    signature,
    weightSpecs = [],
    weightData,
    userDefinedMetadata,
  } = await loaded(handler, name);
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

/** What a handler gives; what it throws is its own. */
async function loaded(handler: tf.io.IOHandler, name: string): Promise<tf.io.ModelArtifacts> {
  const artifacts: unknown = await handler.load?.();
  if (!isRecord(artifacts))
    throw new ModelFormatError(`${name}: expected a model's artifacts, got ${shown(artifacts)}`);
  return artifacts as unknown as tf.io.ModelArtifacts;
}

function isHandler(source: ModelSource): source is tf.io.IOHandler {
  return (
    typeof source === "object" && source !== null && "load" in source && typeof source.load === "function"
  );
}

/** A graph model as a layers model, which disposes it. */
async function layersOfGraph(artifacts: GraphArtifacts): Promise<tf.LayersModel> {
  const graph = await graphFromArtifacts(artifacts);
  try {
    return asLayersModel(graph, { owned: true });
  } catch (error) {
    graph.dispose();
    if (error instanceof GraphError)
      throw new ModelFormatError(`${error.message}; loadGraphModel opens it`, { cause: error });
    if (error instanceof TracelightError) throw error;
    throw new ModelFormatError(`its operations cannot be run as a layer: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
