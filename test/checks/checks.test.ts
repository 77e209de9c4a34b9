import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  containsActivation,
  containsBias,
  containsKernel,
  isAddLayer,
  isAveragePooling,
  isBatchNormalizationLayer,
  isConvLayer,
  isDenseLayer,
  isEmbeddingLayer,
  isMaxPooling,
  isNetwork,
  onlyReluActivation,
} from "../../src/checks/index.js";

const l = tf.layers;

test("containsActivation names exactly the activation, in any letter case", () => {
  const dense = l.dense({ units: 1, activation: "relu6" });
  assert.is(containsActivation(dense, "relu6"), true);
  assert.is(containsActivation(dense, "RELU6"), true);
  assert.is(containsActivation(dense, "relu"), false);
  assert.is(containsActivation(l.dense({ units: 1, activation: "selu" }), "elu"), false);
  assert.is(containsActivation(l.activation({ activation: "hardSigmoid" }), "hard_sigmoid"), true);
  assert.is(containsActivation(l.softmax(), "softmax"), true);
  assert.is(containsActivation(l.reLU(), "relu"), true);
  assert.is(containsActivation(l.reLU({ maxValue: 6 }), "relu6"), true);
  assert.is(containsActivation(l.reLU({ maxValue: 6 }), "relu"), false);
  assert.is(containsActivation(l.leakyReLU(), "relu"), false);
  assert.is(containsActivation(l.lstm({ units: 1 }), "tanh"), true);
});

test("containsActivation without a name asks whether there is a place for one", () => {
  assert.is(containsActivation(l.dense({ units: 1 })), true);
  assert.is(containsActivation(l.dense({ units: 1 }), "linear"), true);
  assert.is(containsActivation(l.elu()), true);
  assert.is(containsActivation(l.flatten()), false);
  assert.is(containsActivation(l.flatten(), "linear"), false);
});

test("onlyReluActivation allows none, linear and relu, and nothing else", () => {
  for (const layer of [
    l.flatten(),
    l.dense({ units: 1 }),
    l.dense({ units: 1, activation: "relu" }),
    l.reLU(),
  ])
    assert.is(onlyReluActivation(layer), true);
  for (const layer of [
    l.softmax(),
    l.leakyReLU(),
    l.dense({ units: 1, activation: "tanh" }),
    l.reLU({ maxValue: 6 }),
  ])
    assert.is(onlyReluActivation(layer), false);
});

test("containsKernel and containsBias hold before and after a layer is built", () => {
  for (const built of [false, true]) {
    const dense = l.dense({ units: 1, useBias: true });
    const bare = l.conv2d({ filters: 1, kernelSize: 1, useBias: false });
    if (built) {
      dense.build([null, 2]);
      bare.build([null, 2, 2, 1]);
    }
    assert.equal([containsKernel(dense), containsBias(dense)], [true, true]);
    assert.equal([containsKernel(bare), containsBias(bare)], [true, false]);
  }
  for (const layer of [
    l.separableConv2d({ filters: 1, kernelSize: 1 }),
    l.depthwiseConv2d({ kernelSize: 1 }),
    l.conv2dTranspose({ filters: 1, kernelSize: 1 }),
  ])
    assert.is(containsKernel(layer), true);
  for (const layer of [
    l.flatten(),
    l.batchNormalization(),
    l.lstm({ units: 1 }),
    l.embedding({ inputDim: 2, outputDim: 2 }),
  ])
    assert.equal([containsKernel(layer), containsBias(layer)], [false, false]);
});

test("each class check is true for its classes and false for its neighbours", () => {
  const layers = {
    dense: l.dense({ units: 1 }),
    conv: l.conv1d({ filters: 1, kernelSize: 1 }),
    add: l.add(),
    embedding: l.embedding({ inputDim: 2, outputDim: 2 }),
    norm: l.batchNormalization(),
    layerNorm: l.layerNormalization(),
    average: l.averagePooling3d({ poolSize: 2, strides: 2, padding: "valid" }),
    globalAverage: l.globalAveragePooling1d({}),
    max: l.maxPooling1d({}),
    globalMax: l.globalMaxPooling2d({}),
    model: tf.sequential({ layers: [l.dense({ units: 1, inputShape: [1] })] }),
  };
  const wanted: [(layer: tf.layers.Layer) => boolean, (keyof typeof layers)[]][] = [
    [isDenseLayer, ["dense"]],
    [isConvLayer, ["conv"]],
    [isAddLayer, ["add"]],
    [isEmbeddingLayer, ["embedding"]],
    [isBatchNormalizationLayer, ["norm"]],
    [isAveragePooling, ["average", "globalAverage"]],
    [isMaxPooling, ["max", "globalMax"]],
    [isNetwork, ["model"]],
  ];
  for (const [check, names] of wanted) {
    assert.equal(
      Object.entries(layers)
        .filter(([, layer]) => check(layer))
        .map(([name]) => name),
      names,
    );
  }
});

test.run();
