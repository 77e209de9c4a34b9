import { readdirSync, readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  containsActivation,
  containsBias,
  containsKernel,
  getActivationSearchSafeLayers,
  getKnownLayers,
  isAddLayer,
  isAveragePooling,
  isBatchNormalizationLayer,
  isConvLayer,
  isConvnetLayer,
  isDenseLayer,
  isEmbeddingLayer,
  isInputLayer,
  isLayerAtIdx,
  isMaxPooling,
  isNetwork,
  isReluConvnetLayer,
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

test("getKnownLayers has every layer class that tfjs-layers registers, and each name once", () => {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const registered = Object.keys(classNameMap).filter(
    (name) =>
      (classNameMap[name]![0] as unknown as { prototype: unknown }).prototype instanceof tf.layers.Layer,
  );
  assert.ok(registered.length > 60);
  assert.equal(
    registered.filter((name) => !getKnownLayers().includes(name)),
    [],
  );
  assert.is(new Set(getKnownLayers()).size, getKnownLayers().length);
  assert.ok(
    ["Lambda", "ConvRecurrent2D", "CuDNNGRU", "Cropping3D", "Wrapper"].every((n) =>
      getKnownLayers().includes(n),
    ),
  );
});

test("getKnownLayers has every layer of this library", () => {
  const folder = new URL("../../src/layers/", import.meta.url);
  const own = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      [
        ...readFileSync(new URL(file, folder), "utf8").matchAll(
          /static (?:override )?readonly className = "(\w+)"/g,
        ),
      ].map(([, name]) => name as string),
    );
  assert.ok(own.length > 1);
  assert.equal(
    own.filter((name) => !getKnownLayers().includes(name)),
    [],
  );
});

test("getActivationSearchSafeLayers are fourteen known layers", () => {
  assert.is(getActivationSearchSafeLayers().length, 14);
  assert.ok(getActivationSearchSafeLayers().every((name) => getKnownLayers().includes(name)));
});

test("a layer of a convolutional network is known, and not recurrent, a wrapper or a model", () => {
  for (const layer of [
    l.conv2d({ filters: 1, kernelSize: 1 }),
    l.depthwiseConv2d({ kernelSize: 1 }),
    l.reLU(),
    l.batchNormalization(),
    l.embedding({ inputDim: 2, outputDim: 2 }),
  ])
    assert.is(isConvnetLayer(layer), true, layer.name);
  for (const layer of [
    l.lstm({ units: 1 }),
    l.convLstm2d({ filters: 1, kernelSize: 1 }),
    l.timeDistributed({ layer: l.dense({ units: 1 }) }),
    tf.sequential({ layers: [l.dense({ units: 1, inputShape: [1] })] }),
    new Odd({}),
  ])
    assert.is(isConvnetLayer(layer), false, layer.name);
  assert.is(isReluConvnetLayer(l.dense({ units: 1, activation: "relu" })), true);
  assert.is(isReluConvnetLayer(l.flatten()), true);
  assert.is(isReluConvnetLayer(l.dense({ units: 1, activation: "tanh" })), false);
  assert.is(isReluConvnetLayer(l.lstm({ units: 1, activation: "relu" })), false);
});

test("a class that extends a known one is of that; one that extends none is known to no check, and throws in none", () => {
  const Dense = l.dense({ units: 1 }).constructor as new (config: object) => tf.layers.Layer;
  class MyDense extends Dense {
    static readonly className = "MyDense";
  }
  const mine = new MyDense({ units: 1, activation: "relu" });
  assert.equal([isDenseLayer(mine), isConvnetLayer(mine), containsKernel(mine)], [true, true, true]);
  const odd = new Odd({});
  const checks = [
    isDenseLayer,
    isConvLayer,
    isNetwork,
    isMaxPooling,
    containsKernel,
    containsBias,
    isInputLayer,
  ];
  assert.equal(
    checks.map((check) => check(odd)),
    checks.map(() => false),
  );
  assert.is(onlyReluActivation(odd), true);
});

test("isInputLayer looks at every input of every call, and through reshapes when asked", () => {
  const [a, b] = [tf.input({ shape: [4, 4, 1], name: "a" }), tf.input({ shape: [4, 4, 1], name: "b" })];
  const pad = l.zeroPadding2d({ padding: 1 });
  const first = l.conv2d({ filters: 1, kernelSize: 3 });
  const inner = l.conv2d({ filters: 1, kernelSize: 1 });
  const y = inner.apply(first.apply(pad.apply(a))) as tf.SymbolicTensor;
  assert.equal(
    [first, pad, inner].map((layer) => isInputLayer(layer)),
    [true, true, false],
  );
  assert.equal(
    [first, pad, inner].map((layer) => isInputLayer(layer, false)),
    [false, true, false],
  );
  assert.is(isInputLayer(a.sourceLayer), true);
  const add = l.add();
  add.apply([a, b]);
  assert.is(isInputLayer(add), true);
  const mixed = l.add();
  mixed.apply([b, y]);
  assert.is(isInputLayer(mixed), false);
  const shared = l.flatten();
  shared.apply(a);
  assert.is(isInputLayer(shared), true);
  shared.apply(y);
  assert.is(isInputLayer(shared), false, "a second call elsewhere counts");
  assert.is(isInputLayer(l.flatten()), false, "never called");
});

test("isLayerAtIdx counts as model.layers does, from either end", () => {
  const model = tf.sequential({ layers: [l.flatten({ inputShape: [2, 2] }), l.dense({ units: 1 })] });
  const [flatten, dense] = model.layers as [tf.layers.Layer, tf.layers.Layer];
  assert.equal(
    [0, 1, 2, -2, 0.5].map((i) => isLayerAtIdx(model, flatten, i)),
    [true, false, false, true, false],
  );
  assert.is(isLayerAtIdx(model, dense, -1), true);
});

test("a wrapper has the activation of the layer in it", () => {
  const both = l.bidirectional({ layer: l.gru({ units: 1 }) as tf.RNN, mergeMode: "sum" });
  assert.is(containsActivation(both, "tanh"), true);
  const layer = l.timeDistributed({ layer: l.dense({ units: 1, activation: "softmax" }) });
  assert.is(containsActivation(layer, "softmax"), true);
});

/** A layer of no known class. */
class Odd extends tf.layers.Layer {
  static readonly className = "Odd";
  readonly layer = "in a field that wrappers have their layer in";
  readonly cell = 3;
}

test.run();
