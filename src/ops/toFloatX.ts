import * as tf from "@tensorflow/tfjs";

/**
 * Casts to float32, the only float type of TensorFlow.js. A float32 tensor is returned as it is, without a copy.
 *
 * @source iNNvestigate utils.keras.backend.to_floatx
 * @example toFloatX(tf.tensor1d([1, 2], "int32"))
 */
export function toFloatX(x: tf.Tensor): tf.Tensor {
  return x.dtype === "float32" ? x : tf.cast(x, "float32");
}
