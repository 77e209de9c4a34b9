/** Layers that join tensors, of which some have masks, as Keras does it. */
import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";
import { type BaseConfig, OwnLayer } from "./OwnLayer.js";
import { choose } from "./operations/rule.js";
import { broadcastShapes } from "./Subtract.js";

type LayerClass = tf.serialization.SerializableConstructor<tf.serialization.Serializable>;

/** tfjs's layers that join tensors and hand on masks. */
export const maskedMerges: readonly string[] = [
  "Add",
  "Multiply",
  "Average",
  "Maximum",
  "Minimum",
  "Concatenate",
];

/** Names of the merges of tfjs that hand no mask on. */
export const maskFreeMergeNames: readonly string[] = maskedMerges.map((name) => `Keras${name}`);

/** Their classes: what tfjs makes of several masks is wrong, and fails where one is missing. */
export function maskFreeMerges(): LayerClass[] {
  const known = tf.serialization.SerializationMap.getMap().classNameMap;
  return maskedMerges.map((name) => {
    const Base = (known[name] as [unknown, unknown])[0] as typeof tf.layers.Layer;
    return class extends Base {
      static className = `Keras${name}`;
      override computeMask(): tf.Tensor {
        return null as unknown as tf.Tensor;
      }
    } as unknown as LayerClass;
  });
}

interface MaskedOptions {
  /** For each factor whether it has a mask; the masks come after the factors. */
  masked: boolean[];
}

/**
 * A product in which a factor is one where its mask hides it; where all factors have masks and all hide, it is zero.
 *
 * @source keras/src/layers/merging/multiply.py
 */
export class MaskedMultiply extends OwnLayer<MaskedOptions> {
  static readonly className = "MaskedMultiply";

  constructor(config: BaseConfig & Partial<MaskedOptions>) {
    super(config, { masked: [] });
    this.supportsMasking = false;
  }

  protected override compute(inputs: tf.Tensor[]): tf.Tensor {
    const { masked } = this.options;
    const masks = inputs.slice(masked.length).map((mask) => tf.expandDims(tf.cast(mask, "bool"), -1));
    let next = 0;
    const factors = masked.map((has, i) => {
      const x = inputs[i] as tf.Tensor;
      return has ? choose(masks[next++] as tf.Tensor, x, tf.onesLike(x)) : x;
    });
    const y = factors.reduce((a, b) => tf.mul(a, b));
    if (!masked.every((has) => has)) return y;
    const seen = masks.reduce((a, b) => tf.logicalOr(a, b));
    return choose(seen, y, tf.zerosLike(y));
  }

  protected override shapeAfter(inputs: Shape[]): (number | null)[] {
    const shapes = inputs.slice(0, this.options.masked.length) as (number | null)[][];
    return shapes.reduce((a, b) => broadcastShapes(a, b));
  }

  override computeMask(): tf.Tensor {
    return null as unknown as tf.Tensor;
  }
}
