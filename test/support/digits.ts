import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { tenDigits } from "../../examples/digits/data.js";
import { loadLayersModel } from "../../src/io/node/index.js";

/** The folder of the digits example's trained model. */
export const digitsModelPath = fileURLToPath(new URL("../../examples/digits/model", import.meta.url));

export async function digitsModel(): Promise<tf.LayersModel> {
  return loadLayersModel(digitsModelPath);
}

/** The first held-back digit of each class, `[10, 28, 28, 1]`. */
export function digitsTensor(): tf.Tensor {
  const { images, count } = tenDigits();
  return tf.tensor(images, [count, 28, 28, 1]);
}
