import type * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError } from "../errors.js";
import { describe } from "../layers/describe.js";
import type { ExecutionEntry } from "./modelExecution.js";

/**
 * The entries of an execution through which all information passes: every way from an input to an output leads through
 * them. Input layers are left out, and so is everything where an input is an output as well.
 *
 * Linear in the number of entries.
 *
 * @param inputs symbolic tensors, one or a list: where information comes in
 * @param outputs where it goes
 * @param executionList of `traceModelExecution`
 * @throws GraphError for a tensor that the execution does not have
 * @source iNNvestigate utils.keras.graph.get_bottleneck_nodes (which fails for an output that is used inside)
 * @example
 * const { executionList, outputs } = traceModelExecution(model);
 * getBottleneckNodes(model.inputs, outputs, executionList).map(({ layer }) => layer.name);
 */
export function getBottleneckNodes(
  inputs: tf.SymbolicTensor | tf.SymbolicTensor[],
  outputs: tf.SymbolicTensor | tf.SymbolicTensor[],
  executionList: readonly ExecutionEntry[],
): ExecutionEntry[] {
  return bottlenecks("getBottleneckNodes", inputs, outputs, executionList).flatMap(
    ({ entry }) => entry ?? [],
  );
}

/**
 * The tensors through which all information passes, each once, in execution order: every way from an input to an output
 * leads through them. Also an input or an output where there is only one.
 *
 * @throws GraphError for a tensor that the execution does not have
 * @source iNNvestigate utils.keras.graph.get_bottleneck_tensors
 * @example getBottleneckTensors(model.inputs, outputs, executionList)
 */
export function getBottleneckTensors(
  inputs: tf.SymbolicTensor | tf.SymbolicTensor[],
  outputs: tf.SymbolicTensor | tf.SymbolicTensor[],
  executionList: readonly ExecutionEntry[],
): tf.SymbolicTensor[] {
  return bottlenecks("getBottleneckTensors", inputs, outputs, executionList).flatMap(
    ({ tensor }) => tensor ?? [],
  );
}

/** A place that information passes: a tensor or an entry, with the places that come next. */
interface Place {
  readonly tensor?: tf.SymbolicTensor;
  readonly entry?: ExecutionEntry;
  readonly next: number[];
  /** An input leads here. */
  fed: boolean;
  /** An output is reached from here. */
  used: boolean;
}

/**
 * Places stand in an order in which every way goes forward. Where none of the ways that matter leaps over a place, all of
 * them stop there.
 */
function bottlenecks(
  who: string,
  inputs: tf.SymbolicTensor | tf.SymbolicTensor[],
  outputs: tf.SymbolicTensor | tf.SymbolicTensor[],
  executionList: readonly ExecutionEntry[],
): Place[] {
  if (!Array.isArray(executionList))
    throw new ArgumentError(
      `${who}: expected the executionList of traceModelExecution, got ${describe(executionList)}`,
    );
  const { places, at } = lay(executionList);
  const find = (what: string, x: tf.SymbolicTensor) => {
    const index = at.get(x);
    if (index === undefined)
      throw new GraphError(
        `${who}: expected the ${what} to be a tensor of the execution list, got ${describe(x)}`,
      );
    return index;
  };
  const sources = [inputs].flat().map((x) => find("input", x));
  const sinks = [outputs].flat().map((y) => find("output", y));
  for (const i of sources) (places[i] as Place).fed = true;
  for (const { fed, next } of places) if (fed) for (const i of next) (places[i] as Place).fed = true;
  for (const i of sinks) (places[i] as Place).used = true;
  for (const place of places.toReversed()) place.used ||= place.next.some((i) => (places[i] as Place).used);

  const matters = ({ fed, used }: Place) => fed && used;
  /** The furthest place that a way from before leads to: all before it are leapt over. */
  let reach = Math.max(...sources.filter((i) => matters(places[i] as Place)));
  /** No way goes on behind the first output. */
  const end = Math.min(...sinks.filter((i) => matters(places[i] as Place)));
  return places.filter((place, i) => {
    if (!matters(place) || i > end) return false;
    const stopsAll = reach <= i;
    for (const n of place.next) if (matters(places[n] as Place)) reach = Math.max(reach, n);
    return stopsAll;
  });
}

/** All places of an execution in order, and where each tensor stands. */
function lay(executionList: readonly ExecutionEntry[]): {
  places: Place[];
  at: Map<tf.SymbolicTensor, number>;
} {
  const places: Place[] = [];
  const at = new Map<tf.SymbolicTensor, number>();
  const placeOf = (tensor: tf.SymbolicTensor): number => {
    const known = at.get(tensor);
    if (known !== undefined) return known;
    at.set(tensor, places.length);
    return places.push({ tensor, next: [], fed: false, used: false }) - 1;
  };
  for (const entry of executionList) {
    const { xs, ys } = entry;
    const from = new Set(xs.map(placeOf));
    // An input layer's entry gives what it takes.
    if (ys.every((y) => xs.includes(y))) {
      for (const y of ys) placeOf(y);
      continue;
    }
    const index = places.push({ entry, next: [], fed: false, used: false }) - 1;
    for (const x of from) (places[x] as Place).next.push(index);
    for (const y of ys) (places[index] as Place).next.push(placeOf(y));
  }
  return { places, at };
}
