export { containsActivation, onlyReluActivation } from "./activations.js";
export {
  containsBias,
  containsKernel,
  isAddLayer,
  isAveragePooling,
  isBatchNormalizationLayer,
  isConvLayer,
  isDenseLayer,
  isEmbeddingLayer,
  isMaxPooling,
  isNetwork,
} from "./classes.js";
export { isConvnetLayer, isReluConvnetLayer } from "./convnet.js";
export { isInputLayer, isLayerAtIdx } from "./inputLayers.js";
export { getActivationSearchSafeLayers, getKnownLayers } from "./knownLayers.js";
