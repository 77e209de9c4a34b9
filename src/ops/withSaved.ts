import * as tf from "@tensorflow/tfjs";

/** An operation of one tensor whose gradient needs another, which tfjs keeps until the way back. */
export function withSaved(
  kept: tf.Tensor,
  forward: (x: tf.Tensor) => tf.Tensor,
  gradient: (dy: tf.Tensor, kept: tf.Tensor) => tf.Tensor,
): (x: tf.Tensor) => tf.Tensor {
  return tf.customGrad((x, save) => {
    (save as tf.GradSaveFunc)([kept]);
    return {
      value: forward(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy, saved[0] as tf.Tensor),
    };
  });
}
