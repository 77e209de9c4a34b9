import * as tf from "@tensorflow/tfjs";
import { isNotFinite } from "../ops/finite.js";
import { oneTensor, withDtype } from "./tensors.js";

/** `isNotFinite` as a layer: for symbolic tensors, and for models that are saved. */
export class IsNotFinite extends tf.layers.Layer {
  static readonly className = "IsNotFinite";

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return isNotFinite(oneTensor(inputs));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return inputShape;
  }

  override apply(...[inputs, kwargs]: Parameters<tf.layers.Layer["apply"]>) {
    return withDtype(super.apply(inputs, kwargs), "bool");
  }
}
tf.serialization.registerClass(IsNotFinite);
