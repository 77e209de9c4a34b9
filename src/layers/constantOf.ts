import * as tf from "@tensorflow/tfjs";

/**
 * What `fn` makes of x, as a constant to whoever differentiates: tfjs has no gradients of comparisons, topk and the like, and
 * fails where one is asked for, even by a condition of `where`, whose gradient is zero.
 */
export function constantOf(x: tf.Tensor, fn: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  const constant = tf.customGrad((t) => ({ value: fn(t as tf.Tensor), gradFunc: () => tf.zeros(x.shape) }));
  return constant(x);
}
