import * as tf from "@tensorflow/tfjs";
import { init } from "../src/kernels/index.js";
import { gradientContenders } from "./gradientContenders.js";
import { type Measured, measure } from "./harness.js";
import { models } from "./models.js";

/** The gradient of image models for their input by tf.grad, beside their forward pass, with our kernels and without. */
export default async function modelGradients(): Promise<Measured[]> {
  await init();
  const results: Measured[] = [];
  for (const [name, make] of Object.entries(models)) {
    const model = make();
    const x = tf.randomUniform([1, 224, 224, 3]);
    const contenders = gradientContenders(name, model, x);
    results.push(...(await measure({ name, contenders }, { rounds: 3, time: 500 })));
    tf.dispose(x);
    model.dispose();
  }
  return results;
}
