import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { assertFinite } from "../ops/index.js";
import { projected } from "../reverse/index.js";
import type { OptionValues } from "./options.js";

/** Changes the relevance of a tensor when all of it has arrived. Runs in a tidy. */
export type RelevanceChange = (relevance: tf.Tensor, id: number) => tf.Tensor;

/**
 * iNNvestigate's `reverse_...` options: relevance clipped everywhere, projected at bottlenecks, checked everywhere.
 *
 * @param bottlenecks tensors through which all relevance passes
 * @source iNNvestigate utils.keras.graph.reverse_model
 */
export function changeOf(
  who: string,
  options: OptionValues,
  bottlenecks: ReadonlySet<number>,
): RelevanceChange {
  const clip = readRange(who, "reverseClipValues", options.reverseClipValues);
  const projection = options.reverseProjectBottleneckLayers;
  const range = projection === true ? null : readRange(who, "reverseProjectBottleneckLayers", projection);
  const check = options.reverseCheckFinite === true;
  return (relevance, id) => {
    let r = relevance;
    if (check) assertFinite(r, `${who}: relevance on the way`);
    if (clip !== null) r = tf.clipByValue(r, clip[0], clip[1]);
    const projects = (projection === true || range !== null) && bottlenecks.has(id) && r.rank > 2;
    return projects ? projected(r, range) : r;
  };
}

function readRange(who: string, name: string, value: unknown): readonly [number, number] | null {
  if (value === null || value === undefined || value === false) return null;
  const [low, high] = Array.isArray(value) ? (value as number[]) : [];
  if (!Array.isArray(value) || value.length !== 2 || !((low as number) < (high as number)))
    throw new ArgumentError(
      `${who}: expected ${name} to be [low, high], the lower first, got ${JSON.stringify(value)}`,
    );
  return [low as number, high as number];
}
