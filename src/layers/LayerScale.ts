import * as tf from "@tensorflow/tfjs";
import { addWeight, type LayerVariable } from "./internals.js";
import { type BaseConfig, OwnLayer, shapesOf } from "./OwnLayer.js";

/** `x * gamma`, one factor a channel: a class of keras.applications.convnext (Touvron et al. 2021). */
export class LayerScale extends OwnLayer<object> {
  static readonly className = "LayerScale";
  gamma: LayerVariable | null = null;

  constructor(config: BaseConfig) {
    super(config, {});
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    this.gamma = addWeight(this, "gamma", [shape.at(-1) as number], tf.initializers.ones());
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return tf.mul(x, (this.gamma as LayerVariable).read());
  }
}
