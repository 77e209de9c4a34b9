import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { modelWoSoftmax } from "../../src/graph/index.js";
import { backends } from "../support/backends.js";
import { digitsModel, digitsTensor } from "../support/digits.js";

/** The digits network with its biases set to zero. */
async function withoutBiases(): Promise<tf.LayersModel> {
  const model = await digitsModel();
  tf.tidy(() =>
    model.setWeights(model.getWeights().map((w) => (w.rank === 1 ? tf.zerosLike(w) : w.clone()))),
  );
  return modelWoSoftmax(model);
}

for (const { backend, use } of backends) {
  test(`lrp.z of the network without biases conserves relevance to 1e-4 of the output on each of the ten digits (${backend})`, async () => {
    await use();
    const model = await withoutBiases();
    const x = digitsTensor();
    const { relevance, output, neuron } = createAnalyzer("lrp.z", model).explain(x);
    const sums = tf.sum(relevance as tf.Tensor, [1, 2, 3]).dataSync();
    const outputs = output.dataSync();
    neuron!.forEach((index, digit) => {
      const put = outputs[digit * 10 + index]!;
      assert.ok(
        Math.abs(sums[digit]! - put) <= 1e-4 * Math.abs(put),
        `digit ${digit}: ${sums[digit]} of ${put}`,
      );
    });
  });

  test(`lrp.z that ignores the biases loses what units without input hold by their bias alone, and delta says so (${backend})`, async () => {
    await use();
    const model = modelWoSoftmax(await digitsModel());
    const { relevance, delta, output, neuron } = createAnalyzer("lrp.z", model, { bias: false }).explain(
      digitsTensor(),
    );
    const sums = tf.sum(relevance as tf.Tensor, [1, 2, 3]).dataSync();
    const outputs = output.dataSync();
    neuron!.forEach((index, digit) => {
      const put = outputs[digit * 10 + index]!;
      assert.ok(Math.abs(put - sums[digit]! - delta![digit]!) <= 1e-4 * put);
    });
    assert.ok(delta!.some((gap) => Math.abs(gap) > 0.1));
  });

  test(`in a network of relu, lrp.z with biases is the input times the gradient, to 1e-5 of the largest (${backend})`, async () => {
    await use();
    const model = modelWoSoftmax(await digitsModel());
    const x = digitsTensor();
    const [lrp, product] = ["lrp.z", "input_t_gradient"].map((name) => [
      ...(createAnalyzer(name, model).analyze(x) as tf.Tensor).dataSync(),
    ]);
    const largest = product!.reduce((m: number, v: number) => Math.max(m, Math.abs(v)), 0);
    product!.forEach((v, i) => assert.ok(Math.abs(v - lrp![i]!) <= 1e-5 * largest));
  });
}

test("the network reads the ten held-back digits right", async () => {
  const model = await digitsModel();
  const classes = (model.predict(digitsTensor()) as tf.Tensor).argMax(1).dataSync();
  assert.equal([...classes], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test.run();
