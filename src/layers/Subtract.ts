import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";
import { type BaseConfig, OwnLayer } from "./OwnLayer.js";

/** The first input less the second, broadcast; of other ranks as Keras does it, with new axes after that of the batch. */
export class Subtract extends OwnLayer<object> {
  static readonly className = "Subtract";

  constructor(config: BaseConfig) {
    super(config, {});
  }

  protected override compute([a, b]: [tf.Tensor, tf.Tensor]): tf.Tensor {
    const rank = Math.max(a.rank, b.rank);
    const deep = (x: tf.Tensor) => tf.reshape(x, deepened(x.shape, rank) as number[]);
    return tf.sub(deep(a), deep(b));
  }

  protected override shapeAfter([a, b]: [Shape, Shape]): (number | null)[] {
    const rank = Math.max(a.length, b.length);
    return broadcastShapes(deepened(a, rank), deepened(b, rank));
  }
}

function deepened([batch = null, ...rest]: Shape, rank: number): (number | null)[] {
  return [batch, ...new Array<number>(rank - 1 - rest.length).fill(1), ...rest];
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
