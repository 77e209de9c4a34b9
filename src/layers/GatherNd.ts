import * as tf from "@tensorflow/tfjs";
import { gatherNd } from "../ops/gatherNd.js";
import { firstDtype, withDtype } from "./tensors.js";

/** `gatherNd` as a layer of [x, indices]: for symbolic tensors, and for models that are saved. */
export class GatherNd extends tf.layers.Layer {
  static readonly className = "GatherNd";

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x, indices] = inputs as [tf.Tensor, tf.Tensor];
    return gatherNd(x, indices);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [x = [], indices = []] = inputShape as tf.Shape[];
    return [...indices.slice(0, -1), ...x.slice(indices.at(-1) as number)];
  }

  override apply(...[inputs, kwargs]: Parameters<tf.layers.Layer["apply"]>) {
    return withDtype(super.apply(inputs, kwargs), firstDtype(inputs));
  }
}
tf.serialization.registerClass(GatherNd);
