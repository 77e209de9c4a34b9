/**
 * How masks go through a model. tfjs hands them on beside the tensors, from Embedding and Masking layers to those that heed
 * them; a program has them as tensors of their own, which steps take as a further input.
 */
import * as tf from "@tensorflow/tfjs";
import type { TraceNode } from "../graph/trace.js";
import { innerLayers, type Layer } from "../layers/internals.js";
import { maskedMerges } from "../layers/masks.js";

/** Layers of ours that heed a mask only where they are told that there is one. */
const TOLD = ["KerasSimpleRNN", "KerasLSTM", "KerasGRU", "KerasRNN", "KerasGlobalAveragePooling1D"];

/** Whether a layer heeds the mask of its input. */
export function readsMask(layer: Layer): boolean {
  const className = layer.getClassName();
  if (TOLD.includes(className)) return layer.getConfig().masked === true;
  if (className === "Bidirectional" || className === "TimeDistributed")
    return innerLayers(layer).some(readsMask);
  return className === "Softmax" || layer instanceof tf.RNN;
}

/** Whether a layer gives its output a mask, whether its input has one or not. */
export function makesMask(layer: Layer): boolean {
  const className = layer.getClassName();
  return className === "Embedding"
    ? layer.getConfig().maskZero === true
    : ["Masking", "KerasMasking", "WithMask"].includes(className);
}

/** A tensor's mask: the tensor that it is and the model in which it was made. Not followed: there is one, but not here. */
type Mask = { readonly id: number; readonly scope: string } | "not followed";

/** The masks of a model's tensors, learned call by call, in the order of execution. */
export class MaskFlow {
  readonly #masks = new Map<number, Mask>();
  #stale = false;

  /** The mask that a call heeds, by id; null: none. A text says why it cannot be told. */
  heeded({ layer, inputs, path }: TraceNode): number | null | string {
    if (!readsMask(layer)) return null;
    const given = inputs.map((id) => this.#of(id, path));
    // tfjs hands on the mask of the first input; and, where no input has one, what it handed on last.
    if (given.every((mask) => mask === null)) {
      return this.#stale && !TOLD.includes(layer.getClassName())
        ? "has no mask of its own, and is given that of another layer by TensorFlow.js"
        : null;
    }
    const [mask = null] = given;
    if (mask === "not followed")
      return "has a mask that comes out of a nested model or a merge, which is not followed";
    return mask?.id ?? null;
  }

  /** Notes the mask of what a call gives; `make` gives a new id to one that the call itself makes. */
  note({ layer, inputs, outputs, path }: TraceNode, make: () => number): void {
    const given = inputs.map((id) => this.#of(id, path));
    const some = given.some((mask) => mask !== null);
    if (some) this.#stale = true;
    const mask = !layer.supportsMasking
      ? null
      : makesMask(layer)
        ? { id: make(), scope: scopeOf(path) }
        : some
          ? after(layer, given)
          : null;
    if (mask !== null) for (const id of outputs) this.#masks.set(id, mask);
  }

  #of(id: number, path: string): Mask | null {
    const mask = this.#masks.get(id) ?? null;
    return mask === null || mask === "not followed" || mask.scope === scopeOf(path) ? mask : "not followed";
  }
}

function scopeOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** What a layer that has masks hands on. Its own method tells: it is asked with our records in the place of tensors. */
function after(layer: Layer, given: readonly (Mask | null)[]): Mask | null {
  // Of several masks tfjs takes one, and adds an axis to it.
  if (maskedMerges.includes(layer.getClassName())) return "not followed";
  try {
    const answer = layer.computeMask([], given as unknown as tf.Tensor[]) as unknown;
    const mask = (Array.isArray(answer) ? answer[0] : answer) as Mask | null | undefined;
    return mask == null || given.includes(mask) ? (mask ?? null) : "not followed";
  } catch {
    return "not followed";
  }
}
