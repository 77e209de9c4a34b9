import * as tf from "@tensorflow/tfjs";
import { applyLinear, transposeLinear, weightsOf } from "./linear.js";
import type { LinearStep } from "./steps.js";

/** Which part of a linear step's input counts: x, max(x, 0), min(x, 0), or 1 everywhere. */
export type InputPart = "all" | "positive" | "negative" | "ones";
/** Which part of its kernel: w, max(w, 0), min(w, 0), w², or 1 everywhere. */
export type KernelPart = "all" | "positive" | "negative" | "squared" | "ones";
/** Which part of its bias. */
export type BiasPart = "all" | "positive" | "negative" | "none";

/** How a denominator z is kept from zero: `exact` adds epsilon where z is 0; `signed` adds epsilon sign(z), sign(0) = 1. */
export interface Stabilizer {
  readonly kind: "exact" | "signed";
  readonly epsilon: number;
}

/**
 * One way to hand relevance on, in proportion to what flowed: with z_ij the sum over the terms of x_i w_ij (each of its
 * part), and z_j = sum_i z_ij + b_j,
 *
 *     R_i += weight sum_j z_ij / stabilised(z_j) R_j
 */
export interface Share {
  readonly weight: number;
  readonly terms: readonly { readonly x: InputPart; readonly w: KernelPart }[];
  readonly bias: BiasPart;
  readonly stabilizer: Stabilizer;
}

/** A rule of relevance for linear steps, as data. A new rule is a new value of this type. */
export type LinearRule = readonly Share[];

/** What a step's rule sees. */
export interface LinearFlow {
  readonly step: LinearStep;
  readonly xs: readonly tf.Tensor[];
  /** The step's output, bias included. */
  readonly y: tf.Tensor;
  readonly r: tf.Tensor;
}

/** Relevance that a step hands on. */
export interface HandedOn {
  /** One tensor an input. */
  readonly inputs: tf.Tensor[];
  /** What biases took, `[n]` each. */
  readonly taken: tf.Tensor1D[];
}

/** Applies a rule to a linear step. */
export function applyLinearRule(rule: LinearRule, { step, xs, y, r }: LinearFlow): HandedOn {
  const shapes = xs.map((x) => x.shape);
  const { kernel, bias } = weightsOf(step);
  const taken: tf.Tensor1D[] = [];
  const parts = rule.flatMap((share) => {
    const terms = share.terms.map((term) => ({
      xs: xs.map((x) => inputPart(x, term.x)),
      kernel: kernelPart(kernel, term.w),
    }));
    const b = biasPart(bias, share.bias);
    const z = isForward(share, bias) ? y : sumOf(step, terms, b);
    const s = tf.mul(tf.div(r, stabilised(z, share.stabilizer)), share.weight);
    if (b !== null) taken.push(sumPerSample(tf.mul(s, b)));
    return terms.map((term) =>
      transposeLinear(step, s, term.kernel, shapes).map((c, i) => tf.mul(term.xs[i] as tf.Tensor, c)),
    );
  });
  return { inputs: xs.map((_, i) => tf.addN(parts.map((part) => part[i] as tf.Tensor))), taken };
}

/** Whether a share's denominator is the step's own output, which need not be computed again. */
function isForward({ terms: [term, ...more], bias: part }: Share, bias: tf.Tensor | null): boolean {
  return term?.x === "all" && term.w === "all" && more.length === 0 && (part === "all" || bias === null);
}

function sumOf(
  step: LinearStep,
  terms: readonly { xs: tf.Tensor[]; kernel: tf.Tensor | null }[],
  bias: tf.Tensor | null,
): tf.Tensor {
  const z = tf.addN(terms.map((term) => applyLinear(step, term.xs, term.kernel)));
  return bias === null ? z : tf.add(z, bias);
}

function stabilised(z: tf.Tensor, { kind, epsilon }: Stabilizer): tf.Tensor {
  if (kind === "exact") return tf.add(z, tf.mul(tf.cast(tf.equal(z, 0), "float32"), epsilon));
  // sign(z) with sign(0) = 1
  return tf.add(z, tf.sub(tf.mul(tf.cast(tf.greaterEqual(z, 0), "float32"), 2 * epsilon), epsilon));
}

function inputPart(x: tf.Tensor, part: InputPart): tf.Tensor {
  return part === "ones" ? tf.onesLike(x) : signedPart(x, part);
}

/** Steps without a kernel (sums, means) have none below zero; their parts other than all are not defined. */
function kernelPart(kernel: tf.Tensor | null, part: KernelPart): tf.Tensor | null {
  if (kernel === null) {
    if (part !== "all") throw new RangeError(`a step without a kernel has no part "${part}" of it`);
    return null;
  }
  switch (part) {
    case "squared":
      return tf.square(kernel);
    case "ones":
      return tf.onesLike(kernel);
    default:
      return signedPart(kernel, part);
  }
}

function biasPart(bias: tf.Tensor | null, part: BiasPart): tf.Tensor | null {
  return bias === null || part === "none" ? null : signedPart(bias, part);
}

function signedPart(x: tf.Tensor, part: "all" | "positive" | "negative"): tf.Tensor {
  switch (part) {
    case "all":
      return x;
    case "positive":
      return tf.relu(x);
    case "negative":
      return tf.minimum(x, 0);
    default:
      return part satisfies never;
  }
}

/** The sum over everything but the batch: `[n]`. */
export function sumPerSample(x: tf.Tensor): tf.Tensor1D {
  return tf.sum(tf.reshape(x, [x.shape[0] as number, -1]), 1);
}
