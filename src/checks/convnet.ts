import type { Layer } from "../layers/internals.js";
import { onlyReluActivation } from "./activations.js";
import { isPlain } from "./knownLayers.js";

/**
 * True for a layer that a convolutional network may have: one of a known class that is not recurrent, a wrapper, an
 * attention layer or a model.
 *
 * @source iNNvestigate utils.keras.checks.is_convnet_layer (which leaves out ReLU and DepthwiseConv2D)
 * @example model.layers.every(isConvnetLayer)
 */
export function isConvnetLayer(layer: Layer): boolean {
  return isPlain(layer);
}

/**
 * True for a layer of a convolutional network with no activation, linear, or relu.
 *
 * @source iNNvestigate utils.keras.checks.is_relu_convnet_layer (whose activation check lets everything pass)
 * @example model.layers.every(isReluConvnetLayer)
 */
export function isReluConvnetLayer(layer: Layer): boolean {
  return isConvnetLayer(layer) && onlyReluActivation(layer);
}
