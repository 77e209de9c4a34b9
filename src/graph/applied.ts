import * as tf from "@tensorflow/tfjs";
import { forgetStateArguments, isRecurrent, type Layer, type Shape } from "../layers/internals.js";

/**
 * Calls a layer on symbolic tensors as a recorded call did.
 *
 * @param callArgs what the recorded call was given besides tensors. Tensors among it are left out: those of an initial
 *   state are recorded among the call's inputs too, and masks are written there by tfjs when a nested model runs.
 */
export function applied(
  layer: Layer,
  xs: readonly tf.SymbolicTensor[],
  callArgs: Readonly<Record<string, unknown>> = {},
): tf.SymbolicTensor[] {
  const plain = Object.fromEntries(
    Object.entries(callArgs).filter(([name, value]) => name !== "mask" && !holdsTensors(value)),
  );
  const result = layer.apply(xs.length === 1 ? (xs[0] as tf.SymbolicTensor) : [...xs], plain) as
    | tf.SymbolicTensor
    | tf.SymbolicTensor[];
  if (isRecurrent(layer)) forgetStateArguments(layer);
  return Array.isArray(result) ? result : [result];
}

/**
 * The tensors, one that is there twice by way of a linear layer the second time: tfjs 4.22 gives null for the second of two
 * equal outputs of a model, and disposes too early what a layer takes twice and another layer takes, too.
 *
 * @param names of the layers of the model that is made; those of the new ones are added
 */
export function distinct(tensors: readonly tf.SymbolicTensor[], names: Set<string>): tf.SymbolicTensor[] {
  const seen = new Set<tf.SymbolicTensor>();
  return tensors.map((x) => {
    if (!seen.has(x)) {
      seen.add(x);
      return x;
    }
    const name = uniqueName(`${x.sourceLayer.name}_again`, names);
    names.add(name);
    return tf.layers.activation({ activation: "linear", name }).apply(x) as tf.SymbolicTensor;
  });
}

/** The name, with a number where it is taken. */
export function uniqueName(name: string, taken: ReadonlySet<string>): string {
  let unique = name;
  for (let i = 1; taken.has(unique); i++) unique = `${name}_${i}`;
  return unique;
}

/** An input of a new model for a tensor of an old one. */
export function inputLike(x: { shape: Shape; dtype: tf.DataType }, name: string): tf.SymbolicTensor {
  return tf.input({ batchShape: [...x.shape], dtype: x.dtype, name });
}

function holdsTensors(value: unknown): boolean {
  return Array.isArray(value)
    ? value.some(holdsTensors)
    : value instanceof tf.SymbolicTensor || value instanceof tf.Tensor;
}
