import type * as tf from "@tensorflow/tfjs";
import type { WindowOptions } from "../core/windows.js";
import type { TraceNode } from "../graph/trace.js";
import type { Layer } from "../layers/internals.js";

/** What all steps have. Inputs and outputs are ids of tensors within a program. */
interface StepBase {
  /** The layer's call that the step is part of. */
  readonly node: TraceNode;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** How many of the inputs relevance goes to; those behind them are masks. All, where it is not given. */
  readonly carried?: number;
}

/** A layer's weights, read at each run, since a user may train between two. Not ours to dispose. */
export interface StepWeights {
  /** One; a separable convolution has two, depthwise and pointwise. */
  kernels(): tf.Tensor[];
  bias(): tf.Tensor | null;
  /** What the kernels are computed from, where they are not weights themselves: the layer's weights, and a word for the rest. */
  readonly computed?: { from(): tf.Tensor[]; readonly by: string };
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

/** A convolution of each channel of `[n, h, w, in]` by itself, with a kernel `[kh, kw, in, multiplier]`. */
export interface DepthwiseConv2dStep extends StepBase {
  readonly kind: "depthwiseConv2d";
  readonly weights: StepWeights;
  readonly windows: WindowOptions;
}

/** A depthwise convolution with a convolution of single pixels behind it, as one layer with one bias. */
export interface SeparableConv2dStep extends StepBase {
  readonly kind: "separableConv2d";
  readonly weights: StepWeights;
  readonly windows: WindowOptions;
  /**
   * Whether rules that tell positive weights from negative ones go through the two convolutions one after the other: the
   * positive part of a product is not the product of positive parts.
   */
  readonly inTwo: boolean;
}

/** The transpose of a convolution, with a kernel `[kh, kw, out, in]`. */
export interface Conv2dTransposeStep extends StepBase {
  readonly kind: "conv2dTranspose";
  readonly weights: StepWeights;
  readonly windows: WindowOptions;
}

/** How a window slides over a volume: sizes as (depth, rows, columns). */
export interface Windows3d {
  readonly kernelShape: readonly [number, number, number];
  readonly strides: readonly [number, number, number];
  readonly rates: readonly [number, number, number];
  readonly padding: "same" | "valid";
}

/** A convolution of `[n, d, h, w, in]` with a kernel `[kd, kh, kw, in, out]`. */
export interface Conv3dStep extends StepBase {
  readonly kind: "conv3d";
  readonly weights: StepWeights;
  readonly windows: Windows3d;
}

/** The transpose of a convolution of volumes, with a kernel `[kd, kh, kw, out, in]`. */
export interface Conv3dTransposeStep extends StepBase {
  readonly kind: "conv3dTranspose";
  readonly weights: StepWeights;
  readonly windows: Windows3d;
}

/** y = kernel * x + bias, one number a channel: what batch normalisation does in inference. */
export interface ScaleStep extends StepBase {
  readonly kind: "scale";
  readonly weights: StepWeights;
  /** Whether the channels are the last axis, as convolutions and dense layers have them. */
  readonly channelsLast: boolean;
}

/** The mean of each window, of its real pixels only. */
export interface AveragePool2dStep extends StepBase {
  readonly kind: "averagePool2d";
  /** Null: one window, the whole image. */
  readonly windows: WindowOptions | null;
}

export interface AveragePool3dStep extends StepBase {
  readonly kind: "averagePool3d";
  readonly windows: Windows3d;
}

/** The sum of several tensors, each times its factor; they broadcast. Add, Subtract and Average are this. */
export interface AddStep extends StepBase {
  readonly kind: "add";
  readonly factors: readonly number[];
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

/** The same values with the axes in another order, the batch at 0 among them. */
export interface PermuteStep extends StepBase {
  readonly kind: "permute";
  readonly order: readonly number[];
}

/** Each pixel as a block of size[0] x size[1] equal ones. */
export interface UpsampleStep extends StepBase {
  readonly kind: "upsample";
  readonly size: readonly [number, number];
}

/** Any other linear map without weights that TensorFlow.js differentiates right: cropping, padding, repeating, stacking. */
export interface MoveStep extends StepBase {
  readonly kind: "move";
  apply(...xs: tf.Tensor[]): tf.Tensor;
}

/** A linear map that adds values up, with no kernel to tell parts of: a mean over an axis, a product with a constant. */
export interface SumStep extends StepBase {
  readonly kind: "sum";
  apply(x: tf.Tensor): tf.Tensor;
}

/** The same values: what dropout and noise are in inference. */
export interface IdentityStep extends StepBase {
  readonly kind: "identity";
}

/** One function for every element. */
export interface ActivationStep extends StepBase {
  readonly kind: "activation";
  /** As `activationOf` gives it: `"relu"`. */
  readonly activation: string;
  apply(z: tf.Tensor): tf.Tensor;
}

/** Shares of 1 along an axis. */
export interface SoftmaxStep extends StepBase {
  readonly kind: "softmax";
  readonly activation: "softmax";
  readonly axis: number;
  apply(z: tf.Tensor, ...masks: tf.Tensor[]): tf.Tensor;
}

/** The largest of each window; the first of equals, in row-major order, takes all. */
export interface MaxPool2dStep extends StepBase {
  readonly kind: "maxPool2d";
  /** Null: one window, the whole image. */
  readonly windows: WindowOptions | null;
}

export interface MaxPool3dStep extends StepBase {
  readonly kind: "maxPool3d";
  readonly windows: Windows3d;
}

/** y = gamma (x - mean) / sqrt(variance + epsilon) + beta, over the given axes of each sample. */
export interface LayerNormalizationStep extends StepBase {
  readonly kind: "layerNormalization";
  readonly axes: readonly number[];
  readonly epsilon: number;
  /** Both broadcast to the input; null: 1 and 0. */
  readonly gamma: () => tf.Tensor | null;
  readonly beta: () => tf.Tensor | null;
}

/** The product of several tensors, which broadcast. */
export interface MultiplyStep extends StepBase {
  readonly kind: "multiply";
}

/** The larger (or smaller) of several tensors, element by element; the first of equals. */
export interface ExtremumStep extends StepBase {
  readonly kind: "extremum";
  readonly largest: boolean;
}

/** A product of two tensors that is linear in each: of matrices, of attention's weights and values. */
export interface BilinearStep extends StepBase {
  readonly kind: "bilinear";
  apply(a: tf.Tensor, b: tf.Tensor, ...masks: tf.Tensor[]): tf.Tensor;
}

/** A sum of values, each with a weight that a mask gives. */
export interface WeightedStep extends StepBase {
  readonly kind: "weighted";
  apply(x: tf.Tensor, ...masks: tf.Tensor[]): tf.Tensor;
}

/** Where there is something to see, as tfjs hands it on beside a tensor: `[n, t]`, true or false. */
export interface MaskStep extends StepBase {
  readonly kind: "mask";
  apply(...xs: tf.Tensor[]): tf.Tensor;
}

/** One row of a table for each token: `[n, t]` whole numbers to `[n, t, size]`. */
export interface EmbeddingStep extends StepBase {
  readonly kind: "embedding";
}

/** One direction of a recurrent layer. */
export interface Recurrence {
  /** The cell, which has the weights. */
  readonly cell: Layer;
  /** Whether the last time step comes first. */
  readonly backwards: boolean;
  /** Whether what it gives is put back into the order of time, as in a Bidirectional. */
  readonly restored: boolean;
  /** Whether it heeds a mask: a step that is hidden leaves the states as they are. */
  readonly masked: boolean;
  /** Whether hidden steps give zeros, and not what the step before gave. */
  readonly zeroHidden: boolean;
}

/** A recurrent layer, or two of them over the series in both directions: `[n, t, in]` to `[n, t, units]` or `[n, units]`. A second input is a mask. */
export interface RecurrentStep extends StepBase {
  readonly kind: "recurrent";
  readonly recurrences: readonly Recurrence[];
  /** How two directions become one. */
  readonly merge: "concat" | "sum" | "ave" | "mul" | null;
  /** Whether it gives what each time step gave, or what the last gave. */
  readonly sequences: boolean;
}

/** A layer that is not taken apart: run by tfjs, differentiated by tfjs, without rules of relevance. */
export interface OpaqueStep extends StepBase {
  readonly kind: "opaque";
  /** Whether the option `attention` would take it apart. */
  readonly attends?: true;
}

export type LinearStep =
  | DenseStep
  | Conv2dStep
  | DepthwiseConv2dStep
  | SeparableConv2dStep
  | Conv2dTransposeStep
  | Conv3dStep
  | Conv3dTransposeStep
  | ScaleStep
  | AveragePool2dStep
  | AveragePool3dStep
  | AddStep
  | ConcatenateStep
  | ReshapeStep
  | PermuteStep
  | UpsampleStep
  | MoveStep
  | SumStep
  | IdentityStep;
export type NonlinearStep =
  | ActivationStep
  | SoftmaxStep
  | MaxPool2dStep
  | MaxPool3dStep
  | LayerNormalizationStep
  | MultiplyStep
  | ExtremumStep
  | BilinearStep
  | WeightedStep
  | MaskStep
  | EmbeddingStep
  | RecurrentStep
  | OpaqueStep;
export type Step = LinearStep | NonlinearStep;
export type StepKind = Step["kind"];

/** Steps that multiply by a kernel and mix channels or places. */
export const CONVOLUTIONS = [
  "conv2d",
  "depthwiseConv2d",
  "separableConv2d",
  "conv2dTranspose",
  "conv3d",
  "conv3dTranspose",
] as const satisfies StepKind[];
/** Steps with a kernel, as iNNvestigate's contains_kernel. */
export const KERNEL_STEPS = ["dense", ...CONVOLUTIONS] as const satisfies StepKind[];
/** Sums and means: linear without weights of their own, but several values in. */
export const SUMS = ["add", "averagePool2d", "averagePool3d", "sum"] as const satisfies StepKind[];
/** Steps that move values and change none. */
export const MOVES = [
  "concatenate",
  "reshape",
  "permute",
  "upsample",
  "move",
  "identity",
] as const satisfies StepKind[];
/** Steps that hand through one of several values. */
export const CHOICES = ["maxPool2d", "maxPool3d", "extremum"] as const satisfies StepKind[];

/** A model as steps, in execution order. */
export interface Program {
  readonly steps: readonly Step[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Tensors that hold no negative values whatever the input: behind relu, and what pools or moves it. */
  readonly nonNegative: ReadonlySet<number>;
  /** Tensors that hold the shares that a softmax gave, moved at most. */
  readonly probabilities: ReadonlySet<number>;
}

/** `layer "conv1" (Conv2D)`, for messages. */
export function nameOf({ node }: Pick<Step, "node">): string {
  return `layer "${node.path}" (${node.layer.getClassName()})`;
}
