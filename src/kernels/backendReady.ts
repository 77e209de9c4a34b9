import * as tf from "@tensorflow/tfjs";
import { keepingErrorListeners } from "../platform.js";

/**
 * Waits for TensorFlow.js's backend: the one that the program chose, or where it chose none the first that starts. Importing
 * the WASM backend makes that the first in Node, and it does not start by itself when a tensor is made.
 */
export async function backendReady(): Promise<void> {
  await keepingErrorListeners(() => tf.ready());
}
