import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError } from "../errors.js";
import { GraphOperations } from "./graphOperations.js";
import { nearestNames } from "./nearestNames.js";

/** One operation of a GraphModel. */
export interface OpNode {
  readonly name: string;
  /** TensorFlow's name of the operation: `"Conv2D"`. */
  readonly op: string;
  /** The names of the operations whose output it takes, in order. */
  readonly inputs: readonly string[];
  /** The names of those that take its output. */
  readonly outputs: readonly string[];
  /** Shape of its value where it is a weight, else null. */
  readonly weight: readonly number[] | null;
}

/** The nodes of a graph as the files of tfjs hold them, which GraphModel keeps and does not show. */
interface GraphDef {
  readonly node?: readonly {
    readonly name: string;
    readonly op: string;
    readonly input?: readonly string[];
  }[];
}

/** A GraphModel, or the layers model that `loadModel` or `asLayersModel` made of one. */
export type GraphSource = tf.GraphModel | tf.LayersModel;

/**
 * The GraphModel that a layers model runs, where `loadModel` or `asLayersModel` made it of one; else null.
 *
 * @example graphModelOf(await loadModel("saved_model/model.json"))?.outputNodes
 */
export function graphModelOf(model: tf.LayersModel): tf.GraphModel | null {
  const layers = model instanceof tf.LayersModel ? model.layers : [];
  return layers.find((layer) => layer instanceof GraphOperations)?.graphModel ?? null;
}

/**
 * The operations of a converted SavedModel, each after those that it needs (but for what closes a loop); only those that the
 * outputs need. A GraphModel has no layers, so there is no more to know of it than this.
 *
 * @throws ArgumentError for what is no GraphModel, GraphError for one that is not loaded
 * @example for (const { name, op, inputs } of traceGraphModel(model)) console.log(name, op, inputs);
 */
export function traceGraphModel(source: GraphSource): OpNode[] {
  const who = "traceGraphModel";
  const model = graphIn(source, who);
  const { artifacts } = model as unknown as { artifacts?: { modelTopology?: GraphDef } };
  const nodes = artifacts?.modelTopology?.node;
  if (nodes === undefined) throw new GraphError(`${who}: the model has no graph: load it first`);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const order: string[] = [];
  const users = new Map<string, Set<string>>();
  const done = new Set<string>();
  /** Begun: what leads back to one of them is a loop. */
  const open = new Set<string>();
  // Without recursion: graphs are deep.
  const waiting = model.outputs.map(({ name }) => nameOf(name)).reverse();
  while (waiting.length > 0) {
    const name = waiting.at(-1) as string;
    const inputs = inputsOf(byName.get(name));
    const before = done.has(name)
      ? []
      : inputs.filter((input) => !done.has(input) && !open.has(input) && byName.has(input));
    open.add(name);
    if (before.length > 0) {
      waiting.push(...before);
      continue;
    }
    waiting.pop();
    if (done.has(name)) continue;
    done.add(name);
    order.push(name);
    for (const input of inputs) users.set(input, (users.get(input) ?? new Set()).add(name));
  }
  return order.map((name) => {
    const node = byName.get(name);
    const [weight] = model.weights[name] ?? [];
    return {
      name,
      op: node?.op ?? "Placeholder",
      inputs: inputsOf(node),
      outputs: [...(users.get(name) ?? [])],
      weight: weight?.shape ?? null,
    };
  });
}

/**
 * What operations inside a GraphModel give for an input, by name, in one pass.
 *
 * @param x the model's input, or a list of one tensor an input, or tensors by the names of the inputs
 * @param names of operations (`"block1/Relu"`, or `"split:1"` for another output than the first), one or a list
 * @returns the tensors by those names, which are the caller's to dispose
 * @throws GraphError for a name that the model does not have, with the nearest; what tfjs says of inputs that do not fit
 * @example const { "block1/Relu": features } = getOpOutputs(model, x, "block1/Relu");
 */
export function getOpOutputs(
  source: GraphSource,
  x: tf.Tensor | tf.Tensor[] | tf.NamedTensorMap,
  names: string | readonly string[],
): Record<string, tf.Tensor> {
  const model = graphIn(source, "getOpOutputs");
  const known = traceGraphModel(model).map(({ name }) => name);
  const wanted = [...new Set([names].flat() as string[])];
  for (const name of wanted) {
    if (!known.includes(nameOf(name)))
      throw new GraphError(
        `getOpOutputs: the model has no operation "${name}"; ${nearestNames(name, known)}`,
      );
  }
  if (wanted.length === 0) return {};
  const ys = [model.execute(x, wanted)].flat();
  return Object.fromEntries(wanted.map((name, i) => [name, ys[i] as tf.Tensor]));
}

function graphIn(source: GraphSource, who: string): tf.GraphModel {
  const model = source instanceof tf.GraphModel ? source : graphModelOf(source);
  if (model === null) {
    const got = source instanceof tf.LayersModel ? ", got a layers model that has no GraphModel in it" : "";
    throw new ArgumentError(`${who}: expected a tf.GraphModel, or what loadModel made of one${got}`);
  }
  return model;
}

/** The names of what a node takes: without `:0`, which output it is, and without `^`, which only says "after that". */
function inputsOf(node: { readonly input?: readonly string[] } | undefined): string[] {
  return (node?.input ?? []).filter((input) => !input.startsWith("^")).map(nameOf);
}

function nameOf(tensor: string): string {
  return tensor.split(":")[0] as string;
}
