import type * as tf from "@tensorflow/tfjs";
import { batchNorm } from "./batchNorm.js";
import { bounds } from "./bounds.js";
import { broadcasts } from "./broadcasts.js";
import { comparisons } from "./comparisons.js";
import { convolutions } from "./convolutions.js";
import { einsum } from "./einsum.js";
import { extrema } from "./extrema.js";
import { indexing } from "./indexing.js";
import { kinks } from "./kinks.js";
import { shapes } from "./shapes.js";
import { stridedSlice } from "./stridedSlice.js";
import { volumes } from "./volumes.js";

export { registerGradients, restoreGradients } from "./registry.js";

/** The gradients that tfjs lacks or takes otherwise than TensorFlow. They hold on all backends, as tfjs keeps one for all. */
export const gradients: readonly tf.GradConfig[] = [
  ...indexing,
  ...shapes,
  ...broadcasts,
  ...bounds,
  ...kinks,
  ...extrema,
  ...comparisons,
  ...convolutions,
  ...volumes,
  stridedSlice,
  batchNorm,
  einsum,
];
