import type * as tf from "@tensorflow/tfjs";
import { containsActivation, isActivationLayer } from "../checks/activations.js";
import { GraphError } from "../errors.js";
import { type Container, isContainer, sourceOf } from "../layers/internals.js";
import { type OutputSource, rebuildModel } from "./rebuildModel.js";

export interface ModelWoSoftmaxOptions {
  /** Whether a model without a softmax at its end is an error (default) or copied as it is. */
  shouldFindSoftmax?: boolean;
}

/**
 * A copy of a model without the softmax at its end: its outputs are the logits, softmax(copy(x)) = model(x). The softmax
 * may be the activation of the last layer, a layer of its own, or the end of a nested model; outputs without one stay.
 *
 * The copy has the same name, inputs and layer names, and shares the weights: training one trains the other, and each can
 * be disposed first.
 *
 * @throws GraphError where no output ends in a softmax and one should; the model is left as it is
 * @source iNNvestigate utils.keras.graph.model_wo_softmax (which drops outputs without softmax)
 * @example const logits = modelWoSoftmax(model);
 */
export function modelWoSoftmax(
  model: tf.LayersModel,
  { shouldFindSoftmax = true }: ModelWoSoftmaxOptions = {},
): tf.LayersModel {
  const container = model as unknown as Container;
  const sources = preSoftmax(container);
  if (
    shouldFindSoftmax &&
    sources.every((source, i) => source.tensor === container.outputs[i] && !isChanged(source))
  ) {
    const ends = container.outputs.map(
      (y) => `"${sourceOf(y).layer.name}" (${sourceOf(y).layer.getClassName()})`,
    );
    throw new GraphError(
      `modelWoSoftmax: expected model "${model.name}" to end in a softmax, but its output comes from ${ends.join(", ")}`,
    );
  }
  return rebuildModel(container, { outputsOf: preSoftmax });
}

/** For each output the tensor before its softmax, or the output itself where it has none. */
function preSoftmax(model: Container): OutputSource[] {
  return model.outputs.map((tensor) => {
    const { layer, node } = sourceOf(tensor);
    if (isContainer(layer)) {
      const index = node.outputTensors.indexOf(tensor);
      const inner = layer.outputs === undefined ? undefined : preSoftmax(layer)[index];
      return inner && (isChanged(inner) || inner.tensor !== layer.outputs[index])
        ? { tensor, nested: preSoftmax }
        : { tensor };
    }
    if (!containsActivation(layer, "softmax")) return { tensor };
    return isActivationLayer(layer)
      ? { tensor: node.inputTensors[0] as tf.SymbolicTensor }
      : { tensor, withoutActivation: true };
  });
}

function isChanged({ withoutActivation, nested }: OutputSource): boolean {
  return withoutActivation === true || nested !== undefined;
}
