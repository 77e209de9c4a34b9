import * as tf from "@tensorflow/tfjs";
import { gradientOf } from "./registry.js";

/**
 * Comparisons have no slope. Where tfjs has no gradient for one it refuses all that leads through it, tf.divNoNan and every
 * mask among them.
 */
export const comparisons: readonly tf.GradConfig[] = [
  "Equal",
  "NotEqual",
  "Greater",
  "GreaterEqual",
  "Less",
  "LessEqual",
].map((name) =>
  gradientOf(name, { inputsToSave: ["a", "b"] }, (_dy, [a, b]) => ({
    a: () => tf.zeros((a as tf.Tensor).shape),
    b: () => tf.zeros((b as tf.Tensor).shape),
  })),
);
