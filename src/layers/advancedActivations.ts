/** Activation layers with the options that tfjs's own lack. Formulas: https://keras.io/api/layers/activation_layers/ */
import * as tf from "@tensorflow/tfjs";
import { activationFunctions } from "./activations.js";
import { constantOf } from "./constantOf.js";
import { axisOf, type BaseConfig, OwnLayer } from "./OwnLayer.js";

interface ReLUOptions {
  maxValue: number | null;
  negativeSlope: number;
  threshold: number;
}

/** `maxValue` from there on, x from `threshold` on, else `negativeSlope * (x - threshold)`. */
export class KerasReLU extends OwnLayer<ReLUOptions> {
  static readonly className = "KerasReLU";

  constructor(config: BaseConfig & Partial<ReLUOptions>) {
    super(config, { maxValue: null, negativeSlope: 0, threshold: 0 });
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const { maxValue, negativeSlope, threshold } = this.options;
    const below = tf.mul(tf.sub(x, threshold), negativeSlope);
    const y = tf.where(
      constantOf(x, (t) => tf.greaterEqual(t, threshold)),
      x,
      below,
    );
    return maxValue === null ? y : tf.minimum(y, maxValue);
  }
}

interface AlphaOptions {
  alpha: number;
}

/** x above zero, else `alpha * (exp(x) - 1)`. */
export class KerasELU extends OwnLayer<AlphaOptions> {
  static readonly className = "KerasELU";

  constructor(config: BaseConfig & Partial<AlphaOptions>) {
    super(config, { alpha: 1 });
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const below = tf.mul(this.options.alpha, tf.expm1(tf.minimum(x, 0)));
    return tf.where(
      constantOf(x, (t) => tf.greater(t, 0)),
      x,
      below,
    );
  }
}

interface AxisOptions {
  axis: number | number[];
}

/** `exp(x) / sum(exp(x))`, the sum over one axis or several. */
export class KerasSoftmax extends OwnLayer<AxisOptions> {
  static readonly className = "KerasSoftmax";

  constructor(config: BaseConfig & Partial<AxisOptions>) {
    super(config, { axis: -1 });
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const axes = [this.options.axis].flat().map((axis) => axisOf(axis, x.rank));
    const e = tf.exp(tf.sub(x, tf.max(x, axes, true)));
    return tf.div(e, tf.sum(e, axes, true));
  }
}

interface ApproximateOptions {
  approximate: boolean;
}

/** Used by files that hold a GELU as a layer; `approximate` takes tanh in place of the error function. */
export class GELU extends OwnLayer<ApproximateOptions> {
  static readonly className = "GELU";

  constructor(config: BaseConfig & Partial<ApproximateOptions>) {
    super(config, { approximate: false });
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    if (this.options.approximate) return (activationFunctions.geluTanh as (x: tf.Tensor) => tf.Tensor)(x);
    return tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.div(x, Math.SQRT2))));
  }
}
