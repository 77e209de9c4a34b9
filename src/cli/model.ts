import type * as tf from "@tensorflow/tfjs";
import { loadModel as load } from "../io/index.js";
import { init } from "../kernels/index.js";

/** Starts TensorFlow.js and loads the model that a command was given. */
export async function loadModel(path: string): Promise<tf.LayersModel> {
  await init();
  return load(path);
}
