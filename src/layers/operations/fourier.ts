/** Fourier transforms, as products with matrices of sines and cosines: tfjs's have no gradient, and `wasm` has none. */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { type Arguments, asTensor, float, type OperationRule, option, rule, sliced, tensor } from "./rule.js";

/** A matrix of more is too large. */
const LONGEST = 4096;

interface Complex {
  readonly real: tf.Tensor;
  readonly imaginary: tf.Tensor;
}

/** cos and sin of 2 pi n k / size: `[size, made]`. */
function waves(size: number, made: number): [cos: tf.Tensor2D, sin: tf.Tensor2D] {
  if (size > LONGEST) {
    throw new ArgumentError(
      `a Fourier transform of ${size} values is not supported, ${LONGEST} are the most`,
    );
  }
  const table = (fn: (angle: number) => number) => {
    const turn = Float64Array.from({ length: size }, (_, i) => fn((2 * Math.PI * i) / size));
    const values = Float32Array.from(
      { length: size * made },
      (_, i) => turn[(Math.floor(i / made) * (i % made)) % size] as number,
    );
    return tf.tensor2d(values, [size, made]);
  };
  return [table(Math.cos), table(Math.sin)];
}

/** x times a matrix, along the last axis. */
function times(x: tf.Tensor, matrix: tf.Tensor2D): tf.Tensor {
  const [size, made] = matrix.shape;
  return tf.reshape(tf.matMul(tf.reshape(x, [-1, size]), matrix), [...x.shape.slice(0, -1), made]);
}

/** sum over n of x[n] e^(-2 pi i n k / size), along the last axis; the inverse with +, and divided by size. */
function transformed({ real, imaginary }: Complex, inverse: boolean): Complex {
  const size = real.shape.at(-1) as number;
  const [cos, sin] = waves(size, size);
  const turned = inverse ? tf.neg(sin) : sin;
  const y = {
    real: tf.add(times(real, cos), times(imaginary, turned)),
    imaginary: tf.sub(times(imaginary, cos), times(real, turned)),
  };
  return inverse ? { real: tf.div(y.real, size), imaginary: tf.div(y.imaginary, size) } : y;
}

function swapped({ real, imaginary }: Complex): Complex {
  const order = real.shape.map((_, i) => i);
  order.push(...order.splice(-2).reverse());
  return { real: tf.transpose(real, order), imaginary: tf.transpose(imaginary, order) };
}

function complex(args: Arguments): Complex {
  const { x } = args;
  if (!Array.isArray(x) || x.length !== 2)
    throw new ArgumentError("expected x to be a real and an imaginary part");
  const [real, imaginary] = x.map((part) => float(asTensor(part))) as [tf.Tensor, tf.Tensor];
  return { real, imaginary };
}

const pair = ({ real, imaginary }: Complex): tf.Tensor[] => [real, imaginary];

const twice = (x: Complex, inverse: boolean): Complex =>
  swapped(transformed(swapped(transformed(x, inverse)), inverse));

/** The first `size` values of the last axis, or as many with zeros behind. */
function fitted(x: tf.Tensor, size: number): tf.Tensor {
  const own = x.shape.at(-1) as number;
  if (own >= size) return own === size ? x : sliced(x, x.rank - 1, 0, size);
  return tf.pad(
    x,
    x.shape.map((_, i): [number, number] => [0, i === x.rank - 1 ? size - own : 0]),
  );
}

function ofReals(args: Arguments): tf.Tensor[] {
  const x = float(tensor(args));
  const size = option<number | null>(args, "fft_length", null) ?? (x.shape.at(-1) as number);
  const [cos, sin] = waves(size, Math.floor(size / 2) + 1);
  const whole = fitted(x, size);
  return [times(whole, cos), tf.neg(times(whole, sin))];
}

export const fourier: Readonly<Record<string, OperationRule>> = {
  FFT: rule("x", (args) => pair(transformed(complex(args), false))),
  FFT2: rule("x", (args) => pair(twice(complex(args), false))),
  IFFT2: rule("x", (args) => pair(twice(complex(args), true))),
  RFFT: rule("x fft_length", ofReals),
};
