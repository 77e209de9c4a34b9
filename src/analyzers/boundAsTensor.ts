import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ShapeError } from "../errors.js";
import type { Bound } from "../reverse/index.js";

/** A number or an array as a tensor that broadcasts to a batch of samples. Runs in a tidy. */
export function boundAsTensor(what: string, bound: Bound, x: tf.Tensor): tf.Tensor {
  if (typeof bound === "number") return tf.scalar(bound);
  const sample = x.shape.slice(1);
  const shape = bound.shape.length === x.rank ? bound.shape.slice(1) : [...bound.shape];
  const fits =
    shape.length <= sample.length &&
    (bound.shape.length < x.rank || bound.shape[0] === 1) &&
    shape.every((n, i) => n === 1 || n === sample.at(i - shape.length));
  if (!fits) {
    throw new ShapeError(
      `${what}: expected a number or an array that broadcasts to a sample of shape ${show(sample)}, got shape ${show(bound.shape)}`,
    );
  }
  return tf.tensor(bound.data, shape);
}
