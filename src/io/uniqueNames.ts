import type * as tf from "@tensorflow/tfjs";
import { isContainer, type Layer } from "../layers/internals.js";
import { isRecord } from "./keras/checks.js";

/**
 * A model's artifacts with another name for every layer of a nested model whose name an earlier layer has. TensorFlow.js
 * finds weights by their layers' names, and refuses to load two of one name.
 */
export function withUniqueNames(
  model: tf.LayersModel,
  artifacts: tf.io.ModelArtifacts,
): tf.io.ModelArtifacts {
  const names = new Map<Layer, string>();
  const taken = new Set<string>();
  const walk = (container: Layer, path: string) => {
    for (const layer of (container as unknown as { layers: Layer[] }).layers) {
      if (names.has(layer)) continue;
      let name = layer.name;
      if (taken.has(name)) {
        name = `${path}_${layer.name}`;
        for (let n = 1; taken.has(name); n++) name = `${path}_${layer.name}_${n}`;
      }
      taken.add(name);
      names.set(layer, name);
      if (isContainer(layer)) walk(layer, layer.name);
    }
  };
  walk(model, model.name);
  if ([...names].every(([layer, name]) => layer.name === name)) return artifacts;

  const owners = new Map<unknown, Layer>();
  for (const layer of names.keys()) {
    if (!isContainer(layer)) for (const variable of layer.weights) owners.set(variable, layer);
  }
  // The artifacts' weights are in the order of the model's.
  const weightSpecs = artifacts.weightSpecs?.map((spec, i) => {
    const layer = owners.get(model.weights[i]);
    const name = layer === undefined ? undefined : names.get(layer);
    if (layer === undefined || name === undefined || name === layer.name) return spec;
    return { ...spec, name: name + spec.name.slice(layer.name.length) };
  });
  const modelTopology = structuredClone(artifacts.modelTopology) as { model_config?: unknown };
  rename(model, modelTopology.model_config ?? modelTopology, names);
  return { ...artifacts, modelTopology, ...(weightSpecs && { weightSpecs }) };
}

/** Renames the layers of a model in its JSON, which lists them in the model's order. */
function rename(container: Layer, json: unknown, names: ReadonlyMap<Layer, string>): void {
  if (!isRecord(json) || !isRecord(json.config)) return;
  const { config } = json;
  const layers = (container as unknown as { layers: Layer[] }).layers;
  const renamed = new Map(layers.map((layer) => [layer.name, names.get(layer) as string]));
  const entries = Array.isArray(config.layers) ? config.layers : [];
  for (const [i, entry] of entries.entries()) {
    const layer = layers[i] as Layer;
    if (!isRecord(entry)) continue;
    const name = names.get(layer) as string;
    if (typeof entry.name === "string") entry.name = name;
    if (isRecord(entry.config)) entry.config.name = name;
    if (isContainer(layer)) rename(layer, entry, names);
    if (Array.isArray(entry.inbound_nodes)) renameRefs(entry.inbound_nodes, renamed);
  }
  for (const key of ["input_layers", "output_layers"]) {
    const refs = config[key];
    if (Array.isArray(refs)) renameRefs(refs, renamed);
  }
}

/** Triples that begin with a layer's name, in lists of any depth. */
function renameRefs(value: unknown[], renamed: ReadonlyMap<string, string>): void {
  const [name, call] = value;
  if (typeof name === "string" && typeof call === "number") {
    value[0] = renamed.get(name) ?? name;
    return;
  }
  for (const inner of value) if (Array.isArray(inner)) renameRefs(inner, renamed);
}
