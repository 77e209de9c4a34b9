import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError } from "../errors.js";
import { describe } from "../layers/describe.js";
import { isContainer, type Layer, sourceOf } from "../layers/internals.js";
import { applied } from "./applied.js";
import { copyLayer, copyLayerWoActivation } from "./copyLayer.js";
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
 * @throws GraphError where none comes from a softmax and one should, ArgumentError for what is no symbolic tensor
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
  const copies = new Map<Layer, Layer>();
  const made = ({ tensor, withoutActivation, nested, through }: OutputSource): tf.SymbolicTensor => {
    if (!withoutActivation && !nested && !through) return tensor;
    const { layer, node } = sourceOf(tensor);
    if (through) return applied(copyLayer(layer), [made(through)], node.callArgs)[0] as tf.SymbolicTensor;
    const copy = copies.get(layer) ?? withoutSoftmax(who, layer);
    copies.set(layer, copy);
    return applied(copy, node.inputTensors, node.callArgs)[
      node.outputTensors.indexOf(tensor)
    ] as tf.SymbolicTensor;
  };
  return sources.map(made);
}

function withoutSoftmax(who: string, layer: Layer): Layer {
  return isContainer(layer)
    ? rebuildModel(who, layer, { outputsOf: beforeOutputActivation("softmax"), name: null })
    : copyLayerWoActivation(layer);
}
