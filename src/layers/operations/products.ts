/** Products of matrices, and what is made of them. */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { constantOf } from "../constantOf.js";
import { type Equation, einsum } from "../einsum.js";
import { axisOf } from "../OwnLayer.js";
import {
  type Arguments,
  asTensor,
  binary,
  bool,
  choose,
  float,
  isTensor,
  type OperationRule,
  operands,
  option,
  rule,
  tensor,
} from "./rule.js";

function matmul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  if (a.rank === 0 || b.rank === 0) return tf.mul(a, b);
  if (a.rank === 1 || b.rank === 1) {
    const left = a.rank === 1 ? tf.expandDims(a, 0) : a;
    const right = b.rank === 1 ? tf.expandDims(b, 1) : b;
    const y = product(left, right);
    const drop = [...(a.rank === 1 ? [y.rank - 2] : []), ...(b.rank === 1 ? [y.rank - 1] : [])];
    return tf.squeeze(y, drop);
  }
  return product(a, b);
}

/** Batches are broadcast beforehand: tfjs is wrong of [2, 1] and [3] on wasm. */
function product(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const batches = (t: tf.Tensor) => t.shape.slice(0, -2);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batches(a), batches(b));
  const wide = (t: tf.Tensor) =>
    String(batches(t)) === String(batch) ? t : tf.broadcastTo(t, [...batch, ...t.shape.slice(-2)]);
  return tf.matMul(wide(a), wide(b));
}

/** Sums over axes of a and axes of b: `count` of them at the end of a and the begin of b, or two lists. */
function tensordot(args: Arguments): tf.Tensor {
  const [a, b] = operands(args);
  const given = option<number | (number | number[])[]>(args, "axes", 2);
  const [left, right] =
    typeof given === "number"
      ? [
          Array.from({ length: given }, (_, i) => a.rank - given + i),
          Array.from({ length: given }, (_, i) => i),
        ]
      : [
          [given[0] as number | number[]].flat().map((n) => axisOf(n, a.rank)),
          [given[1] as number | number[]].flat().map((n) => axisOf(n, b.rank)),
        ];
  const rest = (t: tf.Tensor, gone: number[]) => t.shape.flatMap((_, i) => (gone.includes(i) ? [] : [i]));
  const [rows, columns] = [rest(a, left as number[]), rest(b, right as number[])];
  const size = (t: tf.Tensor, list: number[]) => list.reduce((n, i) => n * (t.shape[i] as number), 1);
  const inner = size(a, left as number[]);
  const u = tf.reshape(tf.transpose(a, [...rows, ...(left as number[])]), [size(a, rows), inner]);
  const v = tf.reshape(tf.transpose(b, [...(right as number[]), ...columns]), [inner, size(b, columns)]);
  return tf.reshape(tf.matMul(u, v), [
    ...rows.map((i) => a.shape[i] as number),
    ...columns.map((i) => b.shape[i] as number),
  ]);
}

/** NumPy's dot: over the last axis of a, and the one before the last of b. */
function dot(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  if (a.rank === 0 || b.rank === 0) return tf.mul(a, b);
  return tensordot({ x1: a, x2: b, axes: [a.rank - 1, Math.max(0, b.rank - 2)] });
}

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** An equation's letters for its operands and its output, the ellipsis in capitals of the end. */
function read(subscripts: string, ranks: readonly number[]): { inputs: string[]; out: string } {
  const [left = "", right] = subscripts.replace(/\s/g, "").split("->");
  const sides = left.split(",");
  const refuse = () =>
    new ArgumentError(`Einsum: expected an equation for ranks ${ranks.join(", ")}, got ${subscripts}`);
  if (sides.length !== ranks.length) throw refuse();
  const free = LETTERS.filter((letter) => !subscripts.includes(letter));
  const counts = sides.map((side, i) => (ranks[i] as number) - side.replace("...", "").length);
  const most = Math.max(0, ...counts);
  const filled = (side: string, count: number) =>
    side.replace("...", free.slice(most - count, most).join(""));
  const inputs = sides.map((side, i) => filled(side, Math.max(0, counts[i] as number)));
  const letters = inputs.join("");
  const once = [...new Set(left.replace(/[.,]/g, ""))]
    .filter((letter) => left.split(letter).length === 2)
    .sort();
  const out =
    right === undefined
      ? filled(left.includes("...") ? "..." : "", most) + once.join("")
      : filled(right, most);
  const repeats = [...inputs, out].some((side) => new Set(side).size !== side.length);
  const fits = inputs.every((side, i) => side.length === ranks[i] && /^[A-Za-z]*$/.test(side));
  if (repeats || !fits || [...out].some((letter) => !letters.includes(letter))) throw refuse();
  return { inputs, out };
}

/** Einstein's sum of any number of tensors, two at a time. */
function einsteinSum(args: Arguments): tf.Tensor {
  const given = Object.keys(args)
    .filter((key) => /^x\d$/.test(key))
    .sort()
    .map((key) => args[key]);
  const subscripts = [args.subscripts, ...given].find((value) => typeof value === "string") as string;
  const xs = given.filter(isTensor).map(float);
  const { inputs, out } = read(
    subscripts,
    xs.map(({ rank }) => rank),
  );
  // What no other operand has beside it is multiplied by one.
  const one: [string, tf.Tensor] = ["", tf.scalar(1)];
  const parts = inputs.map((letters, i): [string, tf.Tensor] => [letters, xs[i] as tf.Tensor]);
  if (parts.length === 1) parts.push(one);
  while (parts.length > 1) {
    const [[a, x], [b, y]] = parts as [[string, tf.Tensor], [string, tf.Tensor]];
    const rest = parts.slice(2);
    const later = rest.length === 0 ? out : out + rest.map(([letters]) => letters).join("");
    const kept = [...new Set(a + b)].filter((letter) => later.includes(letter)).join("");
    const equation: Equation = { a, b, out: rest.length === 0 ? out : kept };
    parts.splice(0, 2, [equation.out, einsum(equation, x, y)]);
  }
  return (parts[0] as [string, tf.Tensor])[1];
}

/** softmax(q k / sqrt(d)) v, of [batch, length, heads, d]. @source keras.ops.dot_product_attention */
function dotProductAttention(args: Arguments): tf.Tensor {
  const [q, k, v] = ["query", "key", "value"].map((name) => float(tensor(args, name))) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  if (option(args, "attn_logits_soft_cap", null) !== null || q.shape[2] !== k.shape[2])
    throw new ArgumentError("DotProductAttention: shared heads and soft caps are not supported");
  const scale = option<number | null>(args, "scale", null) ?? 1 / Math.sqrt(q.shape.at(-1) as number);
  let scores = tf.mul(einsum({ a: "bthd", b: "bshd", out: "bhts" }, q, k), scale);
  if (args.bias != null) scores = tf.add(scores, tensor(args, "bias"));
  const [t, s] = scores.shape.slice(-2) as [number, number];
  const low = tf.fill(scores.shape, -1e30);
  if (args.mask != null) scores = choose(bool(tensor(args, "mask")), scores, low);
  if (option(args, "is_causal", false)) {
    const seen = Array.from({ length: t * s }, (_, i) => i % s <= Math.floor(i / s));
    scores = choose(tf.tensor2d(seen, [t, s], "bool"), scores, low);
  }
  return einsum({ a: "bhts", b: "bshd", out: "bthd" }, tf.softmax(scores), v);
}

function cross(args: Arguments): tf.Tensor {
  const [a, b] = operands(args);
  for (const name of ["axisa", "axisb", "axisc", "axis"]) {
    const at = option<number | null>(args, name, -1) ?? -1;
    if (axisOf(at, a.rank) !== a.rank - 1)
      throw new ArgumentError(`Cross: expected the last axis, got ${name} ${at}`);
  }
  if (a.shape.at(-1) !== 3 || b.shape.at(-1) !== 3)
    throw new ArgumentError("Cross: expected vectors of three numbers");
  const turned = (x: tf.Tensor, order: number[]) => tf.gather(x, tf.tensor1d(order, "int32"), x.rank - 1);
  return tf.sub(
    tf.mul(turned(a, [1, 2, 0]), turned(b, [2, 0, 1])),
    tf.mul(turned(a, [2, 0, 1]), turned(b, [1, 2, 0])),
  );
}

export const products: Readonly<Record<string, OperationRule>> = {
  Matmul: binary(matmul),
  Dot: binary(dot),
  Inner: binary((a, b) => tensordot({ x1: a, x2: b, axes: [a.rank - 1, b.rank - 1] })),
  Outer: binary((a, b) => tf.mul(tf.reshape(a, [-1, 1]), tf.reshape(b, [1, -1]))),
  Vdot: binary((a, b) => tf.sum(tf.mul(tf.reshape(a, [-1]), tf.reshape(b, [-1])))),
  Tensordot: rule("x1 x2 axes", tensordot),
  Cross: rule("x1 x2 axisa axisb axisc axis", cross),
  Einsum: rule("x0 x1 x2 x3 x4 x5 subscripts", einsteinSum),
  DotProductAttention: rule(
    "query key value bias mask scale is_causal flash_attention attn_logits_soft_cap",
    dotProductAttention,
  ),
  // How many boundaries, in ascending order, a number has reached.
  Digitize: rule("x bins", (args) => {
    const bins = asTensor(args.bins);
    return constantOf(float(tensor(args)), (t) =>
      tf.sum(tf.cast(tf.greaterEqual(tf.expandDims(t, -1), float(bins)), "int32"), -1),
    );
  }),
};
