import * as tf from "@tensorflow/tfjs";
import { gradientOf, sumTo } from "./registry.js";

/** Klambauer et al. 2017, as tf.backend_util has them. */
const { SELU_SCALE, SELU_SCALEALPHA } = tf.backend_util;

/**
 * Gradients where a function has a kink or a pole, which tfjs 4.22 takes otherwise than TensorFlow: |x| is flat at 0, selu has
 * its right slope there, and a
 * cotangent of 0 stays 0 where the derivative is infinite.
 */
export const kinks: readonly tf.GradConfig[] = [
  gradientOf("Abs", { inputsToSave: ["x"] }, (dy, [x]) => ({
    x: () => tf.mul(dy, tf.sign(tf.cast(x as tf.Tensor, "float32"))),
  })),
  gradientOf("Selu", { inputsToSave: ["x"] }, (dy, [x]) => ({
    x: () => {
      const values = tf.cast(x as tf.Tensor, "float32");
      const below = tf.mul(tf.exp(values), SELU_SCALEALPHA);
      return tf.mul(dy, tf.where(tf.less(values, 0), below, tf.fill(values.shape, SELU_SCALE)));
    },
  })),
  gradientOf("Sqrt", { inputsToSave: ["x"] }, (dy, [x]) => ({
    x: () => quotient(dy, tf.mul(tf.sqrt(tf.cast(x as tf.Tensor, "float32")), 2)),
  })),
  gradientOf("RealDiv", { inputsToSave: ["a", "b"] }, (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    return {
      a: () => sumTo(quotient(dy, tf.cast(b, "float32")), a.shape),
      b: () =>
        tf.neg(sumTo(quotient(tf.mul(dy, tf.cast(a, "float32")), tf.square(tf.cast(b, "float32"))), b.shape)),
    };
  }),
];

/** a / b, and 0 where a is 0. */
function quotient(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const ratio = tf.div(a, b);
  return tf.where(tf.equal(a, 0), tf.zerosLike(ratio), ratio);
}
