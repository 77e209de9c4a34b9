/**
 * Activation functions that Keras has and TensorFlow.js lacks, or has under the same name with other values. They are
 * registered, so that any layer takes them by name (in camel case, as tfjs turns names in files into).
 *
 * Formulas: https://keras.io/api/layers/activations/ (Keras 3.15).
 */
import * as tf from "@tensorflow/tfjs";

type Fn = (x: tf.Tensor) => tf.Tensor;

/** Where `condition` holds `a`, else `b`, either a number or a tensor. */
function where(
  condition: tf.Tensor,
  a: tf.Tensor | number,
  b: tf.Tensor | number,
  like: tf.Tensor,
): tf.Tensor {
  const full = (v: tf.Tensor | number) => (typeof v === "number" ? tf.fill(like.shape, v) : v);
  return tf.where(condition, full(a), full(b));
}

/** relu6(x + 3) / 6: Keras 3's hard_sigmoid. tfjs's hardSigmoid is that of Keras 2, clip(0.2 x + 0.5, 0, 1). */
const hardSigmoid: Fn = (x) => tf.div(tf.relu6(tf.add(x, 3)), 6);

/** max(0, tau - |x - shift|)-like pieces of sparsemax: the projection onto the simplex (Martins and Astudillo 2016). */
const sparsemax: Fn = (x) => {
  const last = x.shape.at(-1) as number;
  // k(z): how many sorted logits stay above zero. The threshold is what their sum exceeds 1 by, shared among them; the set
  // is constant in a neighbourhood, so that it takes no gradient.
  const sorted = tf.topk(x, last).values;
  const k = tf.range(1, last + 1);
  const above = tf.greater(tf.add(1, tf.mul(k, sorted)), tf.cumsum(sorted, -1));
  const count = tf.sum(tf.cast(above, "float32"), -1, true);
  const smallest = tf.min(where(above, sorted, Number.POSITIVE_INFINITY, x), -1, true);
  const support = tf.cast(tf.greaterEqual(x, smallest), "float32");
  const tau = tf.div(tf.sub(tf.sum(tf.mul(x, support), -1, true), 1), count);
  return tf.relu(tf.sub(x, tau));
};

/** Exact, with the error function, as tfjs's gelu; the approximation is Keras's `gelu(approximate=True)`. */
const geluTanh: Fn = (x) =>
  tf.mul(
    tf.mul(0.5, x),
    tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x))))))),
  );

/** Name in tfjs's registry -> function. */
export const activationFunctions: Readonly<Record<string, Fn>> = {
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  exponential: (x) => tf.exp(x),
  leakyRelu: (x) => tf.leakyRelu(x, 0.2),
  celu: (x) => tf.elu(x),
  hardSigmoid3: hardSigmoid,
  hardSilu: (x) => tf.mul(x, hardSigmoid(x)),
  hardTanh: (x) => tf.clipByValue(x, -1, 1),
  logSigmoid: (x) => tf.logSigmoid(x),
  squareplus: (x) => tf.mul(0.5, tf.add(x, tf.sqrt(tf.add(tf.square(x), 4)))),
  softShrink: (x) => tf.sub(tf.relu(tf.sub(x, 0.5)), tf.relu(tf.sub(tf.neg(x), 0.5))),
  hardShrink: (x) => where(tf.greater(tf.abs(x), 0.5), x, 0, x),
  tanhShrink: (x) => tf.sub(x, tf.tanh(x)),
  sparsePlus: (x) =>
    where(tf.lessEqual(x, -1), 0, where(tf.less(x, 1), tf.mul(0.25, tf.square(tf.add(x, 1))), x, x), x),
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
