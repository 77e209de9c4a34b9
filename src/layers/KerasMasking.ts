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

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return withoutMasked(x, this.options.maskValue);
  }

  override computeMask(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor;
    return tf.tidy(() => constantOf(x, (t) => seen(t, this.options.maskValue, false)));
  }
}

/** Where a time step has a feature that is not `maskValue`. */
function seen(x: tf.Tensor, maskValue: number, keepDims: boolean): tf.Tensor {
  return tf.any(tf.notEqual(x, maskValue), -1, keepDims);
}

/** x with zeros at the time steps where every feature is `maskValue`. */
export function withoutMasked(x: tf.Tensor, maskValue: number): tf.Tensor {
  return tf.mul(
    x,
    constantOf(x, (t) => tf.cast(seen(t, maskValue, true), "float32")),
  );
}
