import type * as tf from "@tensorflow/tfjs";
import type { NodeSupport } from "../../analyzers/methodSupport.js";
import { getBottleneckNodes, traceModelExecution } from "../../graph/index.js";
import { type TraceTensor, trace } from "../../graph/trace.js";
import { operationsGraph } from "./operationsGraph.js";

/** One call of a layer, or an input. */
export interface GraphNode {
  readonly id: string;
  /** The number in the execution trace; null for inputs. */
  readonly nid: number | null;
  /** The layer's name behind those of the nested models it lies in. */
  readonly path: string;
  /** What of it is drawn: a box around it says the rest. */
  readonly label: string;
  readonly className: string;
  readonly outputShapes: readonly (readonly (number | null)[])[];
  /** Of all its weights; a layer that is called several times has them once. */
  readonly parameters: number;
  /** Whether all information passes through it. */
  readonly bottleneck: boolean;
  /** Whether a tensor it gives is an output of the model. */
  readonly output: boolean;
  /** The box that it lies in, or null. */
  readonly group: string | null;
  /** Whether the method that was asked for can pass it; null where none was. */
  readonly support: { readonly supported: boolean; readonly reason: string | null } | null;
}

/** A tensor from the node that makes it to one that uses it. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
}

/** One use of a nested model. */
export interface GraphGroup {
  readonly id: string;
  readonly name: string;
  readonly className: string;
  /** The box that it lies in, or null. */
  readonly parent: string | null;
}

/** What there is to draw of a model. */
export interface ModelGraph {
  readonly name: string;
  readonly className: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly groups: readonly GraphGroup[];
  /** Of all layers, each once. */
  readonly parameters: number;
  /** The method that `support` is about, or null. */
  readonly method: string | null;
}

export interface ModelGraphOptions {
  /** A method, and what `methodSupport` says of it. */
  readonly method?: { readonly name: string; readonly support: readonly NodeSupport[] };
}

/**
 * A model as a graph to draw: its calls with shapes and parameters, its nested models as boxes, its bottlenecks. Of a graph
 * model (see `loadModel`) the operations, unless a method is asked for, which is about layers.
 *
 * @throws ArgumentError for what is no layers model, GraphError for one that was never built, DisposedError
 * @example modelGraphSvg(modelGraph(model))
 */
export function modelGraph(model: tf.LayersModel, { method }: ModelGraphOptions = {}): ModelGraph {
  // What a method says, it says of layers.
  const operations = method === undefined ? operationsGraph(model) : null;
  if (operations !== null) return operations;
  const { nodes, inputs, inputLayers, outputs, nested, tensors } = trace(model, "modelGraph");
  const { executionList, outputs: ends } = traceModelExecution(model);
  // The execution list has the inputs first, then the nodes in the same order.
  const bottlenecks = new Set(
    getBottleneckNodes(model.inputs, ends, executionList).map(
      (entry) => executionList.indexOf(entry) - inputs.length,
    ),
  );
  const made = new Map<number, string>();
  inputs.forEach((id, i) => made.set(id, `input${i}`));
  nodes.forEach((node, nid) => {
    for (const id of node.outputs) made.set(id, `node${nid}`);
  });
  const shapeOf = (id: number) => (tensors[id] as TraceTensor).shape;
  const groupId = (within: readonly number[]) => (within.length === 0 ? null : `group${within.at(-1)}`);
  const used = new Set(nodes.flatMap(({ within }) => within));
  return {
    name: model.name,
    className: model.getClassName(),
    parameters: [...new Set(nodes.map(({ layer }) => layer))].reduce(
      (sum, layer) => sum + layer.countParams(),
      0,
    ),
    method: method?.name ?? null,
    nodes: [
      ...inputs.map((id, i) => ({
        id: `input${i}`,
        nid: null,
        path: inputLayers[i]?.name as string,
        label: inputLayers[i]?.name as string,
        className: "InputLayer",
        outputShapes: [shapeOf(id)],
        parameters: 0,
        bottleneck: false,
        output: outputs.includes(id),
        group: null,
        support: null,
      })),
      ...nodes.map((node, nid) => ({
        id: `node${nid}`,
        nid,
        path: node.path,
        label: node.layer.name,
        className: node.layer.getClassName(),
        outputShapes: node.outputs.map(shapeOf),
        parameters: node.layer.countParams(),
        bottleneck: bottlenecks.has(nid),
        output: node.outputs.some((id) => outputs.includes(id)),
        group: groupId(node.within),
        support: method?.support[nid] ?? null,
      })),
    ],
    edges: nodes.flatMap((node, nid) =>
      [...new Set(node.inputs.map((id) => made.get(id) as string))].map((from) => ({
        from,
        to: `node${nid}`,
      })),
    ),
    groups: nested.flatMap(({ model: inner, path }, use) => {
      if (!used.has(use)) return [];
      const parents = nodes.find(({ within }) => within.includes(use))?.within as readonly number[];
      const parent = groupId(parents.slice(0, parents.indexOf(use)));
      return [{ id: `group${use}`, name: path, className: inner.getClassName(), parent }];
    }),
  };
}

/** `28 × 28 × 1`: a shape without the batch; an unknown size is `?`. */
export function shapeText(shape: readonly (number | null)[]): string {
  return shape.length < 2
    ? "scalar"
    : shape
        .slice(1)
        .map((n) => n ?? "?")
        .join(" × ");
}

/** `Conv2D · 28 × 28 × 1`: the class of a node, and the shapes that it gives, where they are known. */
export function kindText({ className, outputShapes }: GraphNode): string {
  return [className, ...(outputShapes.length > 0 ? [outputShapes.map(shapeText).join(", ")] : [])].join(
    " · ",
  );
}

/** `12,345 parameters`. */
export function parametersText(count: number): string {
  return `${count.toLocaleString("en-US")} parameter${count === 1 ? "" : "s"}`;
}

/** What a method makes of a node; nothing where none was asked for. */
export function supportText({ support }: Pick<GraphNode, "support">): string {
  if (support === null) return "";
  return support.supported ? "passes" : (support.reason ?? "cannot be passed");
}
