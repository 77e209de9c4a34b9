import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError } from "../errors.js";
import { describe } from "../layers/describe.js";
import { isContainer, type Layer, sourceOf } from "../layers/internals.js";
import { applied } from "./applied.js";
import { copied } from "./copyLayer.js";
import { discard } from "./newCopy.js";
import { beforeActivation, beforeOutputActivation, isChanged, sourcesOf } from "./outputActivation.js";
import { type OutputSource, rebuildModel } from "./rebuildModel.js";

export interface PreSoftmaxTensorsOptions {
  /** Whether it is an error that no tensor comes from a softmax. Default true. */
  shouldFindSoftmax?: boolean;
}

/**
 * The tensors before a softmax, for symbolic tensors of a model: what a Softmax or Activation layer was given, or the
 * output of a copy without softmax of the layer (or nested model) that has it inside, which shares its weights. Tensors
 * that come from no softmax are passed through.
 *
 * The copies are called on the model's tensors, which tfjs records in the layers before them; `modelWoSoftmax` leaves a
 * model's layers alone.
 *
 * @param xs symbolic tensors, one or a list
 * @returns one tensor for each
 * @throws GraphError where none comes from a softmax and one should, ArgumentError for what is no symbolic tensor,
 *   UnsupportedLayerError for a layer that cannot be copied; the model is as it was then
 * @source iNNvestigate utils.keras.graph.pre_softmax_tensors (which drops tensors without softmax)
 * @example const logits = tf.model({ inputs: model.inputs, outputs: preSoftmaxTensors(model.outputs) });
 */
export function preSoftmaxTensors(
  xs: tf.SymbolicTensor | tf.SymbolicTensor[],
  { shouldFindSoftmax = true }: PreSoftmaxTensorsOptions = {},
): tf.SymbolicTensor[] {
  const who = "preSoftmaxTensors";
  const tensors = [xs].flat();
  for (const x of tensors) {
    if (!(x instanceof tf.SymbolicTensor))
      throw new ArgumentError(`${who}: expected symbolic tensors, got ${describe(x)}`);
  }
  if (tensors.length === 0 && shouldFindSoftmax)
    throw new GraphError(`${who}: expected at least one tensor that comes from a softmax, got none`);
  const sources = tensors.map((x) => beforeActivation(x, "softmax"));
  if (shouldFindSoftmax && !sources.some((source, i) => isChanged(tensors[i] as tf.SymbolicTensor, source))) {
    throw new GraphError(
      `${who}: expected a tensor that comes from a softmax, but they come from ${sourcesOf(tensors)}`,
    );
  }
  const copies = copiesFor(who, sources);
  const made = (source: OutputSource): tf.SymbolicTensor => {
    const { tensor, through } = source;
    if (!isMadeByCopy(source)) return tensor;
    const { node } = sourceOf(tensor);
    const copy = copies.get(keyOf(source)) as Layer;
    const ys = applied(copy, through ? [made(through)] : node.inputTensors, node.callArgs);
    return ys[node.outputTensors.indexOf(tensor)] as tf.SymbolicTensor;
  };
  return sources.map(made);
}

function isMadeByCopy({ withoutActivation, nested, through }: OutputSource): boolean {
  return withoutActivation === true || nested !== undefined || through !== undefined;
}

/** What a copy is made for: a layer without its softmax has one copy, one behind a softmax one for each tensor. */
function keyOf(source: OutputSource): Layer | OutputSource {
  return source.through ? source : sourceOf(source.tensor).layer;
}

/** All copies that are needed, made before any of them is called, which the model's layers record. */
function copiesFor(who: string, sources: readonly OutputSource[]): Map<Layer | OutputSource, Layer> {
  const copies = new Map<Layer | OutputSource, Layer>();
  const add = (source: OutputSource): void => {
    const { tensor, through } = source;
    const key = keyOf(source);
    if (!isMadeByCopy(source) || copies.has(key)) return;
    const { layer } = sourceOf(tensor);
    copies.set(key, through ? copied(who, layer, {}, false) : withoutSoftmax(who, layer));
    if (through) add(through);
  };
  try {
    sources.forEach(add);
  } catch (error) {
    for (const copy of copies.values()) discard(copy);
    throw error;
  }
  return copies;
}

function withoutSoftmax(who: string, layer: Layer): Layer {
  return isContainer(layer)
    ? rebuildModel(who, layer, { outputsOf: beforeOutputActivation("softmax"), name: null })
    : copied(who, layer, {}, true);
}
