/** Operations on numbers by themselves. */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { constantOf } from "../constantOf.js";
import { activationNamed } from "../internals.js";
import {
  asTensor,
  axes,
  axis,
  binary,
  binaryOfFloats,
  bool,
  choose,
  comparison,
  constantOfTwo,
  float,
  int,
  type OperationRule,
  operands,
  option,
  pair,
  rule,
  tensor,
  unary,
  unaryOfFloats,
} from "./rule.js";

const activation = (name: string) => unaryOfFloats((x) => activationNamed(name).apply(x));

/** x where the condition holds of it, which has no gradient itself. */
const where = (x: tf.Tensor, holds: (x: tf.Tensor) => tf.Tensor, a: tf.Tensor, b: tf.Tensor) =>
  choose(constantOf(x, holds), a, b);

const shrunk = (x: tf.Tensor, threshold: number) =>
  tf.sub(tf.relu(tf.sub(x, threshold)), tf.relu(tf.sub(tf.neg(x), threshold)));

const logaddexp = (a: tf.Tensor, b: tf.Tensor) =>
  tf.add(tf.maximum(a, b), tf.log1p(tf.exp(tf.neg(tf.abs(tf.sub(a, b))))));

/** The largest of whole numbers is not told from those of floats by Keras either. */
const floorOfQuotient = (a: tf.Tensor, b: tf.Tensor) => {
  const quotient = tf.floor(tf.div(float(a), float(b)));
  return a.dtype === "int32" ? int(quotient) : quotient;
};

/** Elu and its kin: `scale * (exp(x) - 1)` below zero. */
const below = (x: tf.Tensor, value: tf.Tensor) => where(x, (t) => tf.greater(t, 0), x, value);

/** tf types that Keras's are computed in; narrower ones would lose what theirs lose. */
export function castTo(dtype: unknown, who: string): "float32" | "int32" | "bool" {
  const name = typeof dtype === "object" && dtype !== null ? (dtype as { name?: string }).name : dtype;
  if (name === "float32" || name === "float64" || name === "float" || name === "double") return "float32";
  if (name === "int32" || name === "int64" || name === "int" || name === "uint32") return "int32";
  if (name === "bool") return "bool";
  throw new ArgumentError(
    `${who}: expected dtype float32, float64, int32, int64, uint32 or bool, got ${String(name)}`,
  );
}

export function cast(x: tf.Tensor, dtype: "float32" | "int32" | "bool"): tf.Tensor {
  if (dtype === "float32") return tf.cast(x, dtype);
  return constantOf(x, (t) => (dtype === "bool" ? tf.notEqual(t, 0) : tf.cast(t, dtype)));
}

const roundHalfEven: OperationRule = rule("x decimals", (args) => {
  if (option(args, "decimals", 0) !== 0) throw new ArgumentError("Round: expected decimals 0");
  return tf.round(tensor(args));
});

const logical = (run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor) =>
  rule("x1 x2", (args) => constantOfTwo(bool(tensor(args, "x1")), bool(tensor(args, "x2")), run));

export const elementwise: Readonly<Record<string, OperationRule>> = {
  Add: binary(tf.add),
  Subtract: binary(tf.sub),
  Multiply: binary(tf.mul),
  Divide: binaryOfFloats(tf.div),
  TrueDivide: binaryOfFloats(tf.div),
  DivideNoNan: binaryOfFloats((a, b) => {
    const zero = constantOf(b, (t) => tf.equal(t, 0));
    return choose(zero, tf.zerosLike(b), tf.div(a, choose(zero, tf.onesLike(b), b)));
  }),
  FloorDivide: binary((a, b) => constantOfTwo(a, b, floorOfQuotient)),
  Mod: binary(tf.mod),
  Fmod: binary((a, b) => {
    const quotient = constantOfTwo(a, b, (x, y) => {
      const q = tf.div(float(x), float(y));
      return tf.mul(tf.sign(q), tf.floor(tf.abs(q)));
    });
    return tf.sub(a, tf.mul(quotient, b));
  }),
  Power: binary(tf.pow),
  Maximum: binary(tf.maximum),
  Minimum: binary(tf.minimum),
  SquaredDifference: binary((a, b) => tf.square(tf.sub(a, b))),
  Arctan2: binaryOfFloats(tf.atan2),
  Hypot: binaryOfFloats((a, b) => tf.sqrt(tf.add(tf.square(a), tf.square(b)))),
  Logaddexp: binaryOfFloats(logaddexp),

  Negative: unary(tf.neg),
  Absolute: unary(tf.abs),
  Abs: unary(tf.abs),
  Fabs: unaryOfFloats(tf.abs),
  Exp: unaryOfFloats(tf.exp),
  Exp2: unaryOfFloats((x) => tf.exp(tf.mul(x, Math.LN2))),
  Expm1: unaryOfFloats(tf.expm1),
  Log: unaryOfFloats(tf.log),
  Log1p: unaryOfFloats(tf.log1p),
  Log2: unaryOfFloats((x) => tf.div(tf.log(x), Math.LN2)),
  Log10: unaryOfFloats((x) => tf.div(tf.log(x), Math.LN10)),
  Sqrt: unaryOfFloats(tf.sqrt),
  Rsqrt: unaryOfFloats(tf.rsqrt),
  Square: unary(tf.square),
  Reciprocal: unaryOfFloats(tf.reciprocal),
  Sign: unary(tf.sign),
  Floor: unaryOfFloats(tf.floor),
  Ceil: unaryOfFloats(tf.ceil),
  Trunc: unaryOfFloats((x) => constantOf(x, (t) => tf.mul(tf.sign(t), tf.floor(tf.abs(t))))),
  Round: roundHalfEven,
  Sin: unaryOfFloats(tf.sin),
  Cos: unaryOfFloats(tf.cos),
  Tan: unaryOfFloats(tf.tan),
  Arcsin: unaryOfFloats(tf.asin),
  Arccos: unaryOfFloats(tf.acos),
  Arctan: unaryOfFloats(tf.atan),
  Sinh: unaryOfFloats(tf.sinh),
  Cosh: unaryOfFloats(tf.cosh),
  Tanh: unaryOfFloats(tf.tanh),
  Arcsinh: unaryOfFloats(tf.asinh),
  Arccosh: unaryOfFloats(tf.acosh),
  Arctanh: unaryOfFloats(tf.atanh),
  Erf: unaryOfFloats(tf.erf),
  Deg2rad: unaryOfFloats((x) => tf.mul(x, Math.PI / 180)),
  Rad2deg: unaryOfFloats((x) => tf.mul(x, 180 / Math.PI)),
  Identity: unary((x) => x.clone()),
  Copy: unary((x) => x.clone()),
  Real: unary((x) => x.clone()),
  Conj: unary((x) => x.clone()),
  Conjugate: unary((x) => x.clone()),
  StopGradient: rule("variable", (args) => constantOf(tensor(args, "variable"), (t) => t.clone())),
  ZerosLike: rule("x dtype", (args) => constantOf(tensor(args), (t) => tf.zerosLike(t))),
  OnesLike: rule("x dtype", (args) => constantOf(tensor(args), (t) => tf.onesLike(t))),
  FullLike: rule("x fill_value dtype", (args) => {
    const value = args.fill_value;
    if (typeof value !== "number")
      throw new ArgumentError(`FullLike: expected fill_value to be a number, got ${String(value)}`);
    return constantOf(tensor(args), (t) => tf.fill(t.shape, value, t.dtype));
  }),
  NanToNum: rule("x nan posinf neginf", (args) => {
    const x = tensor(args);
    if (option(args, "posinf", null) !== null || option(args, "neginf", null) !== null)
      throw new ArgumentError("NanToNum: expected posinf and neginf to be None");
    const finite = tf.clipByValue(x, -3.4028234663852886e38, 3.4028234663852886e38);
    return where(x, tf.isNaN, tf.fill(x.shape, option(args, "nan", 0)), finite);
  }),
  Cast: rule("x dtype", (args) => cast(tensor(args), castTo(args.dtype, "Cast"))),
  ConvertToTensor: rule("x dtype sparse ragged", (args) =>
    args.dtype == null ? tensor(args).clone() : cast(tensor(args), castTo(args.dtype, "ConvertToTensor")),
  ),
  Clip: rule("x x_min x_max", (args) => {
    const [low, high] = [args.x_min, args.x_max];
    if (typeof low !== "number" || typeof high !== "number") {
      const above = low == null ? tensor(args) : tf.maximum(...pair(tensor(args), low as number));
      return high == null ? above.clone() : tf.minimum(...pair(above, high as number));
    }
    return tf.clipByValue(tensor(args), low, high);
  }),

  Equal: comparison(tf.equal),
  NotEqual: comparison(tf.notEqual),
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  Isclose: rule("x1 x2 rtol atol equal_nan", (args) => {
    const { rtol = 1e-5, atol = 1e-8 } = args as Record<string, number>;
    return constantOfTwo(...operands(args), (a, b) =>
      tf.lessEqual(tf.abs(tf.sub(a, b)), tf.add(tf.mul(tf.abs(b), rtol), atol)),
    );
  }),
  Isnan: unaryOfFloats((x) => constantOf(x, tf.isNaN)),
  Isinf: unaryOfFloats((x) => constantOf(x, tf.isInf)),
  Isfinite: unaryOfFloats((x) => constantOf(x, tf.isFinite)),
  LogicalAnd: logical(tf.logicalAnd),
  LogicalOr: logical(tf.logicalOr),
  LogicalXor: logical(tf.logicalXor),
  LogicalNot: unary((x) => constantOf(bool(x), tf.logicalNot)),
  Where: rule("condition x1 x2", (args) => {
    if (args.x1 == null || args.x2 == null) throw new ArgumentError("Where: expected x1 and x2");
    const [a, b] = operands(args);
    return choose(bool(tensor(args, "condition")), a, b);
  }),

  Relu: unary(tf.relu),
  Relu6: unaryOfFloats(tf.relu6),
  Sigmoid: unaryOfFloats(tf.sigmoid),
  Softplus: unaryOfFloats(tf.softplus),
  Softsign: unaryOfFloats((x) => tf.div(x, tf.add(1, tf.abs(x)))),
  Elu: rule("x alpha", (args) => {
    const x = float(tensor(args));
    return below(x, tf.mul(option(args, "alpha", 1), tf.expm1(tf.minimum(x, 0))));
  }),
  Celu: rule("x alpha", (args) => {
    const x = float(tensor(args));
    const alpha = option(args, "alpha", 1);
    return below(x, tf.mul(alpha, tf.expm1(tf.div(tf.minimum(x, 0), alpha))));
  }),
  Selu: unaryOfFloats(tf.selu),
  Gelu: rule("x approximate", (args) =>
    activationNamed(option(args, "approximate", true) ? "geluTanh" : "gelu").apply(float(tensor(args))),
  ),
  Glu: rule("x axis", (args) => {
    const x = float(tensor(args));
    const [a, gate] = tf.split(x, 2, axis(args, x.rank, -1)) as [tf.Tensor, tf.Tensor];
    return tf.mul(a, tf.sigmoid(gate));
  }),
  LeakyRelu: rule("x negative_slope", (args) =>
    tf.leakyRelu(float(tensor(args)), option(args, "negative_slope", 0.2)),
  ),
  // The activations of Keras with options of their own.
  ReLU: rule("x negative_slope max_value threshold", (args) => {
    const x = float(tensor(args));
    const threshold = option(args, "threshold", 0);
    const slope = option(args, "negative_slope", 0);
    const rest = slope === 0 ? tf.zerosLike(x) : tf.mul(slope, tf.sub(x, threshold));
    const most = option<number | null>(args, "max_value", null);
    const y = where(x, (t) => tf.greater(t, threshold), x, rest);
    return most === null ? y : tf.minimum(y, most);
  }),
  Silu: activation("silu"),
  Mish: unaryOfFloats((x) => tf.mul(x, tf.tanh(tf.softplus(x)))),
  LogSigmoid: activation("logSigmoid"),
  HardSigmoid: activation("hardSigmoid3"),
  HardSilu: activation("hardSilu"),
  HardTanh: activation("hardTanh"),
  Squareplus: rule("x b", (args) => {
    const x = float(tensor(args));
    return tf.mul(0.5, tf.add(x, tf.sqrt(tf.add(tf.square(x), option(args, "b", 4)))));
  }),
  TanhShrink: activation("tanhShrink"),
  HardShrink: rule("x threshold", (args) => {
    const x = float(tensor(args));
    return where(x, (t) => tf.greater(tf.abs(t), option(args, "threshold", 0.5)), x, tf.zerosLike(x));
  }),
  SoftShrink: rule("x threshold", (args) => shrunk(float(tensor(args)), option(args, "threshold", 0.5))),
  SparsePlus: activation("sparsePlus"),
  SparseSigmoid: activation("sparseSigmoid"),
  Sparsemax: rule("x axis", (args) => {
    const x = float(tensor(args));
    if (axis(args, x.rank, -1) !== x.rank - 1)
      throw new ArgumentError(`Sparsemax: expected the last axis, got ${String(args.axis)}`);
    return activationNamed("sparsemax").apply(x);
  }),
  Threshold: rule("x threshold default_value", (args) => {
    const x = float(tensor(args));
    const otherwise = tf.fill(x.shape, option(args, "default_value", 0));
    return where(x, (t) => tf.greater(t, option(args, "threshold", 0)), x, otherwise);
  }),
  Softmax: rule("x axis", (args) => {
    const x = float(tensor(args));
    const over = axes({ axis: option(args, "axis", -1) }, x.rank);
    const e = tf.exp(tf.sub(x, tf.max(x, over, true)));
    return tf.div(e, tf.sum(e, over, true));
  }),
  LogSoftmax: rule("x axis", (args) => {
    const x = float(tensor(args));
    const over = axes({ axis: option(args, "axis", -1) }, x.rank);
    const centred = tf.sub(x, tf.max(x, over, true));
    return tf.sub(centred, tf.log(tf.sum(tf.exp(centred), over, true)));
  }),
  AddN: rule("xs", (args) => (args.xs as unknown[]).map(asTensor).reduce((a, b) => tf.add(a, b))),
};
