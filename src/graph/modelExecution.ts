import type * as tf from "@tensorflow/tfjs";
import type { Layer } from "../layers/internals.js";
import { inputLike } from "./applied.js";
import { replay } from "./replay.js";
import { type Trace, type TraceNode, type TraceTensor, trace } from "./trace.js";

/** One call of a layer, with its recorded tensors. */
export interface ExecutionEntry {
  readonly layer: Layer;
  readonly xs: tf.SymbolicTensor[];
  readonly ys: tf.SymbolicTensor[];
}

/** One node of the execution graph. */
export interface ExecutionNode extends ExecutionEntry {
  /** The node's number in execution order, from 0; null for input layers. */
  readonly nid: number | null;
  /** The layer's name behind those of the nested models it lies in: `"encoder/conv1"`. */
  readonly path: string;
  /** The node that made each x; null for model inputs. */
  readonly xsNids: (number | null)[];
  /** The nodes that use each y; `[null]` where only the model's caller does. */
  readonly ysNids: (number | null)[][];
  readonly xsLayers: Layer[];
  /** The layers that use each y, as `ysNids`. */
  readonly ysLayers: (Layer | null)[][];
}

export interface ModelExecution {
  /** Every layer of the execution, each once, input layers first. */
  readonly layers: Layer[];
  /** In execution order, input layers first; only what the outputs need; nested models unrolled. */
  readonly executionList: ExecutionEntry[];
  readonly outputs: tf.SymbolicTensor[];
}

export interface ReapplyOptions {
  /**
   * Make the calls again on copies of the layers, so that every tensor is a recorded one that a model can be made of, also
   * those inside nested models. The copies share their weights and are counted: dispose each of the `layers`, or a model
   * made of them. The model's own layers keep their recorded calls. Default false.
   */
  reapplyOnCopiedLayers?: boolean;
}

export interface ExecutionTraceOptions extends ReapplyOptions {
  /** List the input layers too, first, with nid null. Default false. */
  keepInputLayers?: boolean;
}

/**
 * A model's execution in order: which layer is called with which tensors. Nested models are unrolled, to any depth and as
 * often as they are used; a shared layer has an entry a call. Walks what tfjs recorded: the model is left as it is.
 *
 * @throws GraphError for a Sequential that was never built
 * @source iNNvestigate utils.keras.graph.trace_model_execution
 * @example for (const { layer, xs, ys } of traceModelExecution(model).executionList) console.log(layer.name);
 */
export function traceModelExecution(model: tf.LayersModel, options: ReapplyOptions = {}): ModelExecution {
  const traced = traceOf("traceModelExecution", model, options);
  const symbolic = symbolicOf(traced);
  const inputs = traced.inputLayers.map((layer, i) => {
    const x = symbolic([traced.inputs[i] as number]);
    return { layer, xs: x, ys: x };
  });
  const entries = traced.nodes.map(({ layer, inputs: xs, outputs: ys }) => ({
    layer,
    xs: symbolic(xs),
    ys: symbolic(ys),
  }));
  const executionList = [...inputs, ...entries];
  return {
    layers: [...new Set(executionList.map((entry) => entry.layer))],
    executionList,
    outputs: symbolic(traced.outputs),
  };
}

/**
 * The execution as numbered nodes that know their neighbours.
 *
 * @throws GraphError for a Sequential that was never built
 * @source iNNvestigate utils.keras.graph.get_model_execution_trace
 * @example getModelExecutionTrace(model).find((node) => node.layer.name === "conv1")?.xsNids
 */
export function getModelExecutionTrace(
  model: tf.LayersModel,
  options: ExecutionTraceOptions = {},
): ExecutionNode[] {
  return executionTrace("getModelExecutionTrace", model, options);
}

function executionTrace(
  who: string,
  model: tf.LayersModel,
  { keepInputLayers = false, reapplyOnCopiedLayers = false }: ExecutionTraceOptions,
): ExecutionNode[] {
  const traced = traceOf(who, model, { reapplyOnCopiedLayers });
  const symbolic = symbolicOf(traced);
  const maker = new Map<number, number>();
  const users = new Map<number, number[]>();
  const inputLayer = new Map(traced.inputs.map((id, i) => [id, traced.inputLayers[i]]));
  traced.nodes.forEach((node, nid) => {
    for (const id of node.outputs) maker.set(id, nid);
    for (const id of new Set(node.inputs)) getOrSet(users, id).push(nid);
  });
  const nodeOf = (nid: number) => traced.nodes[nid] as TraceNode;
  const nidsOfUsers = (id: number): (number | null)[] => users.get(id) ?? [null];
  const makerLayer = (id: number): Layer => {
    const nid = maker.get(id);
    return nid === undefined ? (inputLayer.get(id) as Layer) : nodeOf(nid).layer;
  };
  const execution = (
    layer: Layer,
    path: string,
    nid: number | null,
    xs: readonly number[],
    ys: readonly number[],
  ): ExecutionNode => ({
    nid,
    layer,
    path,
    xs: symbolic(xs),
    ys: symbolic(ys),
    xsNids: xs.map((id) => maker.get(id) ?? null),
    ysNids: ys.map(nidsOfUsers),
    xsLayers: xs.map(makerLayer),
    ysLayers: ys.map((id) => nidsOfUsers(id).map((n) => (n === null ? null : nodeOf(n).layer))),
  });
  const nodes = traced.nodes.map((node, nid) =>
    execution(node.layer, node.path, nid, node.inputs, node.outputs),
  );
  if (!keepInputLayers) return nodes;
  const inputs = traced.inputLayers.map((layer, i) =>
    execution(layer, layer.name, null, [], [traced.inputs[i] as number]),
  );
  return [...inputs, ...nodes];
}

export interface ExecutionGraph {
  readonly nodes: Map<number, ExecutionNode>;
  /** The input layers' nodes, where they were asked for. */
  readonly inputs: ExecutionNode[];
}

/**
 * The execution graph: the nodes of `getModelExecutionTrace` by number.
 *
 * @throws GraphError for a Sequential that was never built
 * @source iNNvestigate utils.keras.graph.get_model_execution_graph
 * @example printModelExecutionGraph(getModelExecutionGraph(model, { keepInputLayers: true }));
 */
export function getModelExecutionGraph(
  model: tf.LayersModel,
  options: ExecutionTraceOptions = {},
): ExecutionGraph {
  const all = executionTrace("getModelExecutionGraph", model, options);
  const inputs = all.filter((node) => node.nid === null);
  const nodes = all.filter((node): node is ExecutionNode & { nid: number } => node.nid !== null);
  return { nodes: new Map(nodes.map((node) => [node.nid, node])), inputs };
}

function symbolicOf({ tensors }: Trace): (ids: readonly number[]) => tf.SymbolicTensor[] {
  return (ids) => ids.map((id) => (tensors[id] as { symbolic: tf.SymbolicTensor }).symbolic);
}

function getOrSet(users: Map<number, number[]>, id: number): number[] {
  const nids = users.get(id) ?? [];
  users.set(id, nids);
  return nids;
}

/** A model's trace, or the same trace of copied layers called again. */
function traceOf(
  who: string,
  model: tf.LayersModel,
  { reapplyOnCopiedLayers = false }: ReapplyOptions,
): Trace {
  const traced = trace(model, who);
  if (!reapplyOnCopiedLayers) return traced;
  const given = new Map(
    traced.inputs.map((id, i) => [
      id,
      inputLike(traced.tensors[id] as TraceTensor, (traced.inputLayers[i] as Layer).name),
    ]),
  );
  const { copies, tensors } = replay(who, traced.nodes, given, { nameOf: ({ layer }) => layer.name });
  return {
    ...traced,
    inputLayers: traced.inputs.map((id) => (given.get(id) as tf.SymbolicTensor).sourceLayer),
    nodes: traced.nodes.map((node) => ({ ...node, layer: copies.get(node.layer) as Layer })),
    // Tensors that the outputs do not need were not made again, and no node has them.
    tensors: traced.tensors.map((tensor) => ({
      ...tensor,
      symbolic: tensors.get(tensor.id) ?? tensor.symbolic,
    })),
  };
}
