import * as tf from "@tensorflow/tfjs";
import { type NdArray, show, sizeOf } from "../core/ndarray.js";
import { ArgumentError, ShapeError } from "../errors.js";
import { derived } from "../kernels/derived.js";
import { stabilise } from "../ops/stabilise.js";
import { applyLinear, transposeLinear, weightsOf } from "./linear.js";
import { type LinearStep, nameOf } from "./steps.js";

/** One number for every element of a sample, or an array that broadcasts to a sample, as `[c]` or `[h, w, c]`. */
export type Bound = number | Pick<NdArray<"float32">, "data" | "shape">;

/** Which part of a linear step's input counts: x, max(x, 0), min(x, 0), 1 everywhere, or a constant. */
export type InputPart = "all" | "positive" | "negative" | "ones" | { readonly constant: Bound };
/** What is multiplied by what came back: a part of the input, or its sign: -1 where x < mu, else 1. */
export type Factor = InputPart | { readonly signFrom: Bound };
/** w + gamma max(w, 0), or w + gamma min(w, 0). */
export interface Amplified {
  readonly gamma: number;
  readonly of: "positive" | "negative";
}
/** Which part of its kernel: w, max(w, 0), min(w, 0), w², 1 everywhere, or one part made stronger. */
export type KernelPart = "all" | "positive" | "negative" | "squared" | "ones" | Amplified;
/** Which part of its bias. */
export type BiasPart = "all" | "positive" | "negative" | "squared" | "none" | Amplified;

/**
 * How a denominator z is kept from zero: `exact` adds epsilon where z is 0; `signed` adds epsilon sign(z), sign(0) = 1;
 * `deviation` is signed with epsilon = factor times the standard deviation of the step's input, over the batch or a sample.
 */
export type Stabilizer =
  | { readonly kind: "exact"; readonly epsilon: number }
  | { readonly kind: "signed"; readonly epsilon: number }
  | { readonly kind: "deviation"; readonly factor: number; readonly over: "batch" | "sample" };

/** z_ij = coefficient x_i w_ij, each of its part. */
export interface Term {
  readonly x: InputPart;
  readonly w: KernelPart;
  /** Default 1. */
  readonly coefficient?: number;
  /** What stands for x_i above the fraction line. Default: x. */
  readonly factor?: Factor;
}

/**
 * One way to hand relevance on, in proportion to what flowed: with z_ij the sum over the terms of x_i w_ij (each of its
 * part), and z_j = sum_i z_ij + b_j,
 *
 *     R_i += weight sum_j z_ij / stabilised(z_j) R_j
 */
export interface Share {
  readonly weight: number;
  readonly terms: readonly Term[];
  readonly bias: BiasPart;
  readonly stabilizer: Stabilizer;
  /** Only for outputs y_j (all of x, w and b) above or below 0. Default: for all. */
  readonly when?: "positive" | "negative";
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
  /** Whether the inputs hold no negative value, so that what they would give need not be computed. Default false. */
  readonly nonNegative?: boolean;
}

/** Relevance that a step hands on. */
export interface HandedOn {
  /** One tensor an input. */
  readonly inputs: tf.Tensor[];
  /** What biases took, `[n]` each. */
  readonly taken: tf.Tensor1D[];
}

/** Whether a rule tells positive weights from negative ones. */
export function tellsSigns(rule: LinearRule): boolean {
  const plain: readonly KernelPart[] = ["all", "squared", "ones"];
  return rule.some(({ terms }) => terms.some(({ w }) => !plain.includes(w)));
}

/** Applies a rule to a linear step. */
export function applyLinearRule(rule: LinearRule, flow: LinearFlow): HandedOn {
  const { step, xs, nonNegative = false } = flow;
  const { bias } = weightsOf(step);
  const kernelsOf = kernelParts(step);
  const taken: tf.Tensor1D[] = [];
  let sums: tf.Tensor[] = [];
  for (const share of rule) {
    const terms = share.terms
      .filter((term) => !(nonNegative && term.x === "negative"))
      .map((term) => {
        const x = nonNegative && term.x === "positive" ? "all" : term.x;
        return { ...term, x, kernels: kernelsOf(term.w) };
      });
    // Images are large and a share makes many of them: each is freed as soon as it is used.
    const part = tf.tidy(() => ({ ...shareOf(flow, { ...share, terms }, bias) }));
    taken.push(...part.taken);
    sums = addedUp(sums, part.inputs);
  }
  return { inputs: sums.length === 0 ? xs.map((x) => tf.zerosLike(x)) : sums, taken };
}

/** The sums of what two shares hand on, in their place; either may hand on nothing. */
function addedUp(before: tf.Tensor[], more: tf.Tensor[]): tf.Tensor[] {
  if (before.length === 0 || more.length === 0) return before.length === 0 ? more : before;
  const sums = before.map((r, i) => tf.add(r, more[i] as tf.Tensor));
  tf.dispose([before, more]);
  return sums;
}

/** A share whose terms know their kernels. */
interface ShareOfKernels extends Share {
  readonly terms: readonly TermOfKernels[];
}

interface TermOfKernels extends Term {
  readonly kernels: readonly tf.Tensor[];
}

/** What one share hands on; no inputs where nothing flows. */
function shareOf(flow: LinearFlow, share: ShareOfKernels, bias: tf.Tensor | null): HandedOn {
  const { step, xs, y, r } = flow;
  const shapes = xs.map((x) => x.shape);
  const b = biasPart(bias, share.bias);
  if (share.terms.length === 0 && b === null) return { inputs: [], taken: [] };
  const s = tf.tidy(() => {
    const z = denominator(flow, share, b);
    const relevance = share.when === undefined ? r : tf.mul(r, where(y, share.when));
    return times(tf.div(relevance, stabilised(z, share.stabilizer, xs)), share.weight);
  });
  const parts = share.terms.map(({ x: part, factor = part, coefficient = 1, kernels }) =>
    tf.tidy(() =>
      transposeLinear(step, times(s, coefficient), kernels, shapes).map((c, i) =>
        tf.mul(factorOf(step, xs[i] as tf.Tensor, factor), c),
      ),
    ),
  );
  return {
    inputs: parts.reduce<tf.Tensor[]>(addedUp, []),
    taken: b === null ? [] : [takenBy(b, s)],
  };
}

/** z of a share in which something flows. */
function denominator(
  { step, xs, y }: LinearFlow,
  { terms, bias: part }: ShareOfKernels,
  b: tf.Tensor | null,
): tf.Tensor {
  // The step's own output need not be computed again.
  const [term, ...more] = terms;
  const plain = term?.x === "all" && term.w === "all" && term.coefficient === undefined && more.length === 0;
  if (plain && (part === "all" || weightsOf(step).bias === null)) return y;
  const flows = terms.map(({ x, kernels, coefficient = 1 }) =>
    tf.tidy(() => {
      const values = xs.map((value) => inputPart(step, value, x));
      return times(applyLinear(step, values, kernels), coefficient);
    }),
  );
  if (b !== null) flows.push(b);
  return flows.reduce((sum, flow) => tf.add(sum, flow));
}

function stabilised(z: tf.Tensor, stabilizer: Stabilizer, xs: readonly tf.Tensor[]): tf.Tensor {
  if (stabilizer.kind === "exact") {
    return tf.add(z, tf.mul(tf.cast(tf.equal(z, 0), "float32"), stabilizer.epsilon));
  }
  if (stabilizer.kind === "signed") return stabilise(z, stabilizer.epsilon);
  // sign(z) with sign(0) = 1
  const positive = tf.cast(tf.greaterEqual(z, 0), "float32");
  const epsilon = tf.mul(deviation(xs, stabilizer.over, z.rank), stabilizer.factor);
  return tf.add(z, tf.mul(tf.sub(tf.mul(positive, 2), 1), epsilon));
}

/** The population standard deviation of everything that enters a step. */
function deviation(xs: readonly tf.Tensor[], over: "batch" | "sample", rank: number): tf.Tensor {
  const rows = tf.concat(
    xs.map((x) => tf.reshape(x, [x.shape[0] as number, -1])),
    1,
  );
  const { variance } = tf.moments(rows, over === "batch" ? undefined : 1);
  const root = tf.sqrt(variance);
  return over === "batch" ? root : tf.reshape(root, [-1, ...Array<number>(rank - 1).fill(1)]);
}

/** Constants have a batch of one, which broadcasts. */
function inputPart(step: LinearStep, x: tf.Tensor, part: InputPart): tf.Tensor {
  if (part === "ones") return tf.ones([1, ...x.shape.slice(1)]);
  return typeof part === "object" ? broadcast(step, part.constant, x) : signedPart(x, part);
}

function factorOf(step: LinearStep, x: tf.Tensor, factor: Factor): tf.Tensor {
  if (typeof factor !== "object" || "constant" in factor) return inputPart(step, x, factor);
  const reached = tf.greaterEqual(x, broadcast(step, factor.signFrom, x));
  return tf.sub(tf.mul(tf.cast(reached, "float32"), 2), 1);
}

function broadcast(step: LinearStep, bound: Bound, x: tf.Tensor): tf.Tensor {
  const shape = [1, ...x.shape.slice(1)];
  if (typeof bound === "number") return tf.fill(shape, bound);
  const value = tf.tensor(bound.data, [...bound.shape]);
  const sample = bound.shape.length === x.rank ? bound.shape.slice(1) : bound.shape;
  if (bound.data.length === sizeOf(shape)) return tf.reshape(value, shape);
  const fits = sample.length < x.rank && sample.every((n, i) => n === 1 || n === shape.at(i - sample.length));
  if (fits) return tf.add(tf.zeros(shape), tf.reshape(value, [...sample]));
  throw new ShapeError(
    `${nameOf(step)}: expected a number or an array that broadcasts to a sample of shape ${show(shape.slice(1))}, ` +
      `got shape ${show(bound.shape)}`,
  );
}

/** The parts of a step's kernels, each made once. */
function kernelParts(step: LinearStep): (part: KernelPart) => readonly tf.Tensor[] {
  const made = new Map<string, readonly tf.Tensor[]>();
  return (part) => {
    const key = JSON.stringify(part);
    const kernels = made.get(key) ?? kernelPart(step, part);
    made.set(key, kernels);
    return kernels;
  };
}

/** Steps without a kernel (sums, means) have none below zero; their parts other than all are not defined. */
function kernelPart(step: LinearStep, part: KernelPart): readonly tf.Tensor[] {
  if (part !== "all" && !("weights" in step)) {
    throw new ArgumentError(
      `${nameOf(step)}: expected a rule for what has no kernel to take all of it, got ${JSON.stringify(part)}`,
    );
  }
  return weightsOf(step).kernels.map((w) =>
    // Of convolutions alone, whose filters the backend packs: those of a large dense layer would take its size again.
    w.rank === 4 && part !== "all"
      ? derived([w], `${JSON.stringify(part)} of ${w.shape}`, () => weightPart(w, part))
      : weightPart(w, part),
  );
}

function weightPart(w: tf.Tensor, part: KernelPart): tf.Tensor {
  if (typeof part === "object") return tf.add(w, tf.mul(signedPart(w, part.of), part.gamma));
  switch (part) {
    case "squared":
      return tf.square(w);
    case "ones":
      return tf.onesLike(w);
    default:
      return signedPart(w, part);
  }
}

function biasPart(bias: tf.Tensor | null, part: BiasPart): tf.Tensor | null {
  return bias === null || part === "none" ? null : weightPart(bias, part);
}

function signedPart(x: tf.Tensor, part: "all" | "positive" | "negative"): tf.Tensor {
  switch (part) {
    case "all":
      return x;
    case "positive":
      return tf.relu(x);
    case "negative":
      // Much faster than tf.minimum on wasm.
      return tf.clipByValue(x, Number.NEGATIVE_INFINITY, 0);
    default:
      return part satisfies never;
  }
}

function where(y: tf.Tensor, side: "positive" | "negative"): tf.Tensor {
  return tf.cast(side === "positive" ? tf.greater(y, 0) : tf.less(y, 0), "float32");
}

function times(x: tf.Tensor, factor: number): tf.Tensor {
  return factor === 1 ? x : tf.mul(x, factor);
}

/** What a bias takes of each sample: the sum of s b. One number a channel: the places are added up first. */
function takenBy(bias: tf.Tensor, s: tf.Tensor): tf.Tensor1D {
  const [n, channels] = [s.shape[0] as number, s.shape.at(-1) as number];
  if (bias.rank !== 1 || bias.size !== channels) return sumPerSample(tf.mul(s, bias));
  const perChannel = tf.sum(tf.reshape(s, [n, -1, channels]), 1) as tf.Tensor2D;
  return tf.reshape(tf.matMul(perChannel, tf.reshape(bias, [channels, 1])), [n]);
}

/** The sum over everything but the batch: `[n]`. */
export function sumPerSample(x: tf.Tensor): tf.Tensor1D {
  return tf.sum(tf.reshape(x, [x.shape[0] as number, -1]), 1);
}
