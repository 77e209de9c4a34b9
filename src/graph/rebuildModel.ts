import * as tf from "@tensorflow/tfjs";
import { classOf } from "../checks/knownLayers.js";
import {
  type Container,
  freedAfter,
  hasInputShape,
  isContainer,
  type Layer,
  type LayerNode,
  nodesInOrder,
  sourceOf,
  wrappedModel,
} from "../layers/internals.js";
import { applied, distinct, inputLike, uniqueName } from "./applied.js";
import { type CopyWrapped, checkSameWeights, discard, type LayerChanges, newCopy } from "./newCopy.js";
import { beforeOutputActivation } from "./outputActivation.js";

/** Where an output of the new model comes from: a tensor of the old one, perhaps with the activation of its layer left out. */
export interface OutputSource {
  tensor: tf.SymbolicTensor;
  withoutActivation?: boolean;
  /** The tensor is this output of a nested model, whose own outputs are changed. */
  nested?: (model: Container) => OutputSource[];
  /** The tensor is what its layer, which has no weights, makes of this one. */
  through?: OutputSource;
}

export interface RebuildOptions {
  /** What the new model's outputs are, in the old model's terms. Default: its outputs. */
  outputsOf?: (model: Container) => OutputSource[];
  /** Default: the old model's name. Null: a new one, as tfjs gives to models without one. */
  name?: string | null;
  /** Whether the copied layers use the originals' variables (default) or copies of their values. */
  shareWeights?: boolean;
}

/**
 * A model of the same inputs on copied layers. The original's layers, their recorded calls and their weights stay as they
 * are, also on failure; each of the two models can be disposed first.
 *
 * @throws UnsupportedLayerError for a layer that cannot be copied
 */
export function rebuildModel(
  who: string,
  model: Container,
  { outputsOf = asItIs, name = model.name, shareWeights = true }: RebuildOptions = {},
): tf.LayersModel {
  return attempt(who, shareWeights, (building) => rebuild(building, model, outputsOf, name));
}

/** What `newCopy` copies the models with that wrappers wrap. */
export function copyWrapped(who: string): CopyWrapped {
  return (wrapped, changes) =>
    isContainer(wrapped) || wrappedModel(wrapped) !== null
      ? attempt(who, changes.weights === "share", (building) => wrappedIn(building, wrapped, changes))
      : null;
}

/** Runs `make`, and lets go of the layers that it made where it fails. */
function attempt<T>(who: string, shareWeights: boolean, make: (building: Building) => T): T {
  const weights = shareWeights ? "share" : "copy";
  const building: Building = { who, weights, copies: new Map(), made: [], disposals: new Map() };
  try {
    return make(building);
  } catch (error) {
    for (const copy of building.made) discard(copy);
    throw error;
  }
}

/** What a model and the models in it have in common while they are copied. */
interface Building {
  readonly who: string;
  readonly weights: "share" | "copy";
  /** The copies of layers and nested models. One that is in several models has one copy. */
  readonly copies: Map<Layer, Layer>;
  /** Every copied layer, to let go of where something fails. */
  readonly made: Layer[];
  /** How often a copy is disposed by the new models that have it. */
  readonly disposals: Map<Layer, number>;
}

function rebuild(
  building: Building,
  model: Container,
  outputsOf: (model: Container) => OutputSource[],
  name: string | null,
): tf.LayersModel {
  if (outputsOf === asItIs && model instanceof tf.Sequential) {
    const sequential = rebuildSequential(building, model, name);
    if (sequential !== null) return sequential;
  }
  // In the order in which they were made, so that a shared layer's calls keep their numbers.
  const calls = (nodesInOrder(model) as LayerNode[]).sort((a, b) => a.id - b.id);
  const sources = outputsOf(model);
  const wanted = neededCalls(calls, sources);
  const tensors = new Map<tf.SymbolicTensor, tf.SymbolicTensor>();
  const mapped = (x: tf.SymbolicTensor) => tensors.get(x) as tf.SymbolicTensor;
  /** The copies in this model. */
  const own = new Set<Layer>();
  const names = () => new Set([...model.inputs.map((x) => x.sourceLayer), ...own].map((layer) => layer.name));

  for (const x of model.inputs) tensors.set(x, inputLike(x, x.sourceLayer.name));
  for (const call of calls) {
    if (!wanted.has(call) || call.outputTensors.every((y) => tensors.has(y))) continue;
    const copy = copyOf(building, call.outboundLayer);
    own.add(copy);
    const ys = called(building, copy, call, mapped);
    call.outputTensors.forEach((y, i) => tensors.set(y, ys[i] as tf.SymbolicTensor));
  }

  const changedLayers = new Map<Layer, Layer>();
  const changedCalls = new Map<LayerNode, tf.SymbolicTensor[]>();
  const madeFrom = ({ tensor, withoutActivation, nested, through }: OutputSource): tf.SymbolicTensor => {
    if (!withoutActivation && !nested && !through) return mapped(tensor);
    const { layer, node } = sourceOf(tensor);
    const ys = changedCalls.get(node) ?? callChanged(layer, node, nested, through);
    changedCalls.set(node, ys);
    return ys[node.outputTensors.indexOf(tensor)] as tf.SymbolicTensor;
  };
  const callChanged = (
    layer: Layer,
    node: LayerNode,
    nested: OutputSource["nested"],
    through: OutputSource["through"],
  ): tf.SymbolicTensor[] => {
    if (through !== undefined) {
      const copy = copyOf(building, layer);
      own.add(copy);
      return applied(copy, [madeFrom(through)], node.callArgs);
    }
    let copy = changedLayers.get(layer);
    if (copy === undefined) {
      // The layer may stand in the same model as it was, if something else uses it; then the names must differ.
      const taken = own.has(building.copies.get(layer) as Layer);
      const newName = taken ? uniqueName(`${layer.name}_linear`, names()) : layer.name;
      copy =
        nested && isContainer(layer)
          ? rebuild(building, layer, nested, newName)
          : newLayer(building, layer, { name: newName, withoutActivation: true });
      changedLayers.set(layer, copy);
      own.add(copy);
    }
    return called(building, copy, node, mapped, { withoutActivation: true });
  };
  const made = sources.map(madeFrom);
  // A model of [logits, softmax(logits)] has the logits twice now.
  const outputs = outputsOf === asItIs ? made : distinct(made, names());

  // tfjs disposes a nested model twice.
  for (const copy of own) addDisposals(building, copy, isContainer(copy) ? 2 : 1);
  const built = tf.model({ inputs: model.inputs.map(mapped), outputs, ...(name !== null && { name }) });
  if (!model.trainable) built.trainable = false;
  return built;
}

/**
 * Null where the first layer is called elsewhere already, or was connected to an input by hand: tfjs takes no such into a
 * Sequential.
 */
function rebuildSequential(
  building: Building,
  model: tf.Sequential,
  name: string | null,
): tf.Sequential | null {
  const [first] = model.layers as [Layer, ...Layer[]];
  const isCalled = (building.copies.get(first)?.inboundNodes.length ?? 0) > 0;
  if (isCalled || !(isContainer(first) || hasInputShape(first))) return null;
  const built = tf.sequential(name === null ? {} : { name });
  for (const layer of model.layers) {
    const copy = copyOf(building, layer);
    built.add(copy);
    if (!isContainer(copy)) checkSameWeights(building.who, layer, copy, {});
    // One that is there twice is disposed twice; a nested model once for each time, as of no other model.
    addDisposals(building, copy, 1);
  }
  nodesInOrder(built as unknown as Container);
  if (!model.trainable) built.trainable = false;
  return built;
}

function addDisposals({ disposals }: Building, copy: Layer, times: number): void {
  disposals.set(copy, (disposals.get(copy) ?? 0) + times);
  freedAfter(copy, disposals.get(copy) as number);
}

function copyOf(building: Building, layer: Layer): Layer {
  let copy = building.copies.get(layer);
  if (copy === undefined) {
    copy = isContainer(layer)
      ? rebuild(building, layer, asItIs, layer.name)
      : newLayer(building, layer, { name: layer.name });
    building.copies.set(layer, copy);
  }
  return copy;
}

function newLayer(building: Building, layer: Layer, changes: Omit<LayerChanges, "weights">): Layer {
  const { who, weights, made } = building;
  const copy = newCopy(who, layer, { ...changes, weights }, (wrapped, inner) =>
    // A wrapper of a plain layer, too: something else may use that.
    wrappedModel(layer) !== null || (classOf(layer) === "TimeDistributed" && !inner.withoutActivation)
      ? wrappedIn(building, wrapped, inner)
      : null,
  );
  made.push(copy);
  return copy;
}

/** The copy of what a wrapper wraps. */
function wrappedIn(building: Building, wrapped: Layer, { withoutActivation = false }: LayerChanges): Layer {
  if (!withoutActivation) return copyOf(building, wrapped);
  return isContainer(wrapped)
    ? (rebuild(building, wrapped, beforeOutputActivation(null), wrapped.name) as unknown as Layer)
    : newLayer(building, wrapped, { name: wrapped.name, withoutActivation });
}

function called(
  { who }: Building,
  copy: Layer,
  call: LayerNode,
  mapped: (x: tf.SymbolicTensor) => tf.SymbolicTensor,
  changes: Omit<LayerChanges, "name" | "weights"> = {},
): tf.SymbolicTensor[] {
  const ys = applied(copy, call.inputTensors.map(mapped), call.callArgs);
  if (!isContainer(copy)) checkSameWeights(who, call.outboundLayer, copy, changes);
  return ys;
}

function asItIs(model: Container): OutputSource[] {
  return model.outputs.map((tensor) => ({ tensor }));
}

/** The calls that the sources need: those whose output is copied as it is, and all that lead to them. */
function neededCalls(calls: readonly LayerNode[], sources: readonly OutputSource[]): Set<LayerNode> {
  const tensorsOf = ({
    tensor,
    withoutActivation,
    nested,
    through,
  }: OutputSource): readonly tf.SymbolicTensor[] => {
    if (through !== undefined) return tensorsOf(through);
    return withoutActivation || nested ? sourceOf(tensor).node.inputTensors : [tensor];
  };
  const tensors = new Set(sources.flatMap(tensorsOf));
  const needed = new Set<LayerNode>();
  for (const call of calls.toReversed()) {
    if (!call.outputTensors.some((y) => tensors.has(y))) continue;
    needed.add(call);
    for (const x of call.inputTensors) tensors.add(x);
  }
  return needed;
}
