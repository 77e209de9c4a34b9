import * as tf from "@tensorflow/tfjs";
import { coordinates } from "../core/ndarray.js";
import { NonFiniteError } from "../errors.js";

/**
 * Where x is NaN or infinite: a bool tensor of x's shape. int32 and bool tensors are finite everywhere.
 *
 * @source iNNvestigate utils.keras.backend.is_not_finite
 * @example isNotFinite(tf.tensor1d([1, NaN, Infinity]))  // [0, 1, 1]
 */
export function isNotFinite(x: tf.Tensor): tf.Tensor {
  if (x.dtype !== "float32") return tf.zeros(x.shape, "bool");
  return tf.tidy(() => tf.logicalNot(tf.isFinite(x)));
}

/**
 * Returns x, or throws where it holds NaN or an infinity.
 *
 * @param what how the message calls x
 * @throws NonFiniteError with the flat position of the first offender, its value, and how many there are
 * @example assertFinite(x, "the input")
 */
export function assertFinite<T extends tf.Tensor>(x: T, what = "x"): T {
  if (x.dtype !== "float32" || x.size === 0) return x;
  const count = tf.tidy(() => tf.sum(tf.cast(isNotFinite(x), "int32")).dataSync()[0]) as number;
  if (count === 0) return x;
  const values = x.dataSync();
  const position = values.findIndex((v) => !Number.isFinite(v));
  const value = values[position] as number;
  throw new NonFiniteError(
    `${what}: expected finite numbers, got ${count} of ${x.size} that are not; ` +
      `the first is ${value} at [${coordinates(position, x.shape).join(", ")}]`,
    position,
    value,
    count,
  );
}
