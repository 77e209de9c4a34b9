/** What the operations are written with: a rule each, which names its arguments and computes with them. */
import * as tf from "@tensorflow/tfjs";
import { constantOf } from "../constantOf.js";
import { axisOf } from "../OwnLayer.js";

export type Arguments = Readonly<Record<string, unknown>>;
export type Run = (args: Arguments) => tf.Tensor | tf.Tensor[];

export interface OperationRule {
  /** Its arguments, in the order of a call that does not name them. */
  readonly takes: readonly string[];
  readonly run: Run;
  /** The operation of Keras that a function of TensorFlow's is. */
  readonly as?: string;
}

/** A rule, its arguments in one text: those of Keras's `call`, then those of its constructor. */
export function rule(takes: string, run: Run, as?: string): OperationRule {
  return { takes: takes.split(" "), run, ...(as === undefined ? {} : { as }) };
}

/** Arguments by name: those that were given by place first. */
export function namedArguments(
  { takes }: OperationRule,
  args: readonly unknown[],
  named: Arguments,
): Arguments {
  return { ...named, ...Object.fromEntries(args.map((value, i) => [takes[i], value])) };
}

export const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor;
export const asTensor = (value: unknown): tf.Tensor => (isTensor(value) ? value : tf.tensor(value as number));
export const float = (x: tf.Tensor) => (x.dtype === "float32" ? x : tf.cast(x, "float32"));
export const int = (x: tf.Tensor) => (x.dtype === "int32" ? x : tf.cast(x, "int32"));
export const bool = (x: tf.Tensor) => (x.dtype === "bool" ? x : constantOf(x, (t) => tf.notEqual(t, 0)));
/** Keras computes with True and False as with 1 and 0. */
const number = (x: tf.Tensor) => (x.dtype === "bool" ? int(x) : x);

/** The argument of that name; `otherwise` where there is none. */
export function option<T>(args: Arguments, name: string, otherwise: T): T {
  const value = args[name];
  return value === undefined ? otherwise : (value as T);
}

export function tensor(args: Arguments, name = "x"): tf.Tensor {
  return asTensor(args[name]);
}

/** The axes of an argument, counted from the front; undefined where it has none. */
export function axes(args: Arguments, rank: number, name = "axis"): number[] | undefined {
  const axis = args[name];
  if (axis === null || axis === undefined) return undefined;
  return [axis as number].flat().map((n) => axisOf(n, rank));
}

/** The one axis of an argument, counted from the front. */
export function axis(args: Arguments, rank: number, otherwise: number, name = "axis"): number {
  return axisOf(option<number | null>(args, name, otherwise) ?? otherwise, rank);
}

/** x and its axis, or x in one row where the axis is None. */
export function alongAxis(args: Arguments, otherwise: number | null): { x: tf.Tensor; along: number } {
  const x = tensor(args);
  const given = option<number | null>(args, "axis", otherwise);
  return given === null ? { x: tf.reshape(x, [-1]), along: 0 } : { x, along: axisOf(given, x.rank) };
}

export function unary(run: (x: tf.Tensor) => tf.Tensor): OperationRule {
  return rule("x", (args) => run(tensor(args)));
}

/** Of floats; whole numbers are made so. */
export function unaryOfFloats(run: (x: tf.Tensor) => tf.Tensor): OperationRule {
  return unary((x) => run(float(x)));
}

type Operand = tf.Tensor | number | boolean | unknown[];

/** Two operands in one type: floats if one of them is. */
export function pair(a: Operand, b: Operand): [tf.Tensor, tf.Tensor] {
  const whole = (value: Operand): boolean =>
    isTensor(value)
      ? value.dtype !== "float32"
      : Array.isArray(value)
        ? value.every((v) => whole(v as Operand))
        : typeof value === "boolean" || Number.isInteger(value);
  // Python's whole numbers take the type of the tensor beside them.
  const ints = whole(a) && whole(b) && (isTensor(a) || isTensor(b));
  return [a, b].map((value) => {
    if (!ints) return isTensor(value) ? float(value) : tf.tensor(value as number, undefined, "float32");
    return isTensor(value) ? number(value) : tf.tensor(value as number, undefined, "int32");
  }) as [tf.Tensor, tf.Tensor];
}

export function operands(args: Arguments): [tf.Tensor, tf.Tensor] {
  return pair(args.x1 as Operand, args.x2 as Operand);
}

export function binary(run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): OperationRule {
  return rule("x1 x2", (args) => run(...operands(args)));
}

/** Of floats: Keras divides whole numbers into floats. */
export function binaryOfFloats(run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): OperationRule {
  return binary((a, b) => run(float(a), float(b)));
}

/** What `run` makes of two tensors, with no gradient: tfjs would fail for want of one. */
export function constantOfTwo(
  a: tf.Tensor,
  b: tf.Tensor,
  run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  return tf.customGrad((x, y) => ({
    value: run(x as tf.Tensor, y as tf.Tensor),
    gradFunc: () => [tf.zeros(a.shape), tf.zeros(b.shape)],
  }))(a, b);
}

export function comparison(run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): OperationRule {
  return binary((a, b) => constantOfTwo(a, b, run));
}

/** a where the condition holds, else b, all broadcast: by tfjs's where, whose gradient does not undo broadcasting. */
export function choose(condition: tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const shape = [condition, a, b]
    .map((t) => t.shape)
    .reduce((left, right) => tf.broadcast_util.assertAndGetBroadcastShape(left, right));
  return tf.where(tf.broadcastTo(condition, shape), tf.broadcastTo(a, shape), tf.broadcastTo(b, shape));
}

/** Elements `begin` to `begin + length` of one axis. */
export function sliced(x: tf.Tensor, along: number, begin: number, length: number): tf.Tensor {
  return tf.slice(
    x,
    x.shape.map((_, i) => (i === along ? begin : 0)),
    x.shape.map((n, i) => (i === along ? length : n)),
  );
}

/** x with an axis moved to the end, `run`, and moved back. */
export function atTheEnd(x: tf.Tensor, along: number, run: (last: tf.Tensor) => tf.Tensor): tf.Tensor {
  if (along === x.rank - 1) return run(x);
  const order = x.shape.map((_, i) => i);
  [order[along], order[x.rank - 1]] = [x.rank - 1, along];
  return tf.transpose(run(tf.transpose(x, order)), order);
}

/** For every row of x the elements that the row of indices names, along the last axis. */
export function takeInRows(x: tf.Tensor, indices: tf.Tensor): tf.Tensor {
  const n = x.shape.at(-1) as number;
  const rows = x.size / n;
  const places = constantOf(indices, (t) => {
    const starts = tf.expandDims(tf.mul(tf.range(0, rows, 1, "int32"), tf.scalar(n, "int32")), 1);
    return tf.reshape(tf.add(tf.reshape(int(t), [rows, -1]), starts), [-1]);
  });
  return tf.reshape(gathered(tf.reshape(x, [-1]), places), indices.shape);
}

/** Elements of a vector. tfjs's own gradient fails where the indices are computed from what is differentiated. */
function gathered(x: tf.Tensor, indices: tf.Tensor): tf.Tensor {
  return tf.customGrad((t, places, save) => {
    (save as unknown as (kept: tf.Tensor[]) => void)([places as tf.Tensor]);
    return {
      value: tf.gather(t as tf.Tensor, places as tf.Tensor1D),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [
        tf.unsortedSegmentSum(dy, saved[0] as tf.Tensor1D, x.size),
        tf.zeros(indices.shape),
      ],
    };
  })(x, indices);
}
