import * as tf from "@tensorflow/tfjs";
import { GraphError, UnsupportedLayerError } from "../errors.js";
import {
  type Container,
  isContainer,
  type Layer,
  type LayerNode,
  nodesInOrder,
  ownedByOneModel,
  sourceOf,
} from "../layers/internals.js";
import { shareLayer } from "./copyLayer.js";

/** Where an output of the new model comes from: a tensor of the old one, perhaps with the activation of its layer left out. */
export interface OutputSource {
  tensor: tf.SymbolicTensor;
  withoutActivation?: boolean;
  /** The tensor is this output of a nested model, whose own outputs are changed. */
  nested?: (model: Container) => OutputSource[];
}

export interface RebuildOptions {
  /** What the new model's outputs are, in the old model's terms. Default: its outputs. */
  outputsOf?: (model: Container) => OutputSource[];
  /** Default: the old model's name. */
  name?: string;
}

/**
 * A model of the same inputs on copied layers that share their weights with the originals. The original's layers, their
 * recorded calls and their weights stay as they are, also on failure; each of the two models can be disposed first.
 *
 * @throws GraphError for a model that was never built, UnsupportedLayerError for a layer that cannot be copied
 */
export function rebuildModel(model: Container, options: RebuildOptions = {}): tf.LayersModel {
  const releases: (() => void)[] = [];
  try {
    return rebuild(model, options, (release) => releases.push(release));
  } catch (error) {
    for (const release of releases) release();
    throw error;
  }
}

function rebuild(
  model: Container,
  { outputsOf = asItIs, name = model.name }: RebuildOptions,
  onRetain: (release: () => void) => void,
): tf.LayersModel {
  const calls = nodesInOrder(model);
  if (calls === null)
    throw new GraphError(`the model "${model.name}" was never built, so it has no graph to copy`);
  const sources = outputsOf(model);
  const wanted = neededCalls(calls, sources);
  const tensors = new Map<tf.SymbolicTensor, tf.SymbolicTensor>();
  const copies = new Map<Layer, Layer>();
  const mapped = (x: tf.SymbolicTensor) => tensors.get(x) as tf.SymbolicTensor;

  for (const x of model.inputs) tensors.set(x, inputLike(x));
  for (const call of calls) {
    if (!wanted.has(call) || call.outputTensors.every((y) => tensors.has(y))) continue;
    const layer = call.outboundLayer;
    let copy = copies.get(layer);
    if (copy === undefined) {
      copy = isContainer(layer)
        ? rebuild(layer, {}, onRetain)
        : shareLayer(layer, { name: layer.name, onRetain });
      copies.set(layer, copy);
    }
    const ys = applied(copy, call.inputTensors.map(mapped), call);
    checkWeights(layer, copy);
    call.outputTensors.forEach((y, i) => {
      tensors.set(y, ys[i] as tf.SymbolicTensor);
    });
  }
  for (const copy of copies.values()) ownedByOneModel(copy);

  const changed = new Map<LayerNode, tf.SymbolicTensor[]>();
  const outputs = sources.map(({ tensor, withoutActivation, nested }) => {
    if (!withoutActivation && !nested) return mapped(tensor);
    const { layer, node } = sourceOf(tensor);
    let ys = changed.get(node);
    if (ys === undefined) {
      // The layer may stand in the same model as it was, if something else uses it; then the names must differ.
      const own = copies.has(layer) ? uniqueName(`${layer.name}_linear`, copies) : layer.name;
      const copy =
        nested && isContainer(layer)
          ? rebuild(layer, { outputsOf: nested, name: own }, onRetain)
          : shareLayer(layer, { name: own, withoutActivation: true, onRetain });
      ys = applied(copy, node.inputTensors.map(mapped), node);
      changed.set(node, ys);
      ownedByOneModel(copy);
    }
    return ys[node.outputTensors.indexOf(tensor)] as tf.SymbolicTensor;
  });
  return tf.model({ inputs: model.inputs.map(mapped), outputs, name });
}

/** A layer that makes other weights when it is built from its own config would compute something else. */
function checkWeights(layer: Layer, copy: Layer): void {
  if (copy.weights.length === layer.weights.length) return;
  throw new UnsupportedLayerError(
    `layer "${layer.name}" (${layer.getClassName()}) cannot be copied: it has ${layer.weights.length} weights, ` +
      `and made anew from its config ${copy.weights.length}`,
    layer.name,
    layer.getClassName(),
  );
}

function asItIs(model: Container): OutputSource[] {
  return model.outputs.map((tensor) => ({ tensor }));
}

/** The calls that the sources need: those whose output is copied as it is, and all that lead to them. */
function neededCalls(calls: readonly LayerNode[], sources: readonly OutputSource[]): Set<LayerNode> {
  const tensors = new Set(
    sources.flatMap(({ tensor, withoutActivation, nested }) =>
      withoutActivation || nested ? sourceOf(tensor).node.inputTensors : [tensor],
    ),
  );
  const needed = new Set<LayerNode>();
  for (const call of calls.toReversed()) {
    if (!call.outputTensors.some((y) => tensors.has(y))) continue;
    needed.add(call);
    for (const x of call.inputTensors) tensors.add(x);
  }
  return needed;
}

function inputLike(x: tf.SymbolicTensor): tf.SymbolicTensor {
  return tf.input({ batchShape: x.shape, dtype: x.dtype, name: x.sourceLayer.name });
}

function applied(layer: Layer, xs: tf.SymbolicTensor[], { callArgs = {} }: LayerNode): tf.SymbolicTensor[] {
  // Tensors among a call's arguments (an initial state) are recorded among its inputs too.
  const plain = Object.fromEntries(Object.entries(callArgs).filter(([, value]) => !holdsTensors(value)));
  const result = layer.apply(xs.length === 1 ? (xs[0] as tf.SymbolicTensor) : xs, plain) as
    | tf.SymbolicTensor
    | tf.SymbolicTensor[];
  return Array.isArray(result) ? result : [result];
}

function holdsTensors(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsTensors) : value instanceof tf.SymbolicTensor;
}

function uniqueName(name: string, copies: ReadonlyMap<Layer, Layer>): string {
  const taken = new Set([...copies.keys()].map((layer) => layer.name));
  let unique = name;
  for (let i = 1; taken.has(unique); i++) unique = `${name}_${i}`;
  return unique;
}
