import * as tf from "@tensorflow/tfjs";
import { classOf, getKnownLayers, isOwnLayer } from "./checks/knownLayers.js";
import { ArgumentError, DisposedError } from "./errors.js";
import { describe } from "./layers/describe.js";
import { isContainer, isDisposed, isRecurrent, type Layer } from "./layers/internals.js";

/** What a layer takes. */
export type LayerInput = tf.Tensor | tf.SymbolicTensor;

/** Known layers, besides models and recurrent ones (initial states), that take several tensors. */
const MERGE_LAYERS = ["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"];

/**
 * Applies a layer to one tensor or to a list, whichever it expects, and gives a list of its outputs. For when one does not
 * know whether a layer takes one tensor or many, and gives one or many.
 *
 * @param inputs tensors, or symbolic tensors, one or a list; a list of one is that one
 * @returns the outputs, of the kind of the inputs, always a list
 * @throws ArgumentError for several tensors for a layer that takes one, one for a layer that merges, for another number
 *   than a model has inputs, for none, and for a mixture of tensors and symbolic tensors; DisposedError
 * @source iNNvestigate utils.keras.apply (which slices a bare tensor)
 * @example const [y] = apply(layer, x);
 */
export function apply<T extends LayerInput>(layer: Layer, inputs: T | T[]): T[] {
  if (!(layer instanceof tf.layers.Layer))
    throw new ArgumentError(`apply: expected a layer, got ${describe(layer)}`);
  if (isDisposed(layer))
    throw new DisposedError(`apply: layer "${layer.name}" (${layer.getClassName()}) is disposed`);
  const xs = Array.isArray(inputs) ? inputs : [inputs];
  const named = `layer "${layer.name}" (${layer.getClassName()})`;
  const symbolic = xs.filter((x) => x instanceof tf.SymbolicTensor).length;
  if (xs.length === 0) throw new ArgumentError(`apply: expected at least one tensor for ${named}, got none`);
  for (const x of xs) {
    if (!(x instanceof tf.SymbolicTensor || x instanceof tf.Tensor))
      throw new ArgumentError(`apply: expected tensors for ${named}, got ${describe(x)}`);
  }
  if (symbolic !== 0 && symbolic !== xs.length) {
    throw new ArgumentError(
      `apply: expected tensors or symbolic tensors for ${named}, got ${xs.length - symbolic} of the one and ${symbolic} of the other`,
    );
  }
  const takes = inputCount(layer);
  if (takes !== null && takes !== xs.length) {
    throw new ArgumentError(
      `apply: ${named} takes ${takes === 1 ? "a single tensor" : `${takes} tensors`}, got ${xs.length}`,
    );
  }
  if (xs.length === 1 && MERGE_LAYERS.includes(classOf(layer)))
    throw new ArgumentError(`apply: ${named} takes at least two tensors, got 1`);
  const ys = layer.apply((xs.length === 1 ? xs[0] : xs) as tf.Tensor | tf.Tensor[]);
  return (Array.isArray(ys) ? ys : [ys]) as T[];
}

/** How many tensors a layer takes; null where that is not fixed, or not known. */
function inputCount(layer: Layer): number | null {
  if (isContainer(layer)) return layer.inputs?.length ?? null;
  const { inputSpec } = layer as unknown as { inputSpec: unknown[] | null };
  if (isRecurrent(layer) || isOwnLayer(layer) || MERGE_LAYERS.includes(classOf(layer))) return null;
  return getKnownLayers().includes(classOf(layer)) ? 1 : (inputSpec?.length ?? null);
}
