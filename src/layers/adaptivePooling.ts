/** Pooling to a given size: of every axis of space each place takes the pixels from floor(i n / m) to ceil((i + 1) n / m). */
import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";
import { type BaseConfig, channelsLast, channelsLastShape, OwnLayer, perAxis } from "./OwnLayer.js";
import { sliced } from "./operations/rule.js";

interface AdaptiveOptions {
  outputSize: number | number[];
  dataFormat: string;
}

/** One axis after the other: the means and the largest values of boxes come apart so. */
abstract class AdaptivePooling extends OwnLayer<AdaptiveOptions> {
  constructor(config: BaseConfig & Partial<AdaptiveOptions>) {
    super(config, { outputSize: 1, dataFormat: "channelsLast" });
    this.supportsMasking = false;
  }

  protected abstract reduce(x: tf.Tensor, axis: number): tf.Tensor;

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return channelsLast(x, this.options.dataFormat, (last) =>
      perAxis(this.options.outputSize, last.rank - 2).reduce((y, length, i) => {
        const axis = i + 1;
        const n = y.shape[axis] as number;
        const parts = Array.from({ length }, (_, place) => {
          const begin = Math.floor((place * n) / length);
          const end = Math.ceil(((place + 1) * n) / length);
          return this.reduce(sliced(y, axis, begin, end - begin), axis);
        });
        return parts.length === 1 ? (parts[0] as tf.Tensor) : tf.concat(parts, axis);
      }, last),
    );
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    return channelsLastShape(shape, this.options.dataFormat, (last) => [
      last[0] ?? null,
      ...perAxis(this.options.outputSize, last.length - 2),
      last.at(-1) ?? null,
    ]);
  }
}

abstract class AdaptiveAveragePooling extends AdaptivePooling {
  protected override reduce(x: tf.Tensor, axis: number): tf.Tensor {
    return tf.mean(x, axis, true);
  }
}
abstract class AdaptiveMaxPooling extends AdaptivePooling {
  protected override reduce(x: tf.Tensor, axis: number): tf.Tensor {
    return tf.max(x, axis, true);
  }
}

export class AdaptiveAveragePooling1D extends AdaptiveAveragePooling {
  static readonly className = "AdaptiveAveragePooling1D";
}
export class AdaptiveAveragePooling2D extends AdaptiveAveragePooling {
  static readonly className = "AdaptiveAveragePooling2D";
}
export class AdaptiveAveragePooling3D extends AdaptiveAveragePooling {
  static readonly className = "AdaptiveAveragePooling3D";
}
export class AdaptiveMaxPooling1D extends AdaptiveMaxPooling {
  static readonly className = "AdaptiveMaxPooling1D";
}
export class AdaptiveMaxPooling2D extends AdaptiveMaxPooling {
  static readonly className = "AdaptiveMaxPooling2D";
}
export class AdaptiveMaxPooling3D extends AdaptiveMaxPooling {
  static readonly className = "AdaptiveMaxPooling3D";
}
