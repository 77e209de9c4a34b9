import * as tf from "@tensorflow/tfjs";
import { toFloatX } from "../ops/toFloatX.js";
import { oneTensor } from "./tensors.js";

/** `toFloatX` as a layer: for symbolic tensors, and for models that are saved. */
export class ToFloatX extends tf.layers.Layer {
  static readonly className = "ToFloatX";

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return toFloatX(oneTensor(inputs));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return inputShape;
  }
}
tf.serialization.registerClass(ToFloatX);
