import * as tf from "@tensorflow/tfjs";
import { DTypeError } from "../errors.js";

/**
 * Indices as an int32 tensor. Whole numbers are taken as float32 too, which is what tfjs makes of plain arrays and gives
 * symbolic tensors; others are refused.
 */
export function int32Indices(who: string, indices: tf.TensorLike | tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const given = indices instanceof tf.Tensor ? indices : tf.tensor(indices);
    if (given.dtype === "int32") return given;
    if (given.dtype !== "float32")
      throw new DTypeError(`${who}: expected indices of int32, got ${given.dtype}`);
    const fraction = given.dataSync().find((v) => !Number.isInteger(v));
    if (fraction !== undefined)
      throw new DTypeError(`${who}: expected indices that are whole numbers, got ${fraction}`);
    return tf.cast(given, "int32");
  });
}
