import type * as tf from "@tensorflow/tfjs";
import { activationOf, isActivationLayer } from "../checks/activations.js";
import { type Container, isContainer, isRecurrent, type Layer, sourceOf } from "../layers/internals.js";
import type { OutputSource } from "./rebuildModel.js";

/**
 * For each output of a model the tensor before its activation, or the output itself where it has none. Looks into nested
 * models. A recurrent layer's activation works on its states too, and stays.
 *
 * @param wanted which activation (`"softmax"`); null: any
 */
export function beforeOutputActivation(wanted: string | null): (model: Container) => OutputSource[] {
  return (model) => model.outputs.map((tensor) => beforeActivation(tensor, wanted));
}

export function beforeActivation(tensor: tf.SymbolicTensor, wanted: string | null): OutputSource {
  const { layer, node } = sourceOf(tensor);
  if (isContainer(layer)) {
    const inner = layer.outputs?.[node.outputTensors.indexOf(tensor)];
    return inner !== undefined && isChanged(inner, beforeActivation(inner, wanted))
      ? { tensor, nested: beforeOutputActivation(wanted) }
      : { tensor };
  }
  if (!endsIn(layer, wanted)) return { tensor };
  return isActivationLayer(layer)
    ? { tensor: node.inputTensors[0] as tf.SymbolicTensor }
    : { tensor, withoutActivation: true };
}

/** Whether what a tensor is replaced by is something else than the tensor. */
export function isChanged(tensor: tf.SymbolicTensor, source: OutputSource): boolean {
  return source.tensor !== tensor || source.withoutActivation === true || source.nested !== undefined;
}

function endsIn(layer: Layer, wanted: string | null): boolean {
  const activation = activationOf(layer);
  if (activation === null || activation === "linear" || isRecurrent(layer)) return false;
  return wanted === null || activation === wanted;
}

/** `"probabilities" (Dense), "value" (Dense)`: the layers that tensors come from, for messages. */
export function sourcesOf(tensors: readonly tf.SymbolicTensor[]): string {
  return tensors
    .map((tensor) => sourceOf(tensor).layer)
    .map((layer) => `"${layer.name}" (${layer.getClassName()})`)
    .join(", ");
}
