import * as tf from "@tensorflow/tfjs";
import { Stabilise } from "../kernels/stabilise.js";
import { hasKernel } from "../kernels/stock.js";

/** z + epsilon sign(z) with sign(0) = 1: a denominator kept away from zero. One pass where our kernel is. Not differentiable. */
export function stabilise(z: tf.Tensor, epsilon: number): tf.Tensor {
  if (epsilon === 0) return z;
  if (hasKernel(Stabilise) && z.dtype === "float32")
    return tf.engine().runKernel(Stabilise, { z }, { epsilon });
  const positive = tf.cast(tf.greaterEqual(z, 0), "float32");
  return tf.add(z, tf.sub(tf.mul(positive, 2 * epsilon), epsilon));
}
