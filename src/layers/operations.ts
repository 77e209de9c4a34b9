/**
 * What Keras's bare operations do, by class name (https://keras.io/api/ops/, Keras 3.15). Arguments come as Keras saves
 * them: positional ones, and named ones of the call and of the operation's own config together.
 */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { constantOf } from "./constantOf.js";
import { einsum } from "./einsum.js";
import { activationNamed } from "./internals.js";
import { axisOf } from "./OwnLayer.js";

type Named = Record<string, unknown>;
type Run = (args: unknown[], named: Named) => tf.Tensor | tf.Tensor[];
type Operand = tf.Tensor | number;

/** Argument `at`, or the one of that name. */
function argument<T>(args: unknown[], named: Named, at: number, name: string, otherwise?: T): T {
  const value = args.length > at ? args[at] : named[name];
  return (value === undefined ? otherwise : value) as T;
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor;
const asTensor = (value: unknown): tf.Tensor => (isTensor(value) ? value : tf.tensor(value as number));
const float = (x: tf.Tensor) => (x.dtype === "float32" ? x : tf.cast(x, "float32"));

function unary(run: (x: tf.Tensor) => tf.Tensor): Run {
  return (args, named) => run(argument<tf.Tensor>(args, named, 0, "x"));
}

/** x1 and x2, of one type, numbers as tensors. */
function binary(run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Run {
  return (args, named) => {
    const operands = [argument<Operand>(args, named, 0, "x1"), argument<Operand>(args, named, 1, "x2")];
    const tensors = operands.filter(isTensor);
    const floats =
      tensors.some((t) => t.dtype === "float32") ||
      operands.some((n) => !isTensor(n) && !Number.isInteger(n));
    const [a, b] = operands.map((operand) => {
      if (!isTensor(operand))
        return floats ? tf.tensor(operand) : tf.tensor(operand, undefined, tensors[0]?.dtype ?? "float32");
      return floats ? float(operand) : operand;
    }) as [tf.Tensor, tf.Tensor];
    return run(a, b);
  };
}

function axesOf(axis: unknown, rank: number): number[] | undefined {
  if (axis === null || axis === undefined) return undefined;
  return [axis as number].flat().map((n) => axisOf(n, rank));
}

function reduction(run: (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor): Run {
  return (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axes = axesOf(argument(args, named, 1, "axis"), x.rank);
    return run(x, axes, argument(args, named, 2, "keepdims", false));
  };
}

/** True and false have no gradient; tfjs would fail for want of one. */
function comparison(run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Run {
  const compare = (a: tf.Tensor, b: tf.Tensor) =>
    tf.customGrad((x, y) => ({
      value: run(x as tf.Tensor, y as tf.Tensor),
      gradFunc: () => [tf.zerosLike(a), tf.zerosLike(b)],
    }))(a, b);
  return binary((a, b) =>
    compare(a.dtype === "bool" ? tf.cast(a, "int32") : a, b.dtype === "bool" ? tf.cast(b, "int32") : b),
  );
}

const bool = (x: tf.Tensor) => (x.dtype === "bool" ? x : constantOf(x, (t) => tf.notEqual(t, 0)));

/** `numpy`'s variance, or its root. */
const variance = reduction((x, axes, keepDims) => {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  return tf.mean(tf.square(centred), axes, keepDims);
});

function activation(name: string): Run {
  return unary((x) => activationNamed(name).apply(x));
}

/** x[key] of NumPy, with whole numbers, slices, ellipsis and new axes. Steps are taken by gathering, which has a gradient. */
const getItem: Run = (args, named) => {
  let x = argument<tf.Tensor>(args, named, 0, "x");
  const key = argument<unknown>(args, named, 1, "key");
  const parts = Array.isArray(key) ? [...key] : [key];
  const isEllipsis = (part: unknown) => typeof part === "object" && part !== null && "ellipsis" in part;
  const used = parts.filter((part) => part !== null && !isEllipsis(part)).length;
  const whole = { slice: [null, null, null] };
  const at = parts.findIndex(isEllipsis);
  if (at >= 0) parts.splice(at, 1, ...new Array(x.rank - used).fill(whole));
  let axis = 0;
  for (const part of parts) {
    if (part === null) {
      x = tf.expandDims(x, axis++);
    } else if (typeof part === "number") {
      const index = part < 0 ? part + (x.shape[axis] as number) : part;
      x = tf.squeeze(sliced(x, axis, index, 1), [axis]);
    } else if (typeof part === "object" && "slice" in part) {
      x = stepped(x, axis++, (part as { slice: (number | null)[] }).slice);
    } else {
      throw new ArgumentError(`GetItem: expected whole numbers and slices, got ${JSON.stringify(part)}`);
    }
  }
  return x;
};

function sliced(x: tf.Tensor, axis: number, begin: number, length: number): tf.Tensor {
  return tf.slice(
    x,
    x.shape.map((_, i) => (i === axis ? begin : 0)),
    x.shape.map((n, i) => (i === axis ? length : n)),
  );
}

function stepped(x: tf.Tensor, axis: number, [start, stop, step]: (number | null)[]): tf.Tensor {
  const length = x.shape[axis] as number;
  const by = step ?? 1;
  const clip = (n: number, low: number, high: number) =>
    Math.min(high, Math.max(low, n < 0 ? n + length : n));
  const first =
    start == null ? (by > 0 ? 0 : length - 1) : clip(start, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
  const last =
    stop == null ? (by > 0 ? length : -1) : clip(stop, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
  const count = Math.max(0, Math.ceil((last - first) / by));
  if (by === 1) return count === length ? x : sliced(x, axis, first, count);
  const indices = Int32Array.from({ length: count }, (_, i) => first + i * by);
  return tf.gather(x, tf.tensor1d(indices, "int32"), axis);
}

/** Shapes in operations may have one -1. */
const reshape: Run = (args, named) => {
  const shape = argument<number[]>(args, named, 1, "newshape", named.shape as number[]);
  return tf.reshape(
    argument<tf.Tensor>(args, named, 0, "x"),
    [shape].flat().map((n) => n ?? -1),
  );
};

const matmul = binary((a, b) => {
  if (a.rank === 1 || b.rank === 1) {
    const left = a.rank === 1 ? tf.expandDims(a, 0) : a;
    const right = b.rank === 1 ? tf.expandDims(b, 1) : b;
    const y = tf.matMul(left, right);
    const drop = [...(a.rank === 1 ? [y.rank - 2] : []), ...(b.rank === 1 ? [y.rank - 1] : [])];
    return tf.squeeze(y, drop);
  }
  return tf.matMul(a, b);
});

const softmax: Run = (args, named) => {
  const x = argument<tf.Tensor>(args, named, 0, "x");
  const axes = axesOf(argument(args, named, 1, "axis", -1), x.rank);
  const e = tf.exp(tf.sub(x, tf.max(x, axes, true)));
  return tf.div(e, tf.sum(e, axes, true));
};

/** Every operation that is done; what is not here is refused by name when a model is opened. */
export const operations: Readonly<Record<string, Run>> = {
  Add: binary(tf.add),
  Subtract: binary(tf.sub),
  Multiply: binary(tf.mul),
  Divide: binary((a, b) => tf.div(float(a), float(b))),
  TrueDivide: binary((a, b) => tf.div(float(a), float(b))),
  FloorDivide: binary((a, b) => tf.floor(tf.div(float(a), float(b)))),
  Mod: binary(tf.mod),
  Power: binary(tf.pow),
  Maximum: binary(tf.maximum),
  Minimum: binary(tf.minimum),
  SquaredDifference: binary((a, b) => tf.square(tf.sub(a, b))),
  Negative: unary(tf.neg),
  Absolute: unary(tf.abs),
  Abs: unary(tf.abs),
  Exp: unary(tf.exp),
  Expm1: unary(tf.expm1),
  Log: unary(tf.log),
  Log1p: unary(tf.log1p),
  Log2: unary((x) => tf.div(tf.log(x), Math.LN2)),
  Log10: unary((x) => tf.div(tf.log(x), Math.LN10)),
  Sqrt: unary(tf.sqrt),
  Rsqrt: unary(tf.rsqrt),
  Square: unary(tf.square),
  Reciprocal: unary(tf.reciprocal),
  Sign: unary(tf.sign),
  Floor: unary(tf.floor),
  Ceil: unary(tf.ceil),
  Round: unary(tf.round),
  Sin: unary(tf.sin),
  Cos: unary(tf.cos),
  Tan: unary(tf.tan),
  Arctan: unary(tf.atan),
  Sinh: unary(tf.sinh),
  Cosh: unary(tf.cosh),
  Tanh: unary(tf.tanh),
  Erf: unary(tf.erf),
  Identity: unary((x) => x.clone()),
  Copy: unary((x) => x.clone()),
  StopGradient: unary((x) => constantOf(x, (t) => t.clone())),
  ZerosLike: unary((x) => constantOf(x, (t) => tf.zerosLike(t))),
  OnesLike: unary((x) => constantOf(x, (t) => tf.onesLike(t))),

  Mean: reduction((x, axes, keepDims) => tf.mean(x, axes, keepDims)),
  Sum: reduction((x, axes, keepDims) => tf.sum(x, axes, keepDims)),
  Max: reduction((x, axes, keepDims) => tf.max(x, axes, keepDims)),
  Amax: reduction((x, axes, keepDims) => tf.max(x, axes, keepDims)),
  Min: reduction((x, axes, keepDims) => tf.min(x, axes, keepDims)),
  Amin: reduction((x, axes, keepDims) => tf.min(x, axes, keepDims)),
  Prod: reduction((x, axes, keepDims) => tf.prod(x, axes, keepDims)),
  Logsumexp: reduction((x, axes, keepDims) => tf.logSumExp(x, axes, keepDims)),
  Var: variance,
  Std: (args, named) => tf.sqrt(variance(args, named) as tf.Tensor),
  Norm: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const order = argument<unknown>(args, named, 1, "ord");
    if (order !== null && order !== undefined && order !== 2 && order !== "euclidean") {
      throw new ArgumentError(`Norm: expected the Euclidean norm, got ord ${String(order)}`);
    }
    const axes = axesOf(argument(args, named, 2, "axis"), x.rank);
    return tf.sqrt(tf.sum(tf.square(x), axes, argument(args, named, 3, "keepdims", false)));
  },
  Any: reduction((x, axes, keepDims) => tf.any(bool(x), axes, keepDims)),
  All: reduction((x, axes, keepDims) => tf.all(bool(x), axes, keepDims)),
  Argmax: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axis = argument<number | null>(args, named, 1, "axis", null);
    return axis === null ? tf.argMax(tf.reshape(x, [-1]), 0) : tf.argMax(x, axisOf(axis, x.rank));
  },
  Cumsum: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axis = argument<number | null>(args, named, 1, "axis", null);
    return axis === null ? tf.cumsum(tf.reshape(x, [-1]), 0) : tf.cumsum(x, axisOf(axis, x.rank));
  },

  Equal: comparison(tf.equal),
  NotEqual: comparison(tf.notEqual),
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  LogicalAnd: (args, named) =>
    tf.logicalAnd(
      bool(asTensor(argument(args, named, 0, "x1"))),
      bool(asTensor(argument(args, named, 1, "x2"))),
    ),
  LogicalOr: (args, named) =>
    tf.logicalOr(
      bool(asTensor(argument(args, named, 0, "x1"))),
      bool(asTensor(argument(args, named, 1, "x2"))),
    ),
  LogicalNot: unary((x) => tf.logicalNot(bool(x))),
  Where: (args, named) => {
    const condition = bool(argument<tf.Tensor>(args, named, 0, "condition"));
    const a = float(asTensor(argument(args, named, 1, "x1")));
    const b = float(asTensor(argument(args, named, 2, "x2")));
    // By products, as tfjs's gradient of where does not undo broadcasting.
    const chosen = tf.cast(condition, "float32");
    return tf.add(tf.mul(chosen, a), tf.mul(tf.sub(1, chosen), b));
  },
  Clip: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    return tf.clipByValue(x, argument(args, named, 1, "x_min"), argument(args, named, 2, "x_max"));
  },
  Cast: (args, named) => {
    const dtype = argument<string>(args, named, 1, "dtype");
    const type = dtype === "bool" ? "bool" : dtype.includes("int") ? "int32" : "float32";
    const x = argument<tf.Tensor>(args, named, 0, "x");
    return type === "float32" ? tf.cast(x, type) : constantOf(x, (t) => tf.cast(t, type));
  },

  GetItem: getItem,
  Reshape: reshape,
  Transpose: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    return tf.transpose(x, argument<number[] | undefined>(args, named, 1, "axes", undefined) ?? undefined);
  },
  Swapaxes: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const order = x.shape.map((_, i) => i);
    const a = axisOf(argument(args, named, 1, "axis1"), x.rank);
    const b = axisOf(argument(args, named, 2, "axis2"), x.rank);
    [order[a], order[b]] = [b, a];
    return tf.transpose(x, order);
  },
  Squeeze: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axes =
      axesOf(argument(args, named, 1, "axis"), x.rank) ?? x.shape.flatMap((n, i) => (n === 1 ? [i] : []));
    return tf.reshape(
      x,
      x.shape.filter((_, i) => !axes.includes(i)),
    );
  },
  ExpandDims: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axes = [argument<number | number[]>(args, named, 1, "axis")].flat();
    const rank = x.rank + axes.length;
    return axes
      .map((axis) => axisOf(axis, rank))
      .sort((a, b) => a - b)
      .reduce((y, axis) => tf.expandDims(y, axis), x);
  },
  Ravel: unary((x) => tf.reshape(x, [-1])),
  Concatenate: (args, named) => {
    const xs = argument<tf.Tensor[]>(args, named, 0, "xs");
    return tf.concat(xs, axisOf(argument(args, named, 1, "axis", 0), (xs[0] as tf.Tensor).rank));
  },
  Stack: (args, named) => {
    const xs = argument<tf.Tensor[]>(args, named, 0, "xs");
    return tf.stack(xs, axisOf(argument(args, named, 1, "axis", 0), (xs[0] as tf.Tensor).rank + 1));
  },
  Split: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axis = axisOf(argument(args, named, 2, "axis", 0), x.rank);
    const parts = argument<number | number[]>(args, named, 1, "indices_or_sections");
    if (typeof parts === "number") return tf.split(x, parts, axis);
    const ends = [...parts, x.shape[axis] as number];
    return ends.map((end, i) =>
      sliced(x, axis, i === 0 ? 0 : (ends[i - 1] as number), end - (i === 0 ? 0 : (ends[i - 1] as number))),
    );
  },
  Flip: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    return tf.reverse(x, axesOf(argument(args, named, 1, "axis"), x.rank));
  },
  Tile: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const repeats = [argument<number | number[]>(args, named, 1, "repeats")].flat();
    const ones = new Array(Math.max(0, x.rank - repeats.length)).fill(1);
    return tf.tile(tf.reshape(x, [...new Array(Math.max(0, repeats.length - x.rank)).fill(1), ...x.shape]), [
      ...ones,
      ...repeats,
    ]);
  },
  Repeat: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const repeats = argument<number>(args, named, 1, "repeats");
    const axis = argument<number | null>(args, named, 2, "axis", null);
    const flat = axis === null ? tf.reshape(x, [-1]) : x;
    const along = axisOf(axis ?? 0, flat.rank);
    const wide = tf.expandDims(flat, along + 1);
    const times = wide.shape.map((_, i) => (i === along + 1 ? repeats : 1));
    return tf.reshape(
      tf.tile(wide, times),
      flat.shape.map((n, i) => (i === along ? n * repeats : n)),
    );
  },
  Pad: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const width = argument<number | number[] | number[][]>(args, named, 1, "pad_width");
    const mode = argument<string>(args, named, 2, "mode", "constant");
    if (mode !== "constant") throw new ArgumentError(`Pad: expected mode constant, got ${mode}`);
    const pairs = x.shape.map((_, i): [number, number] => {
      if (typeof width === "number") return [width, width];
      const pair = Array.isArray(width[0]) ? (width.length === 1 ? width[0] : width[i]) : width;
      return pair as [number, number];
    });
    return tf.pad(x, pairs, argument<number | null>(args, named, 3, "constant_values", 0) ?? 0);
  },
  BroadcastTo: (args, named) =>
    tf.broadcastTo(argument<tf.Tensor>(args, named, 0, "x"), argument(args, named, 1, "shape")),
  Take: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axis = argument<number | null>(args, named, 2, "axis", null);
    const indices = asTensor(argument(args, named, 1, "indices"));
    return tf.gather(
      axis === null ? tf.reshape(x, [-1]) : x,
      tf.cast(indices, "int32"),
      axisOf(axis ?? 0, x.rank),
    );
  },
  OneHot: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axis = argument<number>(args, named, 2, "axis", -1);
    if (axis !== -1 && axis !== x.rank) throw new ArgumentError(`OneHot: expected axis -1, got ${axis}`);
    return tf.oneHot(tf.cast(x, "int32"), argument(args, named, 1, "num_classes"));
  },
  Matmul: matmul,
  Dot: matmul,
  Einsum: (args, named) => {
    const subscripts = (args[0] ?? named.subscripts) as string;
    const [x, y] = args.filter(isTensor) as [tf.Tensor, tf.Tensor];
    const [, a, b, out] = /^(\w+),(\w+)->(\w+)$/.exec(subscripts.replace(/\s/g, "")) ?? [];
    if (a === undefined || b === undefined || out === undefined || y === undefined) {
      throw new ArgumentError(
        `Einsum: expected two operands and an equation such as ab,bc->ac, got ${subscripts}`,
      );
    }
    return einsum({ a, b, out }, x, y);
  },

  Relu: unary(tf.relu),
  Relu6: unary(tf.relu6),
  Sigmoid: unary(tf.sigmoid),
  Softplus: unary(tf.softplus),
  Softsign: unary((x) => tf.div(x, tf.add(1, tf.abs(x)))),
  Elu: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const below = tf.mul(argument(args, named, 1, "alpha", 1), tf.expm1(tf.minimum(x, 0)));
    return tf.where(
      constantOf(x, (t) => tf.greater(t, 0)),
      x,
      below,
    );
  },
  Selu: unary(tf.selu),
  Gelu: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    return activationNamed(argument(args, named, 1, "approximate", true) ? "geluTanh" : "gelu").apply(x);
  },
  LeakyRelu: (args, named) =>
    tf.leakyRelu(argument(args, named, 0, "x"), argument(args, named, 1, "negative_slope", 0.2)),
  Silu: activation("silu"),
  LogSigmoid: activation("logSigmoid"),
  HardSigmoid: activation("hardSigmoid3"),
  HardSilu: activation("hardSilu"),
  HardTanh: activation("hardTanh"),
  Squareplus: activation("squareplus"),
  TanhShrink: activation("tanhShrink"),
  Softmax: softmax,
  LogSoftmax: (args, named) => {
    const x = argument<tf.Tensor>(args, named, 0, "x");
    const axes = axesOf(argument(args, named, 1, "axis", -1), x.rank);
    const centred = tf.sub(x, tf.max(x, axes, true));
    return tf.sub(centred, tf.log(tf.sum(tf.exp(centred), axes, true)));
  },
};
