/**
 * What Keras's bare operations do, by class name (https://keras.io/api/ops/, Keras 3.15), and TensorFlow's functions in models
 * of Keras 2, by `tf.` and their names; all by their arguments' names. What
 * is not here, and an argument that is not named here, is refused by name when a model is opened.
 */
import { elementwise } from "./operations/elementwise.js";
import { fourier } from "./operations/fourier.js";
import { images } from "./operations/images.js";
import { products } from "./operations/products.js";
import { reductions } from "./operations/reductions.js";
import type { OperationRule } from "./operations/rule.js";
import { shaping } from "./operations/shaping.js";
import { tensorflowFunctions } from "./operations/tensorflow.js";

export const operations: Readonly<Record<string, OperationRule>> = {
  ...elementwise,
  ...reductions,
  ...shaping,
  ...products,
  ...images,
  ...fourier,
  ...tensorflowFunctions,
};
