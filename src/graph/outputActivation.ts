import type * as tf from "@tensorflow/tfjs";
import { activationOf, isActivationLayer } from "../checks/activations.js";
import {
  type Container,
  isContainer,
  isRecurrent,
  type Layer,
  type LayerNode,
  sourceOf,
  wrappedModel,
} from "../layers/internals.js";
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
  if (handsOn(layer, node)) {
    const x = node.inputTensors[0] as tf.SymbolicTensor;
    const through = beforeActivation(x, "softmax");
    return isChanged(x, through) ? { tensor, through } : { tensor };
  }
  const [y] = wrappedModel(layer)?.outputs ?? [];
  const ends = y === undefined ? endsIn(layer, wanted) : isChanged(y, beforeActivation(y, wanted));
  if (!ends) return { tensor };
  return isActivationLayer(layer)
    ? { tensor: node.inputTensors[0] as tf.SymbolicTensor }
    : { tensor, withoutActivation: true };
}

/** Whether what a tensor is replaced by is something else than the tensor. */
export function isChanged(tensor: tf.SymbolicTensor, source: OutputSource): boolean {
  return (
    source.tensor !== tensor ||
    source.withoutActivation === true ||
    source.nested !== undefined ||
    source.through !== undefined
  );
}

/** Layers that give in inference what they are given. */
const INERT = [
  "ActivityRegularization",
  "AlphaDropout",
  "Dropout",
  "GaussianDropout",
  "GaussianNoise",
  "SpatialDropout1D",
];

/**
 * Whether a softmax before a layer is a softmax of its output, too: where it only hands values on, or lays them in another
 * shape with the same rows. (The layers model of MobileNet v1 ends in a softmax and a Reshape.)
 */
function handsOn(layer: Layer, { inputTensors: [x], outputTensors: [y] }: LayerNode): boolean {
  const className = layer.getClassName();
  if (INERT.includes(className)) return true;
  const [from, to] = [x?.shape.at(-1), y?.shape.at(-1)];
  return (className === "Reshape" || className === "Flatten") && from === to && from != null;
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
