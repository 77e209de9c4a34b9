import * as tf from "@tensorflow/tfjs";
import { ToFloatX } from "../layers/ToFloatX.js";
import * as ops from "../ops/toFloatX.js";
import { applySymbolic } from "./symbolic.js";

/**
 * Casts to float32, the only float type of TensorFlow.js. A float32 tensor is returned as it is, without a copy.
 *
 * @param x a tensor, or a symbolic one
 * @source iNNvestigate utils.keras.backend.to_floatx
 * @example toFloatX(tf.tensor1d([1, 2], "int32"))
 */
export function toFloatX<T extends tf.Tensor | tf.SymbolicTensor>(x: T): T;
export function toFloatX(x: tf.Tensor | tf.SymbolicTensor): tf.Tensor | tf.SymbolicTensor {
  if (!(x instanceof tf.SymbolicTensor)) return ops.toFloatX(x);
  return x.dtype === "float32" ? x : (applySymbolic(new ToFloatX({}), [x])[0] as tf.SymbolicTensor);
}
