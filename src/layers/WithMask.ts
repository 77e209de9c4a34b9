import type * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";
import { type BaseConfig, OwnLayer } from "./OwnLayer.js";

/**
 * Of x and a mask, x with that mask, as a Masking layer would give it: how a mask that a Keras model computes reaches the
 * layer that is called with it, since tfjs hands masks on beside the tensors of the graph.
 */
export class WithMask extends OwnLayer<object> {
  static readonly className = "WithMask";

  constructor(config: BaseConfig) {
    super(config, {});
  }

  protected override compute([x]: [tf.Tensor, tf.Tensor]): tf.Tensor {
    return x.clone();
  }

  protected override shapeAfter([shape]: [Shape, Shape]): (number | null)[] {
    return [...shape];
  }

  override computeMask(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [, mask] = inputs as [tf.Tensor, tf.Tensor];
    return mask.clone();
  }
}
