import * as tf from "@tensorflow/tfjs";
import type { DType } from "../core/ndarray.js";
import { typedArray } from "../core/ndarray.js";

/** A tensor as a layer's config holds it: bytes, little-endian, as base64, so that NaN and infinities survive JSON. */
export interface ConstantConfig extends tf.serialization.ConfigDict {
  dtype: DType;
  shape: number[];
  data: string;
}

export function constantConfig(x: tf.Tensor): ConstantConfig {
  const values = x.dataSync();
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  // In pieces: a call takes only so many arguments.
  let binary = "";
  for (let i = 0; i < bytes.length; i += 4096) binary += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return { dtype: x.dtype as DType, shape: x.shape, data: btoa(binary) };
}

/** A new tensor of the values. */
export function constantTensor({ dtype, shape, data }: ConstantConfig): tf.Tensor {
  const binary = atob(data);
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return tf.tensor(
    typedArray(
      dtype,
      shape.reduce((a, b) => a * b, 1),
      bytes.buffer,
    ),
    shape,
    dtype,
  );
}
