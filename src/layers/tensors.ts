import * as tf from "@tensorflow/tfjs";

type Applied = tf.Tensor | tf.Tensor[] | tf.SymbolicTensor | tf.SymbolicTensor[];

/** What a layer's `apply` gave, its symbolic tensors of this dtype: tfjs takes every symbolic output for float32. */
export function withDtype<T extends Applied>(outputs: T, dtype: tf.DataType): T {
  for (const y of [outputs].flat()) if (y instanceof tf.SymbolicTensor) Object.assign(y, { dtype });
  return outputs;
}

/** The dtype of the first tensor that a layer is applied to. */
export function firstDtype(inputs: Applied): tf.DataType {
  return ([inputs].flat()[0] as tf.Tensor | tf.SymbolicTensor).dtype;
}

/** The one tensor that a layer is called with, which tfjs hands over in a list. */
export function oneTensor(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return [inputs].flat()[0] as tf.Tensor;
}
