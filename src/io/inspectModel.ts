import type * as tf from "@tensorflow/tfjs";
import type { GraphArtifacts } from "./graphFromArtifacts.js";
import { isRecord, type Json, type JsonRecord } from "./keras/checks.js";
import { type LoadModelOptions, openModel } from "./openModel.js";
import { type ModelSource, openSource } from "./openSource.js";
import { saying } from "./saying.js";

export interface InspectedLayer {
  /** The layer's name, after those of the nested models around it: `encoder/conv`. Of a graph model: an operation's. */
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
    const opened = await openSource(source, options);
    try {
      const file = await openModel(opened, options);
      if ("graph" in file) return fromGraph(file.graph);
      if ("artifacts" in file)
        return fromTopology(file.artifacts.modelTopology as JsonRecord, file.artifacts.weightSpecs);
      const { inspected } = await import("./keras/inspected.js");
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

/** A graph model: its operations, each with the weights that it takes. */
function fromGraph({ modelTopology, weightSpecs }: GraphArtifacts): InspectedModel {
  const shapes = new Map(weightSpecs.map(({ name, shape }) => [name, shape]));
  const nodes = (modelTopology.node as Json[]).filter(isRecord);
  const layers = nodes
    .filter(({ name }) => !shapes.has(String(name)))
    .map(({ name, op, input }): InspectedLayer => {
      const taken = (Array.isArray(input) ? input : []).map((from) => shapes.get(String(from)));
      const weights = taken.filter((shape) => shape !== undefined);
      return { path: String(name), className: String(op), weights, unsupported: null };
    });
  const parameters = weightSpecs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return { format: "TensorFlow.js graph model", version: null, name: "graph", layers, parameters };
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
