/** Operations that make one number of many, or order them. */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { constantOf } from "../constantOf.js";
import { axisOf } from "../OwnLayer.js";
import {
  type Arguments,
  alongAxis,
  atTheEnd,
  axes,
  axis,
  bool,
  float,
  int,
  type OperationRule,
  option,
  rule,
  takeInRows,
  tensor,
} from "./rule.js";

function reduction(
  run: (x: tf.Tensor, over: number[] | undefined, keepDims: boolean) => tf.Tensor,
): OperationRule {
  return rule("x axis keepdims", (args) => {
    const x = tensor(args);
    return run(x, axes(args, x.rank), option(args, "keepdims", false));
  });
}

/** numpy's variance. */
function varianceOf(x: tf.Tensor, over: number[] | undefined, keepDims: boolean): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, over, true));
  return tf.mean(tf.square(centred), over, keepDims);
}

const variance = (x: tf.Tensor, over: number[] | undefined, keepDims: boolean) =>
  varianceOf(float(x), over, keepDims);

function extremum(run: typeof tf.max): OperationRule {
  return rule("x axis keepdims initial", (args) => {
    if (option(args, "initial", null) !== null)
      throw new ArgumentError("Max and Min: expected no initial value");
    const x = tensor(args);
    return run(x, axes(args, x.rank), option(args, "keepdims", false));
  });
}

function position(run: typeof tf.argMax): OperationRule {
  return rule("x axis keepdims", (args) => {
    const { x, along } = alongAxis(args, null);
    const found = constantOf(x, (t) => run(t, along));
    return option(args, "keepdims", false) ? tf.expandDims(found, along) : found;
  });
}

/** Indices that put the last axis in ascending order, equal ones as they were. */
function ascending(x: tf.Tensor): tf.Tensor {
  const n = x.shape.at(-1) as number;
  return constantOf(x, (t) => tf.topk(tf.neg(t), n).indices);
}

/** The norm of a vector along each axis, or of a matrix over two. @source keras.ops.norm */
function norm(x: tf.Tensor, order: unknown, over: number[] | undefined, keepDims: boolean): tf.Tensor {
  const count = over?.length ?? x.rank;
  const sum = (y: tf.Tensor) => tf.sum(y, over, keepDims);
  const euclidean = () => tf.sqrt(sum(tf.square(x)));
  if (order === null || order === undefined) return euclidean();
  if (count === 2 && (order === "fro" || order === "euclidean")) return euclidean();
  if (count === 1) {
    if (order === 2 || order === "euclidean") return euclidean();
    if (order === 1) return sum(tf.abs(x));
    if (order === Number.POSITIVE_INFINITY || order === "inf") return tf.max(tf.abs(x), over, keepDims);
    if (order === Number.NEGATIVE_INFINITY || order === "-inf") return tf.min(tf.abs(x), over, keepDims);
    if (typeof order === "number" && order > 0) return tf.pow(sum(tf.pow(tf.abs(x), order)), 1 / order);
  }
  throw new ArgumentError(`Norm: over ${count} axes, the order ${String(order)} is not supported`);
}

function normalized(x: tf.Tensor, args: Arguments): tf.Tensor {
  const over = axes({ axis: option(args, "axis", -1) }, x.rank);
  const order = option(args, "order", 2);
  const epsilon = option<number | null>(args, "epsilon", null) ?? 1e-7;
  if (order === 2) {
    const inverse = tf.rsqrt(tf.sum(tf.square(x), over, true));
    return tf.mul(x, tf.minimum(inverse, 1 / epsilon));
  }
  return tf.div(x, tf.maximum(norm(x, order, over, true), epsilon));
}

export const reductions: Readonly<Record<string, OperationRule>> = {
  Mean: reduction((x, over, keepDims) => tf.mean(float(x), over, keepDims)),
  Sum: reduction((x, over, keepDims) => tf.sum(x, over, keepDims)),
  Max: extremum(tf.max),
  Amax: reduction((x, over, keepDims) => tf.max(x, over, keepDims)),
  Min: extremum(tf.min),
  Amin: reduction((x, over, keepDims) => tf.min(x, over, keepDims)),
  Ptp: reduction((x, over, keepDims) => tf.sub(tf.max(x, over, keepDims), tf.min(x, over, keepDims))),
  Prod: rule("x axis keepdims dtype", (args) => {
    const x = tensor(args);
    return tf.prod(x, axes(args, x.rank), option(args, "keepdims", false));
  }),
  Logsumexp: reduction((x, over, keepDims) => tf.logSumExp(float(x), over, keepDims)),
  Var: reduction(variance),
  Std: reduction((x, over, keepDims) => tf.sqrt(variance(x, over, keepDims))),
  Norm: rule("x ord axis keepdims", (args) => {
    const x = float(tensor(args));
    return norm(x, args.ord, axes(args, x.rank), option(args, "keepdims", false));
  }),
  Normalize: rule("x axis order epsilon", (args) => normalized(float(tensor(args)), args)),
  Moments: rule("x axes keepdims synchronized", (args) => {
    const x = float(tensor(args));
    const over = axes(args, x.rank, "axes");
    const keepDims = option(args, "keepdims", false);
    return [tf.mean(x, over, keepDims), varianceOf(x, over, keepDims)];
  }),
  Average: rule("x weights axis", (args) => {
    const x = float(tensor(args));
    const over = axes(args, x.rank);
    if (args.weights == null) return tf.mean(x, over);
    let weights = float(tensor(args, "weights"));
    if (weights.rank !== x.rank) {
      const [along] = over ?? [];
      if (weights.rank !== 1 || along === undefined)
        throw new ArgumentError(
          `Average: weights of rank ${weights.rank} for x of rank ${x.rank} need one axis`,
        );
      weights = tf.reshape(
        weights,
        x.shape.map((_, i) => (i === along ? weights.size : 1)),
      );
    }
    return tf.div(tf.sum(tf.mul(x, weights), over), tf.sum(tf.mul(tf.onesLike(x), weights), over));
  }),
  Any: reduction((x, over, keepDims) => tf.any(bool(x), over, keepDims)),
  All: reduction((x, over, keepDims) => tf.all(bool(x), over, keepDims)),
  CountNonzero: rule("x axis", (args) => {
    const x = tensor(args);
    return tf.sum(int(bool(x)), axes(args, x.rank));
  }),
  Argmax: position(tf.argMax),
  Argmin: position(tf.argMin),
  Cumsum: rule("x axis dtype", (args) => {
    const { x, along } = alongAxis(args, null);
    return tf.cumsum(x, along);
  }),
  Sort: rule("x axis", (args) => {
    const { x, along } = alongAxis(args, -1);
    return atTheEnd(x, along, (last) => takeInRows(last, ascending(last)));
  }),
  Argsort: rule("x axis", (args) => {
    const { x, along } = alongAxis(args, -1);
    return atTheEnd(x, along, ascending);
  }),
  TopK: rule("x k sorted", (args) => {
    const x = tensor(args);
    const indices = constantOf(x, (t) => tf.topk(t, args.k as number).indices);
    return [takeInRows(x, indices), indices];
  }),

  // x less its mean, over its deviation; of LayerNorm over axes side by side to the end, as gamma and beta are.
  LayerNorm: rule("x gamma beta axis epsilon rms_scaling", (args) => {
    const x = float(tensor(args));
    const over = axes({ axis: option(args, "axis", -1) }, x.rank);
    const epsilon = option<number | null>(args, "epsilon", null) ?? 1e-7;
    if (option(args, "rms_scaling", false))
      throw new ArgumentError("LayerNorm: rms_scaling is not supported");
    const centred = tf.sub(x, tf.mean(x, over, true));
    const y = tf.mul(centred, tf.rsqrt(tf.add(varianceOf(x, over, true), epsilon)));
    return scaled(y, over ?? [], args.gamma, args.beta);
  }),
  RMSNorm: rule("x scale axis epsilon", (args) => {
    const x = float(tensor(args));
    const over = axes({ axis: option(args, "axis", -1) }, x.rank);
    const epsilon = option<number | null>(args, "epsilon", null) ?? 1e-7;
    const y = tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), over, true), epsilon)));
    return scaled(y, over ?? [], args.scale, null);
  }),
  BatchNorm: rule("x mean variance offset scale axis epsilon", (args) => {
    const x = float(tensor(args));
    const along = axis(args, x.rank, -1);
    const at = (name: string) =>
      tf.reshape(
        float(tensor(args, name)),
        x.shape.map((n, i) => (i === along ? n : 1)),
      );
    const inverse = tf.rsqrt(tf.add(at("variance"), option(args, "epsilon", 1e-3)));
    const factor = args.scale == null ? inverse : tf.mul(inverse, at("scale"));
    const y = tf.mul(tf.sub(x, at("mean")), factor);
    return args.offset == null ? y : tf.add(y, at("offset"));
  }),
};

/** y by a factor and a term with a value for each place of some axes. */
function scaled(y: tf.Tensor, over: readonly number[], factor: unknown, term: unknown): tf.Tensor {
  const shape = y.shape.map((n, i) => (over.includes(axisOf(i, y.rank)) ? n : 1));
  const at = (value: unknown) => tf.reshape(float(tensor({ value }, "value")), shape);
  const times = factor == null ? y : tf.mul(y, at(factor));
  return term == null ? times : tf.add(times, at(term));
}
