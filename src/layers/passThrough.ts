/** Layers that hand on what they get, at least in inference. */
import * as tf from "@tensorflow/tfjs";
import { type BaseConfig, OwnLayer } from "./OwnLayer.js";

abstract class PassThrough extends OwnLayer<object> {
  constructor(config: BaseConfig) {
    super(config, {});
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return x.clone();
  }
}

/** tfjs's class of that name cannot be loaded. */
export class KerasIdentity extends PassThrough {
  static readonly className = "KerasIdentity";
}
export class ActivityRegularization extends PassThrough {
  static readonly className = "ActivityRegularization";
}

/** Augmentation: changes images in training only, which is not done here; in inference they pass. */
export class RandomAugmentation extends PassThrough {
  static readonly className = "RandomAugmentation";
}

interface RateOptions {
  rate: number;
  dataFormat: string;
}

/** In training drops whole channels. */
abstract class SpatialDropout extends OwnLayer<RateOptions> {
  constructor(config: BaseConfig & Partial<RateOptions>) {
    super(config, { rate: 0, dataFormat: "channelsLast" });
  }

  protected override compute([x]: [tf.Tensor], training: boolean): tf.Tensor {
    const { rate, dataFormat } = this.options;
    if (!training || rate === 0) return x.clone();
    const channels = dataFormat === "channelsFirst" ? 1 : x.rank - 1;
    const kept = tf.dropout(tf.ones(x.shape.map((n, i) => (i === 0 || i === channels ? n : 1))), rate);
    return tf.mul(x, kept);
  }
}

export class SpatialDropout2D extends SpatialDropout {
  static readonly className = "SpatialDropout2D";
}
export class SpatialDropout3D extends SpatialDropout {
  static readonly className = "SpatialDropout3D";
}
