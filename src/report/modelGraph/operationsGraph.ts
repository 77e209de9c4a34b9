import type * as tf from "@tensorflow/tfjs";
import { graphModelOf, type OpNode, traceGraphModel } from "../../graph/index.js";
import type { ModelGraph } from "./modelGraph.js";

/**
 * The operations of the GraphModel that a layers model was made of, as a graph to draw; null for any other model. Its weights are
 * the parameters of the operations that take them. What shapes the operations give, a graph does not tell.
 */
export function operationsGraph(model: tf.LayersModel): ModelGraph | null {
  const graph = graphModelOf(model);
  if (graph === null) return null;
  const traced = traceGraphModel(graph);
  const weights = new Map(traced.filter(isWeight).map(({ name, weight }) => [name, weight as number[]]));
  const drawn = traced.filter((node) => !isWeight(node));
  const ids = new Map(drawn.map(({ name }, i) => [name, `op${i}`]));
  return {
    name: model.name,
    className: "GraphModel",
    nodes: drawn.map(({ name, op, inputs }, i) => ({
      id: `op${i}`,
      nid: i,
      path: name,
      // Of "StatefulPartitionedCall/model/conv/Relu" what tells it from others.
      label: name.split("/").slice(-2).join("/"),
      className: op,
      outputShapes: graph.inputs.flatMap((input) =>
        input.name.replace(/:\d+$/, "") === name && input.shape ? [input.shape.map(sizeOrNull)] : [],
      ),
      parameters: sizeOf(
        inputs.flatMap((input) => (weights.has(input) ? [weights.get(input) as number[]] : [])),
      ),
      bottleneck: false,
      output: graph.outputs.some((output) => output.name.split(":")[0] === name),
      group: null,
      support: null,
    })),
    edges: drawn.flatMap(({ inputs, name }) =>
      [...new Set(inputs)].flatMap((input) => {
        const from = ids.get(input);
        return from === undefined ? [] : [{ from, to: ids.get(name) as string }];
      }),
    ),
    groups: [],
    parameters: sizeOf([...weights.values()]),
    method: null,
  };
}

function isWeight({ weight }: OpNode): boolean {
  return weight !== null;
}

function sizeOrNull(n: number): number | null {
  return n === -1 ? null : n;
}

function sizeOf(shapes: readonly (readonly number[])[]): number {
  return shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
