import type * as tf from "@tensorflow/tfjs";
import { GraphError } from "../errors.js";
import {
  type Container,
  isContainer,
  type Layer,
  type LayerNode,
  nodesInOrder,
  type Shape,
} from "../layers/internals.js";

/** A tensor of a trace. Its id is its place in `Trace.tensors`. */
export interface TraceTensor {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: tf.DataType;
  /** The recorded tensor. Inside a nested model that is used twice, two trace tensors have the same. */
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
}

/**
 * Traces a model by walking the calls that tfjs recorded when it was built. Nothing is executed, patched or applied
 * again, so the model is left as it is and traces the same any number of times. Linear in the number of calls.
 *
 * @throws GraphError for a model without a graph (a Sequential that was never built)
 */
export function trace(model: tf.LayersModel): Trace {
  const tensors: TraceTensor[] = [];
  const nodes: TraceNode[] = [];
  const container = model as unknown as Container;

  const newTensor = (symbolic: tf.SymbolicTensor): number => {
    const id = tensors.length;
    tensors.push({ id, shape: symbolic.shape, dtype: symbolic.dtype, symbolic });
    return id;
  };

  /** Walks a model whose inputs have the given ids, and returns the ids of its outputs. */
  const walk = (nested: Container, inputs: readonly number[], path: string): number[] => {
    const ids = new Map<tf.SymbolicTensor, number>();
    nested.inputs.forEach((x, i) => ids.set(x, inputs[i] as number));
    const idOf = (x: tf.SymbolicTensor) => ids.get(x) as number;
    for (const node of callsOf(nested)) {
      if (node.outputTensors.every((y) => ids.has(y))) continue; // the InputLayers of this model
      const layer = node.outboundLayer;
      const from = node.inputTensors.map(idOf);
      const to = isContainer(layer)
        ? walk(layer, from, `${path}${layer.name}/`)
        : node.outputTensors.map(newTensor);
      node.outputTensors.forEach((y, i) => ids.set(y, to[i] as number));
      if (!isContainer(layer)) {
        nodes.push({
          layer,
          path: path + layer.name,
          inputs: from,
          outputs: to,
          callArgs: node.callArgs ?? {},
        });
      }
    }
    return nested.outputs.map(idOf);
  };

  callsOf(container);
  const inputs = container.inputs.map(newTensor);
  const inputLayers = container.inputs.map((x) => x.sourceLayer);
  const outputs = walk(container, inputs, "");
  return { nodes: needed(nodes, outputs), tensors, inputs, inputLayers, outputs };
}

/** The nodes that the outputs need: of a nested model with two outputs, only one of which is used, the rest falls away. */
function needed(nodes: readonly TraceNode[], outputs: readonly number[]): TraceNode[] {
  const wanted = new Set(outputs);
  const kept: TraceNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((id) => wanted.has(id))) continue;
    for (const id of node.inputs) wanted.add(id);
    kept.push(node);
  }
  return kept.reverse();
}

function callsOf(container: Container): LayerNode[] {
  const calls = nodesInOrder(container);
  if (calls === null) {
    throw new GraphError(
      `trace: model "${container.name}" (${container.getClassName()}) has no graph yet: ` +
        `add layers to it, the first with an inputShape, before it is traced`,
    );
  }
  return calls;
}
