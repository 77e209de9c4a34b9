import type * as tf from "@tensorflow/tfjs";
import { loadLayersModel } from "../io/node/index.js";
import { init } from "../kernels/index.js";

/** Starts TensorFlow.js and loads the model that a command was given. */
export async function loadModel(path: string): Promise<tf.LayersModel> {
  await init();
  return loadLayersModel(path);
}
