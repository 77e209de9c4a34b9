import type * as tf from "@tensorflow/tfjs";
import {
  type Container,
  firstModelOf,
  isContainer,
  type Layer,
  type LayerNode,
  nodesInOrder,
  type Shape,
  twinOf,
} from "../layers/internals.js";
import { graphOf } from "./checkModel.js";

/** A tensor of a trace. Its id is its place in `Trace.tensors`. */
export interface TraceTensor {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: tf.DataType;
  /**
   * The recorded tensor; for the output of a nested model the one outside of it; and in a nested model's second use and
   * all later ones a stand-in for the recorded one, so that no two trace tensors have the same.
   */
  readonly symbolic: tf.SymbolicTensor;
}

/** One call of a layer. */
export interface TraceNode {
  readonly layer: Layer;
  /** The layer's name behind those of the models it lies in: `"encoder/conv1"`. */
  readonly path: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** What the call was given besides tensors. */
  readonly callArgs: Record<string, unknown>;
  /** The uses of nested models that the call lies in, outermost first, as places in `Trace.nested`. */
  readonly within: readonly number[];
}

/** One use of a nested model. */
export interface NestedModel {
  readonly model: Layer;
  readonly path: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** A model's execution as a flat list: nested models and shared layers unrolled, ids instead of object identity. */
export interface Trace {
  /** In execution order; only what the outputs need. No entry is a model or an InputLayer. */
  readonly nodes: readonly TraceNode[];
  readonly tensors: readonly TraceTensor[];
  readonly inputs: readonly number[];
  /** The InputLayers, one an input. */
  readonly inputLayers: readonly Layer[];
  readonly outputs: readonly number[];
  /** The uses of nested models, also of such that the outputs do not need. */
  readonly nested: readonly NestedModel[];
}

/**
 * Traces a model by walking the calls that tfjs recorded when it was built. Nothing is executed, patched or applied
 * again, so the model is left as it is and traces the same any number of times. Linear in the number of calls.
 *
 * @throws ArgumentError for what is no layers model, GraphError for one without a graph (a Sequential that was never
 *   built), DisposedError
 */
export function trace(model: tf.LayersModel, who = "trace"): Trace {
  const container = graphOf(who, model);
  const tensors: { -readonly [K in keyof TraceTensor]: TraceTensor[K] }[] = [];
  const nodes: TraceNode[] = [];
  const nestedModels: NestedModel[] = [];
  /** How often a recorded tensor came up. */
  const uses = new Map<tf.SymbolicTensor, number>();
  const symbolicOf = (recorded: tf.SymbolicTensor) => {
    const use = uses.get(recorded) ?? 0;
    uses.set(recorded, use + 1);
    return twinOf(recorded, use);
  };

  const newTensor = (recorded: tf.SymbolicTensor): number => {
    const id = tensors.length;
    tensors.push({ id, shape: recorded.shape, dtype: recorded.dtype, symbolic: symbolicOf(recorded) });
    return id;
  };

  /** Walks a model whose inputs have the given ids, and returns the ids of its outputs. */
  const walk = (
    walked: Container,
    inputs: readonly number[],
    path: string,
    within: readonly number[],
  ): number[] => {
    const ids = new Map<tf.SymbolicTensor, number>();
    walked.inputs.forEach((x, i) => ids.set(x, inputs[i] as number));
    const idOf = (x: tf.SymbolicTensor) => ids.get(x) as number;
    const first = firstModelOf(walked);
    if (first !== null) {
      const to = walkNested(first, [], inputs, path + first.name, within);
      first.outputs.forEach((y, i) => ids.set(y, to[i] as number));
    }
    const done = new Set(first && nodesInOrder(first));
    for (const node of nodesInOrder(walked) as LayerNode[]) {
      if (done.has(node)) continue;
      if (node.outputTensors.every((y) => ids.has(y))) continue; // the InputLayers of this model
      const layer = node.outboundLayer;
      const from = node.inputTensors.map(idOf);
      const to = isContainer(layer)
        ? walkNested(layer, node.outputTensors, from, path + layer.name, within)
        : node.outputTensors.map(newTensor);
      node.outputTensors.forEach((y, i) => ids.set(y, to[i] as number));
      if (!isContainer(layer)) {
        nodes.push({
          layer,
          path: path + layer.name,
          inputs: from,
          outputs: to,
          callArgs: node.callArgs ?? {},
          within,
        });
      }
    }
    return walked.outputs.map(idOf);
  };

  /** @param outside the tensors that its outputs are in the model around it */
  const walkNested = (
    nested: Container,
    outside: readonly tf.SymbolicTensor[],
    from: readonly number[],
    path: string,
    within: readonly number[],
  ): number[] => {
    const first = tensors.length;
    const use = nestedModels.push({ model: nested, path, inputs: from, outputs: [] }) - 1;
    const to = walk(nested, from, `${path}/`, [...within, use]);
    nestedModels[use] = { model: nested, path, inputs: from, outputs: to };
    // Unless the nested model hands on what it was given.
    for (const [i, id] of to.entries()) {
      const tensor = tensors[id];
      const recorded = outside[i];
      if (tensor && recorded && id >= first) tensor.symbolic = symbolicOf(recorded);
    }
    return to;
  };

  const inputs = container.inputs.map(newTensor);
  const inputLayers = container.inputs.map((x) => x.sourceLayer);
  const outputs = walk(container, inputs, "", []);
  return { nodes: needed(nodes, outputs), tensors, inputs, inputLayers, outputs, nested: nestedModels };
}

/**
 * The nodes that the outputs need: of a nested model with two outputs, only one of which is used, the rest falls away.
 *
 * @param given ids of tensors that need nothing
 */
export function needed(
  nodes: readonly TraceNode[],
  outputs: readonly number[],
  given: ReadonlySet<number> = new Set(),
): TraceNode[] {
  const wanted = new Set(outputs.filter((id) => !given.has(id)));
  const kept: TraceNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((id) => wanted.has(id))) continue;
    for (const id of node.inputs) if (!given.has(id)) wanted.add(id);
    kept.push(node);
  }
  return kept.reverse();
}
