/**
 * Activation functions that Keras has and TensorFlow.js lacks, or has under the same name with other values. They are
 * registered, so that any layer takes them by name (in camel case, as tfjs turns names in files into).
 *
 * Formulas: https://keras.io/api/layers/activations/ (Keras 3.15).
 */
import * as tf from "@tensorflow/tfjs";
import { constantOf } from "./constantOf.js";

type Fn = (x: tf.Tensor) => tf.Tensor;

/** x where `keep` holds of it, else `otherwise`. */
function keepWhere(x: tf.Tensor, keep: (x: tf.Tensor) => tf.Tensor, otherwise: tf.Tensor): tf.Tensor {
  return tf.where(constantOf(x, keep), x, otherwise);
}

/** relu6(x + 3) / 6: Keras 3's hard_sigmoid. tfjs's hardSigmoid is that of Keras 2, clip(0.2 x + 0.5, 0, 1). */
const hardSigmoid: Fn = (x) => tf.div(tf.relu6(tf.add(x, 3)), 6);

/**
 * relu(x - tau) over the last axis. Of the sorted logits the first k are above zero; tau is, as in Keras, the sum of their k
 * cumulative sums, less 1, over k. (In the paper, Martins and Astudillo 2016, it is the last of these sums.)
 */
const sparsemax: Fn = (x) => {
  const last = x.shape.at(-1) as number;
  const support = (t: tf.Tensor) => {
    const sorted = tf.topk(t, last).values;
    const k = tf.range(1, last + 1);
    const above = tf.greater(tf.add(1, tf.mul(k, sorted)), tf.cumsum(sorted, t.rank - 1));
    return tf.sum(tf.cast(above, "float32"), -1, true);
  };
  const count = constantOf(x, support);
  // How often a logit is in the sums: k times the first, once the k-th.
  const times = constantOf(x, (t) => {
    const larger = tf.greater(tf.expandDims(t, -2), tf.expandDims(t, -1));
    return tf.relu(tf.sub(support(t), tf.sum(tf.cast(larger, "float32"), -1)));
  });
  const tau = tf.div(tf.sub(tf.sum(tf.mul(times, x), -1, true), 1), count);
  return tf.relu(tf.sub(x, tau));
};

/** Exact, with the error function, as tfjs's gelu; the approximation is Keras's `gelu(approximate=True)`. */
const geluTanh: Fn = (x) =>
  tf.mul(
    tf.mul(0.5, x),
    tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x))))))),
  );

/** Slopes that LeakyReLU layers have where they stand for their function: as tfjs has it, such a function is no more than a name. */
const SLOPES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3];

/** The name of leaky relu with such a slope; null where it has none. Keras 2 writes slopes as float32. */
export function leakyReluOf(slope: number): string | null {
  const percent = SLOPES.map((known) => known * 100).find((known) => Math.abs(known - slope * 100) < 1e-4);
  if (percent === undefined) return null;
  return percent === 20 ? "leakyRelu" : `leakyRelu${Math.round(percent)}`;
}

/** Name in tfjs's registry -> function. */
export const activationFunctions: Readonly<Record<string, Fn>> = {
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  exponential: (x) => tf.exp(x),
  ...Object.fromEntries(
    SLOPES.map((slope): [string, Fn] => [leakyReluOf(slope) as string, (x) => tf.leakyRelu(x, slope)]),
  ),
  celu: (x) => tf.elu(x),
  hardSigmoid3: hardSigmoid,
  hardSilu: (x) => tf.mul(x, hardSigmoid(x)),
  hardTanh: (x) => tf.clipByValue(x, -1, 1),
  logSigmoid: (x) => tf.neg(tf.softplus(tf.neg(x))),
  squareplus: (x) => tf.mul(0.5, tf.add(x, tf.sqrt(tf.add(tf.square(x), 4)))),
  softShrink: (x) => tf.sub(tf.relu(tf.sub(x, 0.5)), tf.relu(tf.sub(tf.neg(x), 0.5))),
  hardShrink: (x) => keepWhere(x, (t) => tf.greater(tf.abs(t), 0.5), tf.zerosLike(x)),
  tanhShrink: (x) => tf.sub(x, tf.tanh(x)),
  // 0 up to -1, x from 1 on, (x + 1)^2 / 4 between.
  sparsePlus: (x) =>
    keepWhere(x, (t) => tf.greaterEqual(t, 1), tf.mul(0.25, tf.square(tf.add(tf.clipByValue(x, -1, 1), 1)))),
  sparseSigmoid: (x) => tf.clipByValue(tf.mul(0.5, tf.add(x, 1)), 0, 1),
  sparsemax,
  geluTanh,
};

/** Registers them all with tfjs. */
export function registerActivations(): void {
  for (const [name, apply] of Object.entries(activationFunctions)) {
    const activation = class extends tf.serialization.Serializable {
      static readonly className = name;
      apply(x: tf.Tensor): tf.Tensor {
        return tf.tidy(() => apply(x));
      }
      getConfig(): tf.serialization.ConfigDict {
        return {};
      }
    };
    tf.serialization.registerClass(activation);
  }
}
