import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";
import { type BaseConfig, OwnLayer } from "./OwnLayer.js";

/** The first input less the second, with NumPy's broadcasting. */
export class Subtract extends OwnLayer<object> {
  static readonly className = "Subtract";

  constructor(config: BaseConfig) {
    super(config, {});
  }

  protected override compute([a, b]: [tf.Tensor, tf.Tensor]): tf.Tensor {
    return tf.sub(a, b);
  }

  protected override shapeAfter([a, b]: [Shape, Shape]): (number | null)[] {
    return broadcastShapes(a, b);
  }
}

/** The shape of two arrays broadcast; an unknown size stays unknown, unless the other is above 1. */
export function broadcastShapes(a: Shape, b: Shape): (number | null)[] {
  const rank = Math.max(a.length, b.length);
  const at = (shape: Shape, i: number) => {
    const j = i - (rank - shape.length);
    return j < 0 ? 1 : (shape[j] ?? null);
  };
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [at(a, i), at(b, i)];
    if (m === 1) return n;
    return n === 1 || n === null ? m : n;
  });
}
