import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, ShapeError } from "../errors.js";
import { didYouMean } from "./options.js";
import type { AsyncOptions, ExplainOptions } from "./types.js";

const NAMES = ["neuronSelection", "rInit", "layers", "onProgress", "signal"];

/**
 * Checks what a call of an analyzer is given besides the inputs.
 *
 * @throws ArgumentError for an unknown name or a value of the wrong type
 */
export function checkCallOptions(who: string, options: ExplainOptions & AsyncOptions): void {
  if (typeof options !== "object" || options === null)
    throw new ArgumentError(`${who}: expected the call's options to be an object, got ${String(options)}`);
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name))
      throw new ArgumentError(
        `${who}: unknown option "${name}" of a call${didYouMean(name, NAMES)}; it has ${NAMES.join(", ")}; those of the method go to createAnalyzer`,
      );
  }
  const { rInit, layers = [] } = options;
  const starts = rInit == null || Number.isFinite(rInit) || rInit instanceof tf.Tensor;
  if (!starts)
    throw new ArgumentError(
      `${who}: expected rInit to be a finite number or a tensor of the output's shape, got ${describe(rInit)}`,
    );
  if (!Array.isArray(layers) || layers.some((name) => typeof name !== "string"))
    throw new ArgumentError(`${who}: expected layers to be a list of names, got ${describe(layers)}`);
}

/** The relevance to start from with a row for each sample, to be cut into chunks. The caller disposes it. */
export function rowsOf(who: string, rInit: tf.Tensor, samples: number): tf.Tensor {
  if (rInit.size % samples !== 0)
    throw new ShapeError(
      `${who}: expected rInit of the output's shape, with ${samples} samples, got ${show(rInit.shape)}`,
    );
  return rInit.shape[0] === samples ? tf.clone(rInit) : tf.reshape(rInit, [samples, rInit.size / samples]);
}

function describe(value: unknown): string {
  return JSON.stringify(value) === undefined || typeof value === "number"
    ? String(value)
    : JSON.stringify(value);
}
