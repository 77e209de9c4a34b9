import * as tf from "@tensorflow/tfjs";
import * as h5wasm from "h5wasm/node";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { backends } from "../support/backends.js";
import { referenceFiles, referencePath, skipWithout } from "../support/reference.js";

/** The recorded files, and the layer of each of their six one-layer models. */
const FILES = {
  "Gradient.hdf5": "gradient",
  "InputTimesGradient.hdf5": "input_t_gradient",
  "Deconvnet.hdf5": "deconvnet",
  "GuidedBackprop.hdf5": "guided_backprop",
  "IntegratedGradients.hdf5": "integrated_gradients",
  "DeepTaylor.hdf5": "deep_taylor",
  "LRPZ.hdf5": "lrp.z",
  "LRPEpsilon.hdf5": "lrp.epsilon",
  "LRPWSquare.hdf5": "lrp.w_square",
  "LRPZPlus.hdf5": "lrp.z_plus",
  "LRPAlpha1Beta0.hdf5": "lrp.alpha_1_beta_0",
  "LRPAlpha2Beta1.hdf5": "lrp.alpha_2_beta_1",
  "LRPSequentialPresetA.hdf5": "lrp.sequential_preset_a",
};
const LAYERS: Record<string, () => tf.layers.Layer> = {
  Dense: () => tf.layers.dense({ units: 5 }),
  Dense_relu: () => tf.layers.dense({ units: 5, activation: "relu" }),
  Conv2D: () => tf.layers.conv2d({ filters: 5, kernelSize: 3 }),
  Conv2D_relu: () => tf.layers.conv2d({ filters: 5, kernelSize: 3, activation: "relu" }),
  AveragePooling2D: () => tf.layers.averagePooling2d({ poolSize: 2 }),
  MaxPooling2D: () => tf.layers.maxPooling2d({ poolSize: 2 }),
};
const present = Object.entries(FILES).filter(([file]) => referencePath(`innvestigate/${file}`) !== null);
await h5wasm.ready;

for (const [file, method] of present) {
  for (const { backend, use } of backends.filter(({ backend }) => backend !== "wasm as it is")) {
    test(`${method} meets iNNvestigate's own recorded values, ${file}: |got - want| <= 1e-8 + 1e-2 |want|, and to 1e-5 of the largest (${backend})`, async () => {
      await use();
      const h5 = new h5wasm.File(referencePath(`innvestigate/${file}`)!, "r");
      const read = (name: string) => {
        const dataset = h5.get(name) as h5wasm.Dataset;
        return tf.tensor(Float32Array.from(dataset.value as ArrayLike<number>), dataset.shape as number[]);
      };
      for (const [name, make] of Object.entries(LAYERS)) {
        const model = tf.sequential({
          layers: [tf.layers.inputLayer({ inputShape: [10, 10, 3] }), make(), tf.layers.flatten()],
        });
        if (h5.get(`${name}/weights`))
          tf.tidy(() => model.setWeights(model.weights.map((_, i) => read(`${name}/weights/${i}`))));
        tf.tidy(() => {
          const got = [...(createAnalyzer(method, model).analyze(read("input")) as tf.Tensor).dataSync()];
          const want = [...read(`${name}/attribution`).dataSync()];
          const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
          want.forEach((v, i) => {
            const off = Math.abs(got[i]! - v);
            assert.ok(
              off <= 1e-8 + 1e-2 * Math.abs(v) && off <= 1e-5 * largest,
              `${name} at ${i}: ${got[i]}, recorded ${v}`,
            );
          });
        });
        model.dispose();
      }
      h5.close();
    });
  }
}
if (present.length > 0) {
  test("no recorded file is left out", () => {
    assert.equal(Object.keys(FILES).sort(), referenceFiles("innvestigate", ".hdf5"));
  });
} else skipWithout("attributions recorded with iNNvestigate");

test.run();
