import type * as tf from "@tensorflow/tfjs";
import type { LowerOptions } from "../reverse/index.js";
import type { Composite } from "../rules/index.js";
import type { Start } from "./neurons.js";
import type { OptionValues } from "./options.js";
import type { AnalyzerInfo } from "./types.js";

/** Several passes over changed inputs, taken together. */
export interface Passes {
  readonly count: number;
  /** The inputs of one pass. Runs in a tidy. */
  readonly inputs: (xs: readonly tf.Tensor[], pass: number) => tf.Tensor[];
  /** What a pass counts in the mean; all together usually 1. */
  readonly weight: (pass: number) => number;
  /** The mean of what came, of its square, or its variance. */
  readonly reduce: "mean" | "squares" | "variance";
  /** Made of the mean and the inputs. Runs in a tidy. */
  readonly finish?: (mean: tf.Tensor, x: tf.Tensor, input: number) => tf.Tensor;
  /** The inputs whose output less the explained one the relevance adds up to; for the completeness gap. */
  readonly baseline?: (xs: readonly tf.Tensor[]) => tf.Tensor[];
}

/** A map over a layer's places, made of its activations and their gradient, both `[n, h, w, c]` or `[n, w, c]`. */
export interface ActivationMap {
  /** The layer; null: the last convolution, with the normalisation and activation behind it. */
  readonly layer: string | null;
  /** `[n, h, w, 1]` or `[n, w, 1]`. */
  readonly combine: (activations: tf.Tensor, gradients: tf.Tensor) => tf.Tensor;
  /** To the input's size, or left as it is. */
  readonly resize: "bilinear" | "nearest" | "none";
  /** Whether to multiply it with what the composite gives at the input. */
  readonly guided: boolean;
}

/** How a method differs from the others: what the engine runs with. */
export interface Method {
  readonly composite: Composite;
  readonly lowering?: LowerOptions;
  /** What relevance starts with at a chosen neuron. */
  readonly head: Start;
  /** Whether the relevance of inputs and biases adds up to what was put in. */
  readonly complete: boolean;
  /** Whether a softmax at the end misleads it. Default true. */
  readonly misledBySoftmax?: false;
  /** Whether the result is multiplied with the input. */
  readonly timesInput?: true;
  /** Makes the relevance of an input, or of an inner tensor in its place, from what arrived there. Runs in a tidy. */
  readonly finish?: (arrived: tf.Tensor, x: tf.Tensor, input: number) => tf.Tensor;
  /** Made of the input alone; the model is run forward only. Runs in a tidy. */
  readonly signal?: (x: tf.Tensor, input: number) => tf.Tensor;
  readonly passes?: Passes;
  readonly map?: ActivationMap;
  /** Changes the finished map. Runs in a tidy. */
  readonly after?: (map: tf.Tensor, x: tf.Tensor) => tf.Tensor;
  /** Whether samples are explained together whatever `batchSize` says, since they share a number. */
  readonly wholeBatch?: boolean;
}

export interface MethodEntry extends AnalyzerInfo {
  readonly make: (options: OptionValues) => Method;
}
