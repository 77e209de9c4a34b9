import * as tf from "@tensorflow/tfjs";
import { DisposedError, TracelightError, UnsupportedLayerError } from "../errors.js";
import { isDisposed } from "../layers/internals.js";
import { applyLinear, isLinear, transposeLinear, weightsOf } from "./linear.js";
import { gradientOfNonlinear, runNonlinear } from "./nonlinear.js";
import { applyLinearRule, type HandedOn, type LinearRule } from "./rule.js";
import { nameOf, type Program, type Step } from "./steps.js";

/**
 * How relevance passes through a step: by its vector-Jacobian product, unchanged (steps whose output has the input's
 * shape), or by a rule of shares (linear steps).
 */
export type Rule =
  | { readonly kind: "gradient" }
  | { readonly kind: "pass" }
  | { readonly kind: "shares"; readonly shares: LinearRule };

/** The tensors of one run, by id. */
export type Activations = Map<number, tf.Tensor>;

/** Runs a program forward and keeps every tensor. The caller disposes them (a tf.tidy around does). */
export function runForward(who: string, program: Program, xs: readonly tf.Tensor[]): Activations {
  const values: Activations = new Map(program.inputs.map((id, i) => [id, xs[i] as tf.Tensor]));
  for (const step of program.steps) {
    if (isDisposed(step.node.layer))
      throw new DisposedError(`${who}: ${nameOf(step)} is disposed, with its model`);
    const inputs = step.inputs.map((id) => values.get(id) as tf.Tensor);
    const outputs = inStep(who, step, () => tf.tidy(() => runStep(step, inputs)));
    step.outputs.forEach((id, i) => values.set(id, outputs[i] as tf.Tensor));
  }
  return values;
}

function runStep(step: Step, xs: readonly tf.Tensor[]): tf.Tensor[] {
  if (!isLinear(step)) return runNonlinear(step, xs);
  const { kernel, bias } = weightsOf(step);
  const y = applyLinear(step, xs, kernel);
  return [bias === null ? y : tf.add(y, bias)];
}

/** The relevance that arrived. */
export interface Reversed {
  /** At each input of the program; zeros where nothing arrives. */
  readonly inputs: tf.Tensor[];
  /** At the biases of all steps together, `[n]`; null where no rule gives them any. */
  readonly biases: tf.Tensor1D | null;
}

/**
 * Runs a program backwards: `head` is the relevance of its outputs by id; each step hands on what its outputs got, through
 * its rule; where a tensor feeds several steps their relevances add up. The caller disposes what comes (a tf.tidy around
 * does).
 *
 * @param rules the rule of each step, by its place in the program
 */
export function runBackward(
  who: string,
  program: Program,
  values: Activations,
  head: ReadonlyMap<number, tf.Tensor>,
  rules: readonly Rule[],
): Reversed {
  const relevance = new Map(head);
  const taken: tf.Tensor1D[] = [];
  for (let at = program.steps.length - 1; at >= 0; at--) {
    const step = program.steps[at] as Step;
    const rs = step.outputs.map((id) => relevance.get(id) ?? null);
    if (rs.every((r) => r === null)) continue;
    const xs = step.inputs.map((id) => values.get(id) as tf.Tensor);
    const ys = step.outputs.map((id) => values.get(id) as tf.Tensor);
    const handedOn = inStep(who, step, () =>
      tf.tidy(() => ({ ...reverseStep(rules[at] as Rule, step, xs, ys, rs) })),
    );
    taken.push(...handedOn.taken);
    step.inputs.forEach((id, i) => {
      const more = handedOn.inputs[i] as tf.Tensor;
      const before = relevance.get(id);
      relevance.set(id, before === undefined ? more : tf.add(before, more));
    });
  }
  return {
    inputs: program.inputs.map((id) => relevance.get(id) ?? tf.zerosLike(values.get(id) as tf.Tensor)),
    biases: taken.length > 0 ? tf.addN(taken) : null,
  };
}

function reverseStep(
  rule: Rule,
  step: Step,
  xs: readonly tf.Tensor[],
  ys: readonly tf.Tensor[],
  rs: readonly (tf.Tensor | null)[],
): HandedOn {
  const r = rs[0] as tf.Tensor;
  switch (rule.kind) {
    case "pass":
      return { inputs: [tf.reshape(r, r.shape)], taken: [] };
    case "gradient":
      return { inputs: gradientOf(step, xs, ys, rs), taken: [] };
    case "shares":
      if (!isLinear(step)) throw new RangeError(`a rule of shares is for linear steps, not for ${step.kind}`);
      return applyLinearRule(rule.shares, { step, xs, y: ys[0] as tf.Tensor, r });
    default:
      return rule satisfies never;
  }
}

function gradientOf(
  step: Step,
  xs: readonly tf.Tensor[],
  ys: readonly tf.Tensor[],
  rs: readonly (tf.Tensor | null)[],
): tf.Tensor[] {
  if (!isLinear(step)) return gradientOfNonlinear(step, rs, xs, ys);
  const shapes = xs.map((x) => x.shape);
  return transposeLinear(step, rs[0] as tf.Tensor, weightsOf(step).kernel, shapes);
}

/** Says of an error of tfjs's in which step it came, and what would help where a backend lacks a kernel. */
function inStep<T>(who: string, step: Step, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TracelightError) throw error;
    const { layer } = step.node;
    const message = error instanceof Error ? error.message : String(error);
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
