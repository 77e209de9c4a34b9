import * as tf from "@tensorflow/tfjs";
import { constantOf } from "./constantOf.js";
import { type BaseConfig, OwnLayer } from "./OwnLayer.js";

interface MaskingOptions {
  maskValue: number;
}

/** Zero, and masked, at the steps where every feature is `maskValue`. tfjs's Masking has no gradient. */
export class KerasMasking extends OwnLayer<MaskingOptions> {
  static readonly className = "KerasMasking";

  constructor(config: BaseConfig & Partial<MaskingOptions>) {
    super(config, { maskValue: 0 });
  }

  private kept(x: tf.Tensor, keepDims: boolean): tf.Tensor {
    return tf.any(tf.notEqual(x, this.options.maskValue), -1, keepDims);
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return tf.mul(
      x,
      constantOf(x, (t) => tf.cast(this.kept(t, true), "float32")),
    );
  }

  override computeMask(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor;
    return tf.tidy(() => constantOf(x, (t) => this.kept(t, false)));
  }
}
