import type * as tf from "@tensorflow/tfjs";
import { callsOfLayer, type Layer, type LayerNode, sourceOf } from "../layers/internals.js";
import { classOf } from "./knownLayers.js";

const RESHAPE_LAYERS = ["Flatten", "Permute", "Reshape", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"];

/**
 * Whether a layer is one of the first of its network: all inputs of all its calls come from InputLayers. An InputLayer
 * itself is; a layer that was never called is not.
 *
 * @param ignoreReshapeLayers look through Flatten, Permute, Reshape and ZeroPadding on the way
 * @source iNNvestigate utils.keras.checks.is_input_layer (which never ends where it may not look through and there is one)
 * @example model.layers.filter((layer) => isInputLayer(layer))
 */
export function isInputLayer(layer: Layer, ignoreReshapeLayers = true): boolean {
  const isInput = (x: tf.SymbolicTensor): boolean => {
    const source = sourceOf(x);
    if (classOf(source.layer) === "InputLayer") return true;
    return ignoreReshapeLayers && RESHAPE_LAYERS.includes(classOf(source.layer)) && fedByInputs(source.node);
  };
  const fedByInputs = (call: LayerNode): boolean => call.inputTensors.every(isInput);
  const calls = callsOfLayer(layer);
  return classOf(layer) === "InputLayer" || (calls.length > 0 && calls.every(fedByInputs));
}

/**
 * Whether a layer is the model's layer at an index, as `model.layers` counts; a negative index counts from the end. False
 * for an index that the model does not have.
 *
 * @source iNNvestigate utils.keras.checks.is_layer_at_idx
 * @example isLayerAtIdx(model, layer, -1)
 */
export function isLayerAtIdx(model: tf.LayersModel, layer: Layer, index: number): boolean {
  return Number.isInteger(index) && model.layers.at(index) === layer;
}
