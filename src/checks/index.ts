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
