import * as tf from "@tensorflow/tfjs";
import { createAnalyzer } from "../src/analyzers/index.js";
import { init, installKernels } from "../src/kernels/index.js";
import { bytesOfLayers, peakBytes } from "../test/support/peakBytes.js";
import { gradientContenders } from "./gradientContenders.js";
import { type Measured, measure } from "./harness.js";
import { models } from "./models.js";

/** The methods that are measured. Those of several passes take long, and are run once. */
const METHODS: readonly { name: string; options?: object; once?: true }[] = [
  { name: "gradient" },
  { name: "lrp.epsilon" },
  { name: "lrp.epsilon_plus_flat" },
  { name: "lrp.epsilon_alpha2_beta1" },
  { name: "lrp.sequential_preset_a_flat" },
  { name: "integrated_gradients", options: { steps: 16 }, once: true },
  { name: "smoothgrad", options: { augmentByN: 16 }, once: true },
];

/**
 * Explanations of image models, in multiples of their forward pass. On stderr, what each took of memory at most, beyond the
 * weights, in multiples of what all layers give for the sample.
 */
export default async function explain(): Promise<Measured[]> {
  await init();
  const results: Measured[] = [];
  for (const [name, make] of Object.entries(models)) {
    const model = make();
    const x = tf.randomUniform([1, 224, 224, 3]);
    const analyzers = METHODS.map((method) => ({
      ...method,
      analyzer: createAnalyzer(method.name, model, method.options),
    }));
    results.push(
      ...(await measure(
        {
          name,
          contenders: [
            ...gradientContenders(name, model, x),
            ...analyzers.map((method) => ({
              name: method.name,
              prepare: installKernels,
              run: () => method.analyzer.analyze(x).dispose(),
              ...(method.once ? { once: true } : {}),
            })),
          ],
        },
        { rounds: 3, time: 300 },
      )),
    );
    installKernels();
    const activations = bytesOfLayers(model);
    for (const method of analyzers) {
      const peak = peakBytes(() => method.analyzer.analyze(x).dispose());
      console.error(`${name}, ${method.name}: ${(peak / activations).toPrecision(2)} times the activations`);
    }
    x.dispose();
    model.dispose();
  }
  return results;
}
