import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";

/** An equation of two operands in letters: `abc,cd->abd`. */
export interface Equation {
  readonly a: string;
  readonly b: string;
  readonly out: string;
}

/**
 * Reads an equation of two operands, with the letters of an ellipsis filled in for an input of rank `rank`.
 *
 * @throws ArgumentError for anything else
 */
export function readEquation(equation: string, rank: number): Equation {
  const match = /^([a-zA-Z.]+),([a-zA-Z]+)->([a-zA-Z.]+)$/.exec(equation.replace(/\s/g, ""));
  if (match === null) {
    throw new ArgumentError(
      `einsum: expected an equation of two operands such as abc,cd->abd, got ${equation}`,
    );
  }
  const [, a, b, out] = match as unknown as [string, string, string, string];
  const missing = rank - a.replace("...", "").length;
  const free = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].filter((letter) => !equation.includes(letter));
  const filled = (side: string) => side.replace("...", free.slice(0, Math.max(0, missing)).join(""));
  const read = { a: filled(a), b, out: filled(out) };
  const letters = read.a + read.b;
  if (read.a.length !== rank || [...read.out].some((letter) => !letters.includes(letter)) || repeats(read)) {
    throw new ArgumentError(`einsum: the equation ${equation} does not fit an input of rank ${rank}`);
  }
  return read;
}

function repeats({ a, b, out }: Equation): boolean {
  return [a, b, out].some((side) => new Set(side).size !== side.length);
}

/**
 * Einstein's sum of two tensors, by transposing, reshaping and one product of matrices: tfjs's einsum has no gradient, and
 * no kernel on wasm.
 */
export function einsum({ a, b, out }: Equation, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const size = new Map<string, number>();
  for (const [i, letter] of [...a].entries()) size.set(letter, x.shape[i] as number);
  for (const [i, letter] of [...b].entries()) size.set(letter, y.shape[i] as number);
  // Letters of one operand that the output lacks are summed first.
  const [left, u] = summed(a, x, (letter) => b.includes(letter) || out.includes(letter));
  const [right, v] = summed(b, y, (letter) => a.includes(letter) || out.includes(letter));
  const both = [...left].filter((letter) => right.includes(letter));
  const batch = both.filter((letter) => out.includes(letter));
  const inner = both.filter((letter) => !out.includes(letter));
  const rows = [...left].filter((letter) => !both.includes(letter));
  const columns = [...right].filter((letter) => !both.includes(letter));
  const product = (letters: string[]) => letters.reduce((n, letter) => n * (size.get(letter) as number), 1);
  const arranged = (t: tf.Tensor, from: string, order: string[], shape: number[]) =>
    tf.reshape(
      transposed(
        t,
        order.map((letter) => from.indexOf(letter)),
      ),
      shape,
    );
  const z = tf.matMul(
    arranged(u, left, [...batch, ...rows, ...inner], [product(batch), product(rows), product(inner)]),
    arranged(v, right, [...batch, ...inner, ...columns], [product(batch), product(inner), product(columns)]),
  );
  const order = [...batch, ...rows, ...columns];
  const shaped = tf.reshape(
    z,
    order.map((letter) => size.get(letter) as number),
  );
  return transposed(
    shaped,
    [...out].map((letter) => order.indexOf(letter)),
  );
}

function summed(letters: string, x: tf.Tensor, keep: (letter: string) => boolean): [string, tf.Tensor] {
  const drop = [...letters].map((letter, i) => (keep(letter) ? -1 : i)).filter((i) => i >= 0);
  return drop.length === 0 ? [letters, x] : [[...letters].filter(keep).join(""), tf.sum(x, drop)];
}

function transposed(x: tf.Tensor, axes: number[]): tf.Tensor {
  return axes.every((axis, i) => axis === i) ? x : tf.transpose(x, axes);
}
