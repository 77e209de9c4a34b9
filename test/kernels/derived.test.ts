import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { derived } from "../../src/kernels/derived.js";
import { init, installKernels, uninstallKernels } from "../../src/kernels/index.js";
import { randomTensor, withRandomWeights } from "../support/models.js";

await init();
const backend = tf.backend() as tf.KernelBackend;
const held = () => [
  backend.numDataIds(),
  tf.memory().numTensors,
  tf.memory().numDataBuffers,
  tf.memory().numBytes,
];
const values = (t: tf.Tensor) => [...t.dataSync()];

test("what is derived is made once, is a tensor while it is read, and goes with its source", () => {
  const before = held();
  const source = tf.tensor1d([1, -2]);
  let made = 0;
  const positive = () =>
    derived([source], "positive", () => {
      made++;
      return tf.relu(source);
    });
  const alone = held();
  const first = positive();
  const second = positive();
  assert.is(second.dataId, first.dataId);
  first.dispose();
  assert.equal(values(second), [1, 0]);
  second.dispose();
  assert.equal(held(), alone);
  const third = positive();
  assert.equal(values(third), [1, 0]);
  assert.is(made, 1);
  // Read when its source goes, it is its reader's.
  source.dispose();
  assert.equal(values(third), [1, 0]);
  third.dispose();
  assert.equal(held(), before);
});

test("other sources, and new values of a variable, make it anew", () => {
  const before = held();
  const source = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
  const factor = tf.tidy(() => tf.variable(tf.scalar(3)));
  const product = () => {
    const y = derived([source, factor], "product", () => tf.mul(source, factor));
    const got = values(y);
    y.dispose();
    return got;
  };
  assert.equal(product(), [3, 6]);
  tf.tidy(() => factor.assign(tf.scalar(4)));
  assert.equal(product(), [4, 8]);
  tf.tidy(() => source.assign(tf.tensor1d([5, 6])));
  assert.equal(product(), [20, 24]);
  tf.dispose([source, factor]);
  assert.equal(held(), before);
});

test("without our kernels it is made each time, and what was kept is given back", () => {
  const source = tf.tensor1d([1, -2]);
  const positive = () => derived([source], "positive", () => tf.relu(source));
  positive().dispose();
  uninstallKernels();
  try {
    const [first, second] = [positive(), positive()];
    assert.is.not(first.dataId, second.dataId);
    tf.dispose([first, second]);
  } finally {
    installKernels();
    source.dispose();
  }
});

test("explanations follow the weights, those of a folded batch normalisation too, and hold nothing when the model is gone", () => {
  const before = held();
  const model = withRandomWeights(
    tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 2] }),
        tf.layers.batchNormalization({}),
        tf.layers.reLU({}),
        tf.layers.globalAveragePooling2d({}),
        tf.layers.dense({ units: 3 }),
      ],
    }),
    7,
  );
  const x = randomTensor([2, 8, 8, 2], 1);
  const explain = (name: string) => {
    const relevance = createAnalyzer(name, model).analyze(x);
    const got = values(relevance);
    relevance.dispose();
    return got;
  };
  for (const name of ["lrp.epsilon_plus", "lrp.epsilon_alpha2_beta1", "lrp.alpha_2_beta_1"]) {
    const there = held();
    const first = explain(name);
    assert.equal(explain(name), first);
    assert.equal(held(), there, name);
    for (const layer of [0, 1]) {
      const weights = model.layers[layer]!.getWeights();
      tf.tidy(() => model.layers[layer]!.setWeights(weights.map((w) => tf.mul(tf.add(w, 0.25), 1.5))));
      const kept = explain(name);
      uninstallKernels();
      installKernels();
      assert.equal(kept, explain(name), `${name}, layer ${layer}`);
      assert.not.equal(kept, first);
    }
  }
  tf.dispose(x);
  model.dispose();
  assert.equal(held(), before);
});

test.run();
