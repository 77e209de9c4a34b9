import { callsOfLayer, callsWithLayerAsInput, type Layer } from "../layers/internals.js";
import { checkLayer } from "./checkModel.js";

/**
 * How often a layer was called on symbolic tensors: its inbound nodes. An InputLayer, and a model as a layer, have one
 * from the start.
 *
 * @source iNNvestigate utils.keras.graph.get_layer_inbound_count
 * @example getLayerInboundCount(sharedLayer)  // 2
 */
export function getLayerInboundCount(layer: Layer): number {
  checkLayer("getLayerInboundCount", layer);
  return callsOfLayer(layer).length;
}

/**
 * How many calls of layers use an output of a layer: its outbound nodes. A call that takes it twice is one.
 *
 * @source iNNvestigate utils.keras.graph.get_layer_outbound_count
 * @example getLayerOutboundCount(layer)
 */
export function getLayerOutboundCount(layer: Layer): number {
  checkLayer("getLayerOutboundCount", layer);
  return new Set(callsWithLayerAsInput(layer)).size;
}
