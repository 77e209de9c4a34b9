import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";

/** What a value is, for an error's `got ...`: `null`, `"conv1"`, `a tensor of shape [2, 3]`, `the layer "conv1" (Conv2D)`. */
export function describe(value: unknown): string {
  if (value instanceof tf.GraphModel) return "a tf.GraphModel, whose operations are no layers";
  if (value instanceof tf.layers.Layer) return `the layer "${value.name}" (${value.getClassName()})`;
  if (value instanceof tf.SymbolicTensor) return `the symbolic tensor "${value.name}"`;
  if (value instanceof tf.Tensor) return `a tensor of shape ${show(value.shape)}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null
    ? `an object of ${value.constructor?.name ?? "no class"}`
    : String(value);
}
