import * as tf from "@tensorflow/tfjs";
import { fakeKerasLayer } from "../graph/fakeKerasLayer.js";
import type { Layer } from "../layers/internals.js";

/** Applies a layer to tensors of which at least one is symbolic: the others become constants of the model. */
export function applySymbolic(
  layer: Layer,
  operands: readonly (tf.Tensor | tf.SymbolicTensor)[],
): tf.SymbolicTensor[] {
  const anchor = operands.find((operand) => operand instanceof tf.SymbolicTensor) as tf.SymbolicTensor;
  const inputs = fakeKerasLayer(anchor, [...operands]);
  return [
    layer.apply(inputs.length === 1 ? (inputs[0] as tf.SymbolicTensor) : inputs),
  ].flat() as tf.SymbolicTensor[];
}

export function isSymbolic(x: unknown): x is tf.SymbolicTensor {
  return x instanceof tf.SymbolicTensor;
}
