import type * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { describe } from "../layers/describe.js";
import { isContainer, type Layer } from "../layers/internals.js";
import { graphOf } from "./checkModel.js";

/**
 * All layers of a model, depth first: nested models' layers after the nested model itself. Each once, however often it is
 * used.
 *
 * @throws ArgumentError for what is no layers model, GraphError for one that was never built, DisposedError
 * @source iNNvestigate utils.keras.graph.get_model_layers (which never opens nested models)
 * @example getModelLayers(model).filter(isConvLayer)
 */
export function getModelLayers(model: tf.LayersModel): Layer[] {
  return layersOf("getModelLayers", model);
}

function layersOf(who: string, model: tf.LayersModel): Layer[] {
  graphOf(who, model);
  return [...collect(model, new Set())];
}

function collect(model: tf.LayersModel, layers: Set<Layer>): Set<Layer> {
  for (const layer of model.layers) {
    if (layers.has(layer)) continue;
    layers.add(layer);
    if (isContainer(layer)) collect(layer as unknown as tf.LayersModel, layers);
  }
  return layers;
}

/** Says of a layer whether it is one that is looked for. */
export type LayerCondition = (layer: Layer) => boolean;

/**
 * The layers of a model, nested ones included, for which a condition holds, or how many; for a list of conditions, a list
 * of those.
 *
 * @throws as `getModelLayers`
 * @source iNNvestigate utils.keras.graph.model_contains
 * @example const [convolutions, pools] = modelContains(model, [isConvLayer, isMaxPooling], { returnOnlyCounts: true });
 */
export function modelContains(
  model: tf.LayersModel,
  condition: LayerCondition,
  options: { returnOnlyCounts: true },
): number;
export function modelContains(
  model: tf.LayersModel,
  conditions: readonly LayerCondition[],
  options: { returnOnlyCounts: true },
): number[];
export function modelContains(
  model: tf.LayersModel,
  condition: LayerCondition,
  options?: { returnOnlyCounts?: false },
): Layer[];
export function modelContains(
  model: tf.LayersModel,
  conditions: readonly LayerCondition[],
  options?: { returnOnlyCounts?: false },
): Layer[][];
export function modelContains(
  model: tf.LayersModel,
  condition: LayerCondition | readonly LayerCondition[],
  { returnOnlyCounts = false }: { returnOnlyCounts?: boolean } = {},
): Layer[] | Layer[][] | number | number[] {
  for (const holds of [condition].flat()) {
    if (typeof holds !== "function")
      throw new ArgumentError(`modelContains: expected conditions to be functions, got ${describe(holds)}`);
  }
  const layers = layersOf("modelContains", model);
  const found = [condition].flat().map((holds) => layers.filter((layer) => holds(layer)));
  const results = returnOnlyCounts ? found.map((some) => some.length) : found;
  return (Array.isArray(condition) ? results : results[0]) as Layer[] | Layer[][] | number | number[];
}
