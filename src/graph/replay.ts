import type * as tf from "@tensorflow/tfjs";
import { type Layer, ownedByOneModel } from "../layers/internals.js";
import { applied, distinct, uniqueName } from "./applied.js";
import { checkSameWeights, discard, newCopy } from "./newCopy.js";
import { copyWrapped } from "./rebuildModel.js";
import type { TraceNode } from "./trace.js";

export interface ReplayOptions {
  /** The names of the copied layers, before they are made to differ. Default: the layers' paths. */
  nameOf?: (node: TraceNode) => string;
  /**
   * The layer that stands for one of the trace instead of a copy, by the name it is to have; null where its calls are left
   * out, so that their outputs are their inputs; undefined for a copy after all.
   */
  replace?: (layer: Layer, name: string) => Layer | null | undefined;
}

/** The layers that a replay made, and what they were called on. */
export interface Replayed {
  readonly copies: ReadonlyMap<Layer, Layer>;
  /** The new tensor of each tensor of the trace, by id. */
  readonly tensors: ReadonlyMap<number, tf.SymbolicTensor>;
  /** Lets go of all copies: for a caller that fails. */
  discard(): void;
  /** Of all layers, the input layers included. */
  readonly names: Set<string>;
}

/**
 * Makes the calls of a trace again, on copies of the layers that share their weights. Each layer has one copy, which one
 * model can own.
 *
 * @param given the tensors to start from, by id
 * @throws UnsupportedLayerError for a layer that cannot be copied; nothing is kept then
 */
export function replay(
  who: string,
  nodes: readonly TraceNode[],
  given: ReadonlyMap<number, tf.SymbolicTensor>,
  { nameOf = ({ path }) => path, replace }: ReplayOptions = {},
): Replayed {
  const tensors = new Map(given);
  const copies = new Map<Layer, Layer>();
  /** Those that are no replacements. */
  const made = new Set<Layer>();
  const names = new Set([...given.values()].map((x) => x.sourceLayer.name));
  /** How many calls take each tensor. */
  const users = new Map<number, number>();
  for (const { inputs } of nodes) for (const id of new Set(inputs)) users.set(id, (users.get(id) ?? 0) + 1);
  const discardAll = () => {
    for (const copy of copies.values()) discard(copy);
  };
  try {
    for (const node of nodes) {
      const { layer, inputs, outputs } = node;
      const xs = inputs.map((id) => tensors.get(id) as tf.SymbolicTensor);
      let copy = copies.get(layer);
      if (copy === undefined) {
        const name = unused(nameOf(node), node.path, names);
        const replacement = replace?.(layer, name);
        if (replacement === null) {
          for (const [i, id] of outputs.entries()) tensors.set(id, xs[i] as tf.SymbolicTensor);
          continue;
        }
        copy = replacement ?? newCopy(who, layer, { name, weights: "share" }, copyWrapped(who));
        copies.set(layer, copy);
        names.add(name);
        if (replacement === undefined) made.add(copy);
      }
      const ys = applied(copy, takesOneTwice(inputs, users) ? distinct(xs, names) : xs, node.callArgs);
      if (made.has(copy)) checkSameWeights(who, layer, copy, {});
      for (const [i, id] of outputs.entries()) tensors.set(id, ys[i] as tf.SymbolicTensor);
    }
  } catch (error) {
    discardAll();
    throw error;
  }
  for (const copy of copies.values()) ownedByOneModel(copy);
  return { copies, tensors, discard: discardAll, names };
}

/** Whether a call takes a tensor twice that another call takes, too. */
function takesOneTwice(inputs: readonly number[], users: ReadonlyMap<number, number>): boolean {
  return inputs.some((id, i) => (users.get(id) as number) > 1 && inputs.indexOf(id) < i);
}

/** The name; where it is taken the path; else with a number. */
function unused(name: string, path: string, taken: ReadonlySet<string>): string {
  for (const candidate of [name, path]) if (!taken.has(candidate)) return candidate;
  return uniqueName(path, taken);
}
