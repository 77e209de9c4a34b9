import type * as tf from "@tensorflow/tfjs";
import { UnsupportedLayerError } from "../errors.js";
import { isRecord, type JsonRecord } from "./keras/checks.js";
import { type ConvertContext, convertLayer } from "./keras/convertLayer.js";
import { classNameOf, type ModelSpec } from "./keras/modelSpec.js";
import { unsupportedOperation } from "./keras/operationSpec.js";
import type { ModelWeights } from "./keras/weights.js";
import { type LoadModelOptions, type ModelSource, openModel, openSource, saying } from "./loadModel.js";

export interface InspectedLayer {
  /** The layer's name, after those of the nested models around it: `encoder/conv`. */
  readonly path: string;
  readonly className: string;
  /** Shapes of its weights, in their order. */
  readonly weights: readonly (readonly number[])[];
  /** Why it cannot be opened; null where it can, or where only building it would tell. */
  readonly unsupported: string | null;
}

export interface InspectedModel {
  /** What the file is, in words. */
  readonly format: string;
  /** Of Keras, as the file has it. */
  readonly version: string | null;
  readonly name: string;
  readonly layers: readonly InspectedLayer[];
  /** Numbers in all weights. */
  readonly parameters: number;
}

/**
 * What is in a model's file, without building it: no tensor is made, and no backend is needed. It says of every layer that
 * cannot be opened why, where `loadModel` stops at the first.
 *
 * @throws ModelFormatError for what is no model, or damaged
 * @example (await inspectModel("in.keras")).layers.filter((layer) => layer.unsupported)
 */
export async function inspectModel(
  source: Exclude<ModelSource, tf.io.IOHandler>,
  options: LoadModelOptions = {},
): Promise<InspectedModel> {
  return saying("inspectModel", async () => {
    const opened = await openSource(source, options.name);
    try {
      const file = await openModel(opened, options);
      if ("artifacts" in file)
        return fromTopology(file.artifacts.modelTopology as JsonRecord, file.artifacts.weightSpecs);
      const { format, version, spec, weights, keras } = file;
      const layers = inspected(spec, weights, "", { keras, version: `Keras ${version ?? keras}` });
      return { format, version, name: spec.name, layers, parameters: sizeOf(layers) };
    } finally {
      await opened.close();
    }
  });
}

function sizeOf(layers: readonly InspectedLayer[]): number {
  return layers
    .flatMap(({ weights }) => weights)
    .reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

function inspected(
  spec: ModelSpec,
  weights: ModelWeights,
  prefix: string,
  version: Pick<ConvertContext, "keras" | "version">,
): InspectedLayer[] {
  return spec.layers.flatMap((layer): InspectedLayer[] => {
    const path = prefix + layer.name;
    if (layer.model !== null) return inspected(layer.model, weights.inside(layer), `${path}/`, version);
    const { className } = layer;
    const unsupported =
      layer.kind === "operation"
        ? unsupportedOperation(layer)
        : whyNot(className, layer.name, layer.config, version);
    const shapes = layer.kind === "layer" ? weights.of(layer).map(({ shape }) => shape) : [];
    return [{ path, className, weights: shapes, unsupported }];
  });
}

function whyNot(
  className: string,
  name: string,
  config: JsonRecord,
  version: Pick<ConvertContext, "keras" | "version">,
): string | null {
  if (className === "InputLayer") return null;
  if (className === "Bidirectional" || className === "TimeDistributed") {
    const inner = config.layer;
    if (!isRecord(inner) || !isRecord(inner.config)) return "it holds no layer";
    return whyNot(classNameOf(inner, name), name, inner.config, version);
  }
  const context = {
    ...version,
    callOptions: {},
    roles: [],
    rank: null,
    inputShape: null,
    isolated: false,
    masked: false,
    wrapped: false,
  };
  try {
    convertLayer(className, name, config, context);
    return null;
  } catch (error) {
    if (!(error instanceof UnsupportedLayerError)) throw error;
    return error.message.replace(/^layer [^:]*: /, "");
  }
}

/** A model of TensorFlow.js; of its layers nothing is known before they are built. */
function fromTopology(topology: JsonRecord, specs: readonly tf.io.WeightsManifestEntry[]): InspectedModel {
  const model = isRecord(topology.model_config) ? topology.model_config : topology;
  const config = isRecord(model.config) ? model.config : {};
  const entries = (Array.isArray(model.config) ? model.config : config.layers) ?? [];
  const layers = (Array.isArray(entries) ? entries : []).filter(isRecord).map((entry): InspectedLayer => {
    const own = isRecord(entry.config) ? entry.config : {};
    const path = String(entry.name ?? own.name);
    const weights = specs.filter((spec) => spec.name.startsWith(`${path}/`)).map(({ shape }) => shape);
    return { path, className: String(entry.class_name), weights, unsupported: null };
  });
  const version = typeof topology.keras_version === "string" ? topology.keras_version : null;
  const parameters = specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return {
    format: "TensorFlow.js layers model",
    version,
    name: String(config.name ?? "model"),
    layers,
    parameters,
  };
}
