import * as tf from "@tensorflow/tfjs";
import { oneTensor } from "./tensors.js";

/** Zeros of the input's shape: the gradient for what nothing depends on. */
export class ZerosLike extends tf.layers.Layer {
  static readonly className = "ZerosLike";

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.zeros(oneTensor(inputs).shape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return inputShape;
  }
}
tf.serialization.registerClass(ZerosLike);
