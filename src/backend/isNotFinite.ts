import * as tf from "@tensorflow/tfjs";
import { IsNotFinite } from "../layers/IsNotFinite.js";
import * as ops from "../ops/finite.js";
import { applySymbolic } from "./symbolic.js";

/**
 * Where x is NaN or infinite: a bool tensor of x's shape. int32 and bool tensors are finite everywhere.
 *
 * @param x a tensor, or a symbolic one
 * @source iNNvestigate utils.keras.backend.is_not_finite
 * @example isNotFinite(tf.tensor1d([1, NaN, Infinity]))  // [0, 1, 1]
 */
export function isNotFinite<T extends tf.Tensor | tf.SymbolicTensor>(x: T): T;
export function isNotFinite(x: tf.Tensor | tf.SymbolicTensor): tf.Tensor | tf.SymbolicTensor {
  if (!(x instanceof tf.SymbolicTensor)) return ops.isNotFinite(x);
  return applySymbolic(new IsNotFinite({}), [x])[0] as tf.SymbolicTensor;
}
