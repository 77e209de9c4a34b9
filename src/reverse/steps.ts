import type * as tf from "@tensorflow/tfjs";
import type { WindowOptions } from "../core/windows.js";
import type { TraceNode } from "../graph/trace.js";

/** What all steps have. Inputs and outputs are ids of tensors within a program. */
interface StepBase {
  /** The layer's call that the step is part of. */
  readonly node: TraceNode;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** A layer's weights, read at each run, since a user may train between two. Not ours to dispose. */
export interface StepWeights {
  kernel(): tf.Tensor;
  bias(): tf.Tensor | null;
}

/** y = kernel . x + bias on the last axis. */
export interface DenseStep extends StepBase {
  readonly kind: "dense";
  readonly weights: StepWeights;
}

/** A convolution of `[n, h, w, in]` with a kernel `[kh, kw, in, out]`. */
export interface Conv2dStep extends StepBase {
  readonly kind: "conv2d";
  readonly weights: StepWeights;
  readonly windows: WindowOptions;
}

/** y = kernel * x + bias, one number a channel: what batch normalisation does in inference. */
export interface ScaleStep extends StepBase {
  readonly kind: "scale";
  readonly weights: StepWeights;
}

/** The mean of each window, of its real pixels only. */
export interface AveragePool2dStep extends StepBase {
  readonly kind: "averagePool2d";
  /** Null: one window, the whole image. */
  readonly windows: WindowOptions | null;
}

/** The sum of several tensors, which broadcast. */
export interface AddStep extends StepBase {
  readonly kind: "add";
}

/** Side by side along an axis. */
export interface ConcatenateStep extends StepBase {
  readonly kind: "concatenate";
  readonly axis: number;
}

/** The same values in another shape; the batch stays. */
export interface ReshapeStep extends StepBase {
  readonly kind: "reshape";
  readonly shape: readonly number[];
}

/** The same values: what dropout and noise are in inference. */
export interface IdentityStep extends StepBase {
  readonly kind: "identity";
}

/** One function for every element, or for every row (softmax). */
export interface ActivationStep extends StepBase {
  readonly kind: "activation" | "softmax";
  apply(z: tf.Tensor): tf.Tensor;
}

/** The largest of each window; the first of equals, in row-major order, takes all. */
export interface MaxPool2dStep extends StepBase {
  readonly kind: "maxPool2d";
  /** Null: one window, the whole image. */
  readonly windows: WindowOptions | null;
}

/** A layer that is not taken apart: run by tfjs, differentiated by tfjs, without rules of relevance. */
export interface OpaqueStep extends StepBase {
  readonly kind: "opaque";
}

export type LinearStep =
  | DenseStep
  | Conv2dStep
  | ScaleStep
  | AveragePool2dStep
  | AddStep
  | ConcatenateStep
  | ReshapeStep
  | IdentityStep;
export type Step = LinearStep | ActivationStep | MaxPool2dStep | OpaqueStep;
export type StepKind = Step["kind"];

/** A model as steps, in execution order. */
export interface Program {
  readonly steps: readonly Step[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** `layer "conv1" (Conv2D)`, for messages. */
export function nameOf({ node }: Pick<Step, "node">): string {
  return `layer "${node.path}" (${node.layer.getClassName()})`;
}
