import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, IndexError, ShapeError } from "../errors.js";
import type { NeuronSelection } from "./types.js";

export interface Head {
  /** The relevance to start from, of the output's shape `[n, k]`. */
  relevance: tf.Tensor2D;
  /** The chosen neuron of each sample, or null. */
  neuron: number[] | null;
}

/** What a chosen neuron gets to start from: 1, its value, its value where that is positive, or a number. */
export type Start = "one" | "value" | "rectified" | number;

/**
 * The relevance that a selection starts from.
 *
 * @param output `[n, k]`
 */
export function headRelevance(
  who: string,
  output: tf.Tensor2D,
  selection: NeuronSelection,
  start: Start,
): Head {
  const [n, k] = output.shape;
  if (typeof selection === "function") {
    const relevance = selection(output);
    if (!(relevance instanceof tf.Tensor) || show(relevance.shape) !== show(output.shape)) {
      const got = relevance instanceof tf.Tensor ? show(relevance.shape) : String(relevance);
      throw new ShapeError(
        `${who}: expected neuronSelection to give a tensor of the output's shape ${show(output.shape)}, got ${got}`,
      );
    }
    return { relevance: tf.cast(relevance, "float32") as tf.Tensor2D, neuron: null };
  }
  if (selection === "all") {
    const values = output.dataSync();
    const all = Float32Array.from(values, (value) => startOf(start, value));
    return { relevance: tf.tensor2d(all, [n, k]), neuron: null };
  }
  const neuron = chosen(who, output, selection);
  const values = output.dataSync();
  const head = new Float32Array(n * k);
  neuron.forEach((index, sample) => {
    const at = sample * k + index;
    head[at] = startOf(start, values[at] as number);
  });
  return { relevance: tf.tensor2d(head, [n, k]), neuron };
}

function startOf(start: Start, value: number): number {
  if (typeof start === "number") return start;
  if (start === "one") return 1;
  return start === "rectified" ? Math.max(value, 0) : value;
}

function chosen(who: string, output: tf.Tensor2D, selection: "max" | number | readonly number[]): number[] {
  const [n, k] = output.shape;
  if (selection === "max") return largest(output);
  const list: readonly number[] = typeof selection === "number" ? Array(n).fill(selection) : selection;
  if (!Array.isArray(list)) {
    throw new ArgumentError(
      `${who}: expected neuronSelection to be "max", "all", an index, a list of indices or a function, got ${JSON.stringify(selection)}`,
    );
  }
  if (list.length !== n)
    throw new ArgumentError(`${who}: expected one neuron for each of ${n} samples, got ${list.length}`);
  list.forEach((index, sample) => {
    if (!Number.isInteger(index) || index < 0 || index >= k) {
      const where = typeof selection === "number" ? "" : `[${sample}]`;
      throw new IndexError(
        `${who}: neuronSelection${where} = ${index} is outside the output's ${k} neurons`,
        sample,
        index,
      );
    }
  });
  return [...list];
}

/** The position of the largest value of each row, the first of equals. */
function largest(output: tf.Tensor2D): number[] {
  const [n, k] = output.shape;
  const values = output.dataSync();
  return Array.from({ length: n }, (_, sample) => {
    let best = 0;
    for (let i = 1; i < k; i++) {
      if ((values[sample * k + i] as number) > (values[sample * k + best] as number)) best = i;
    }
    return best;
  });
}
