import * as tf from "@tensorflow/tfjs";
import { DisposedError, NonFiniteError, TracelightError, UnsupportedLayerError } from "../errors.js";
import { isDisposed } from "../layers/internals.js";
import { assertFinite } from "../ops/index.js";
import { messageOf } from "../text.js";
import { ONE_PIXEL } from "./convolutions.js";
import { applyLinear, isLinear, sumTo, transposeLinear, weightsOf } from "./linear.js";
import { behindRelu, gradientOfNonlinear, runNonlinear, shareOfNormalization } from "./nonlinear.js";
import { byTangent, sharesOfProduct, sharesOfWeighted } from "./products.js";
import { type CellRules, throughTime } from "./recurrent.js";
import { applyLinearRule, type HandedOn, type LinearRule, sumPerSample, tellsSigns } from "./rule.js";
import {
  type LinearStep,
  nameOf,
  type Program,
  type SeparableConv2dStep,
  type Step,
  type StepWeights,
} from "./steps.js";

/** How relevance passes through a step. */
export type Rule =
  /** By the vector-Jacobian product. */
  | { readonly kind: "gradient" }
  /** Unchanged, through steps whose output has the input's shape. */
  | { readonly kind: "pass" }
  /** Not at all: the inputs get zeros. */
  | { readonly kind: "stop" }
  /** By shares of what flowed through a linear step. */
  | { readonly kind: "shares"; readonly shares: LinearRule }
  /** As shares, through batch normalisation seen as other linear steps than it is, the last one first. */
  | { readonly kind: "sharesOf"; readonly shares: LinearRule; weights(step: Step): readonly StepWeights[] }
  /** Through an activation: what is negative is lost (deconvnet), and besides what relu stops (guided). */
  | { readonly kind: "rectified"; readonly guided: boolean }
  /** Equal parts to the inputs of a product, or to those that are no shares of a softmax. */
  | { readonly kind: "equal"; readonly among?: "values" }
  /** The sum over the last axis: an embedding's, to its token. */
  | { readonly kind: "sumLast" }
  /** Layer normalisation as a linear layer; epsilon stabilises its output. */
  | { readonly kind: "normalization"; readonly epsilon: number }
  /** Through a softmax, by its tangent at what it saw. */
  | { readonly kind: "tangent" }
  /**
   * Through a product of two tensors, each in proportion to what it contributed: half to either, or, where one of them holds
   * the shares of a softmax, all to the other.
   */
  | { readonly kind: "bilinear"; readonly shares: "half" | "toValues"; readonly epsilon: number }
  /** Through a sum with weights, in proportion to what each value contributed. */
  | { readonly kind: "weighted"; readonly epsilon: number }
  /** Through a recurrent layer, back in time. */
  | { readonly kind: "throughTime"; readonly cell: CellRules }
  /** A function of a user's: inputs, outputs and the relevance of the outputs to that of the inputs. */
  | {
      readonly kind: "custom";
      reverse(
        xs: readonly tf.Tensor[],
        ys: readonly tf.Tensor[],
        rs: readonly tf.Tensor[],
        step: Step,
      ): tf.Tensor | tf.Tensor[];
    };

/** The tensors of one run, by id. */
export type Activations = Map<number, tf.Tensor>;

/**
 * Runs a program forward and keeps every tensor. The caller disposes them (a tf.tidy around does).
 *
 * @param held tensors that are given and not computed, by id
 */
export function runForward(
  who: string,
  program: Program,
  xs: readonly tf.Tensor[],
  held: ReadonlyMap<number, tf.Tensor> = new Map(),
): Activations {
  const values: Activations = new Map(program.inputs.map((id, i) => [id, xs[i] as tf.Tensor]));
  for (const [id, value] of held) values.set(id, value);
  for (const step of program.steps) {
    if (isDisposed(step.node.layer))
      throw new DisposedError(`${who}: ${nameOf(step)} is disposed, with its model`);
    const inputs = step.inputs.map((id) => values.get(id) as tf.Tensor);
    const outputs = inStep(who, step, () => tf.tidy(() => runStep(step, inputs)));
    step.outputs.forEach((id, i) => {
      const y = outputs[i] as tf.Tensor;
      // Each id has a tensor of its own, so that each can be disposed alone.
      if (!held.has(id)) values.set(id, inputs.includes(y) ? tf.clone(y) : y);
    });
  }
  return values;
}

function disposeOutputs(step: Step, values: Activations): void {
  for (const id of step.outputs) values.get(id)?.dispose();
}

/** Says which step was the first to make something that is not finite, if one did. */
export function findNonFinite(who: string, program: Program, values: Activations): void {
  for (const step of program.steps) {
    for (const id of step.outputs) {
      const y = values.get(id);
      if (y === undefined) continue;
      try {
        tf.tidy(() => assertFinite(y, `${who}: the output of ${nameOf(step)}`));
      } catch (error) {
        if (error instanceof NonFiniteError) throw error;
      }
    }
  }
}

function runStep(step: Step, xs: readonly tf.Tensor[]): tf.Tensor[] {
  if (!isLinear(step)) return runNonlinear(step, xs);
  const { kernels, bias } = weightsOf(step);
  const y = applyLinear(step, xs, kernels);
  return [bias === null ? y : tf.add(y, bias)];
}

/** The relevance that arrived. */
export interface Reversed {
  /** At each input of the program; zeros where nothing arrives. */
  readonly inputs: tf.Tensor[];
  /** At the tensors that were asked for, by id. */
  readonly kept: ReadonlyMap<number, tf.Tensor>;
  /** At the biases of all steps together, `[n]`; null where no rule gives them any. */
  readonly biases: tf.Tensor1D | null;
}

export interface BackwardOptions {
  /** Tensors whose relevance to keep, by id. */
  readonly keep?: ReadonlySet<number>;
  /** Changes the relevance of a tensor, when all of it has arrived. */
  readonly change?: (relevance: tf.Tensor, id: number) => tf.Tensor;
  /** Whether the steps' values are disposed as soon as the pass is behind them. Default false. */
  readonly release?: boolean;
}

/**
 * Runs a program backwards: `head` is the relevance to start from, by id of its tensors; each step hands on what its
 * outputs got, through its rule; where a tensor feeds several steps their relevances add up. What is not needed any more is
 * disposed on the way; the caller disposes what comes (a tf.tidy around does).
 *
 * @param rules the rule of each step, by its place in the program; null where nothing arrives
 */
export function runBackward(
  who: string,
  program: Program,
  values: Activations,
  head: ReadonlyMap<number, tf.Tensor>,
  rules: readonly (Rule | null)[],
  { keep = new Set(), change = (r) => r, release = false }: BackwardOptions = {},
): Reversed {
  const relevance = new Map([...head].map(([id, r]) => [id, tf.clone(r)]));
  const taken: tf.Tensor1D[] = [];
  const ends = new Set([...keep, ...program.inputs]);
  const samples = [...values.values()][0]?.shape[0] as number;
  for (let at = program.steps.length - 1; at >= 0; at--) {
    const step = program.steps[at] as Step;
    const rule = rules[at];
    // The steps behind, which alone read what this one gave, are through; its own rule still reads it.
    if (release && at + 1 < program.steps.length) disposeOutputs(program.steps[at + 1] as Step, values);
    for (const id of step.outputs) {
      const r = relevance.get(id);
      if (r !== undefined) relevance.set(id, change(r, id));
    }
    const rs = step.outputs.map((id) => relevance.get(id) ?? null);
    if (rs.every((r) => r === null) || rule == null || rule.kind === "stop") continue;
    const xs = step.inputs.map((id) => values.get(id) as tf.Tensor);
    const ys = step.outputs.map((id) => values.get(id) as tf.Tensor);
    const handedOn = inStep(who, step, () =>
      tf.tidy(() => ({ ...reverseStep(rule, step, xs, ys, rs, program) })),
    );
    taken.push(...handedOn.taken.map((one) => perSample(one, samples)));
    step.inputs.slice(0, step.carried).forEach((id, i) => {
      const more = handedOn.inputs[i] as tf.Tensor;
      const before = relevance.get(id);
      relevance.set(id, before === undefined ? more : tf.add(before, more));
      if (before !== undefined) tf.dispose([before, more]);
    });
    step.outputs.forEach((id, i) => {
      if (!ends.has(id)) rs[i]?.dispose();
    });
  }
  const inputs = program.inputs.map((id) => {
    const r = relevance.get(id);
    if (r === undefined) return tf.zerosLike(values.get(id) as tf.Tensor);
    const changed = change(r, id);
    relevance.set(id, changed);
    return changed;
  });
  const kept = new Map(
    [...keep].map((id) => [id, relevance.get(id) ?? tf.zeros((values.get(id) as tf.Tensor).shape)]),
  );
  return { inputs, kept, biases: taken.length > 0 ? tf.addN(taken) : null };
}

/** What biases took of each sample, where a layer sees several of what it runs as samples in one of the model's. */
function perSample(taken: tf.Tensor1D, samples: number): tf.Tensor1D {
  return taken.size === samples ? taken : tf.sum(tf.reshape(taken, [samples, -1]), 1);
}

function reverseStep(
  rule: Exclude<Rule, { kind: "stop" }>,
  step: Step,
  xs: readonly tf.Tensor[],
  ys: readonly tf.Tensor[],
  rs: readonly (tf.Tensor | null)[],
  { nonNegative, probabilities }: Program,
): HandedOn {
  const r = rs[0] as tf.Tensor;
  const only = (...inputs: tf.Tensor[]): HandedOn => ({ inputs, taken: [] });
  switch (rule.kind) {
    case "pass":
      return only(tf.reshape(r, r.shape));
    case "gradient":
      return only(...gradientOf(step, xs, ys, rs));
    case "shares":
      if (!isLinear(step)) throw new RangeError(`a rule of shares is for linear steps, not for ${step.kind}`);
      return step.kind === "separableConv2d" && step.inTwo && tellsSigns(rule.shares)
        ? throughStages(rule.shares, inTwo(step), xs[0] as tf.Tensor, r)
        : applyLinearRule(rule.shares, {
            step,
            xs,
            y: ys[0] as tf.Tensor,
            r,
            nonNegative: step.inputs.every((id) => nonNegative.has(id)),
          });
    case "sharesOf":
      return throughStages(rule.shares, scales(step, rule.weights(step)), xs[0] as tf.Tensor, r);
    case "rectified": {
      const positive = tf.relu(r);
      return only(rule.guided ? behindRelu(positive, ys[0] as tf.Tensor) : positive);
    }
    case "equal": {
      const weights = step.inputs.map((id) => rule.among === "values" && probabilities.has(id));
      const takers = weights.every((weight) => weight)
        ? xs.map(() => true)
        : weights.map((weight) => !weight);
      const part = tf.div(r, takers.filter((takes) => takes).length);
      return only(...xs.map((x, i) => (takers[i] ? sumTo(part, x.shape) : tf.zerosLike(x))));
    }
    case "sumLast":
      return only(tf.sum(r, -1));
    case "normalization": {
      if (step.kind !== "layerNormalization")
        throw new RangeError(`a rule of normalisation is not for ${step.kind}`);
      const y = ys[0] as tf.Tensor;
      const sign = tf.sub(tf.mul(tf.cast(tf.greaterEqual(y, 0), "float32"), 2), 1);
      const quotient = tf.div(r, tf.add(y, tf.mul(sign, rule.epsilon)));
      const beta = step.beta();
      return {
        inputs: [shareOfNormalization(step, xs[0] as tf.Tensor, quotient)],
        taken: beta === null ? [] : [sumPerSample(tf.mul(quotient, beta))],
      };
    }
    case "tangent":
      if (step.kind !== "softmax") throw new RangeError(`a rule of the tangent is not for ${step.kind}`);
      return byTangent(step, xs[0] as tf.Tensor, ys[0] as tf.Tensor, r);
    case "bilinear": {
      if (step.kind !== "bilinear") throw new RangeError(`a rule of products is not for ${step.kind}`);
      const weighs = step.inputs.slice(0, 2).map((id) => probabilities.has(id));
      const values = weighs[0] === weighs[1] || rule.shares === "half" ? null : weighs[0] ? 1 : 0;
      return only(...sharesOfProduct(step, xs, ys[0] as tf.Tensor, r, values, rule.epsilon));
    }
    case "weighted":
      if (step.kind !== "weighted") throw new RangeError(`a rule of weights is not for ${step.kind}`);
      return only(sharesOfWeighted(step, xs, ys[0] as tf.Tensor, r, rule.epsilon));
    case "throughTime":
      if (step.kind !== "recurrent") throw new RangeError(`a rule through time is not for ${step.kind}`);
      return throughTime(step, xs, rs, rule.cell);
    case "custom": {
      const known = rs.map((one, i) => one ?? tf.zerosLike(ys[i] as tf.Tensor));
      const given = rule.reverse(xs.slice(0, step.carried), ys, known, step);
      const inputs = (Array.isArray(given) ? given : [given]).map((tensor) =>
        tf.reshape(tensor, tensor.shape),
      );
      return only(...inputs);
    }
    default:
      return rule satisfies never;
  }
}

/** A separable convolution as two steps, the bias in the second. */
function inTwo({ node, inputs, outputs, windows, weights }: SeparableConv2dStep): LinearStep[] {
  const place = { node, inputs, outputs };
  const kernel = (i: number) => () => [weights.kernels()[i] as tf.Tensor];
  return [
    { ...place, kind: "depthwiseConv2d", windows, weights: { kernels: kernel(0), bias: () => null } },
    { ...place, kind: "conv2d", windows: ONE_PIXEL, weights: { kernels: kernel(1), bias: weights.bias } },
  ];
}

/** Batch normalisation as the given linear steps. */
function scales({ node, inputs, outputs }: Step, stages: readonly StepWeights[]): LinearStep[] {
  return stages.map((weights) => ({ kind: "scale", node, inputs, outputs, weights, channelsLast: true }));
}

/** A rule through linear steps one after the other, which are run forward first. */
function throughStages(
  shares: LinearRule,
  steps: readonly LinearStep[],
  x: tf.Tensor,
  r: tf.Tensor,
): HandedOn {
  const values = [x];
  for (const step of steps) values.push(runStep(step, [values.at(-1) as tf.Tensor])[0] as tf.Tensor);
  const taken: tf.Tensor1D[] = [];
  const relevance = steps.reduceRight((before, step, i) => {
    const [input, y] = [values[i] as tf.Tensor, values[i + 1] as tf.Tensor];
    const handedOn = applyLinearRule(shares, { step, xs: [input], y, r: before });
    taken.push(...handedOn.taken);
    return handedOn.inputs[0] as tf.Tensor;
  }, r);
  return { inputs: [relevance], taken };
}

function gradientOf(
  step: Step,
  xs: readonly tf.Tensor[],
  ys: readonly tf.Tensor[],
  rs: readonly (tf.Tensor | null)[],
): tf.Tensor[] {
  if (!isLinear(step)) return gradientOfNonlinear(step, rs, xs, ys);
  const shapes = xs.map((x) => x.shape);
  return transposeLinear(step, rs[0] as tf.Tensor, weightsOf(step).kernels, shapes);
}

/** Says of an error of tfjs's in which step it came, and what would help where a backend lacks a kernel. */
function inStep<T>(who: string, step: Step, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TracelightError) throw error;
    const { layer } = step.node;
    const message = messageOf(error);
    const help = /not registered for/.test(message)
      ? `; the backend "${tf.getBackend()}" lacks it, "cpu" has it`
      : "";
    throw new UnsupportedLayerError(
      `${who}: ${nameOf(step)} failed: ${message}${help}`,
      layer.name,
      layer.getClassName(),
    );
  }
}
