import * as tf from "@tensorflow/tfjs";
import { init, installKernels, uninstallKernels } from "../src/kernels/index.js";
import { type Measured, measure } from "./harness.js";
import { models } from "./models.js";

/** The gradient of image models for their input by tf.grad, beside their forward pass, with our kernels and without. */
export default async function modelGradients(): Promise<Measured[]> {
  await init();
  const results: Measured[] = [];
  for (const [name, make] of Object.entries(models)) {
    const model = make();
    const x = tf.randomUniform([1, 224, 224, 3]);
    const forward = () => tf.dispose(model.predict(x));
    const score = (input: tf.Tensor) => tf.sum(model.apply(input) as tf.Tensor);
    const gradient = () => tf.tidy(() => void tf.grad(score)(x));
    const stockThrows = throws(gradient);
    results.push(
      ...(await measure(
        {
          name,
          contenders: [
            { name: "forward", prepare: installKernels, run: forward },
            { name: "gradient, our kernels", prepare: installKernels, run: gradient },
            ...(stockThrows
              ? []
              : [{ name: "gradient, stock", prepare: uninstallKernels, run: gradient, once: true }]),
          ],
        },
        { rounds: 3, time: 500 },
      )),
    );
    if (stockThrows) console.error(`${name}: the gradient throws on stock tfjs: ${stockThrows}`);
    tf.dispose(x);
    model.dispose();
  }
  return results;
}

/** What a call says when it throws without our kernels. */
function throws(fn: () => void): string | undefined {
  uninstallKernels();
  try {
    fn();
    return undefined;
  } catch (error) {
    return String(error);
  }
}
