import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { methodSupport } from "../../src/analyzers/index.js";
import {
  copyLayer,
  copyLayerWoActivation,
  copyModel,
  fakeKerasLayer,
  getActivations,
  getLayerNeuronwiseIo,
  mergeBatchNormalization,
  modelWoOutputActivation,
  modelWoSoftmax,
  preSoftmaxTensors,
  subModel,
  traceModelExecution,
} from "../../src/graph/index.js";
import { sourceOf } from "../../src/layers/internals.js";
import { withRandomWeights } from "../support/models.js";
import { untouched } from "../support/untouched.js";

await tf.setBackend("cpu");
const l = tf.layers;

/** A convolution, a recurrent layer, a nested model that is used twice and one that is wrapped, before a softmax. */
function makeModel(): tf.LayersModel {
  const x = tf.input({ shape: [4, 4, 1], name: "x" });
  const block = tf.sequential({
    name: "block",
    layers: [l.dense({ units: 4, inputShape: [4, 4], activation: "relu" })],
  });
  const layers = [
    l.conv2d({ name: "conv", filters: 4, kernelSize: 1 }),
    l.batchNormalization({ name: "norm" }),
    l.reshape({ targetShape: [16, 4] }),
    l.averagePooling1d({ poolSize: 4 }),
    block,
    block,
    l.timeDistributed({ layer: tf.sequential({ layers: [l.dense({ units: 4, inputShape: [4] })] }) }),
    l.gru({ name: "gru", units: 3 }),
    l.dense({ name: "classes", units: 3, activation: "softmax" }),
  ];
  const y = layers.reduce((t: tf.SymbolicTensor, layer) => layer.apply(t) as tf.SymbolicTensor, x);
  return withRandomWeights(tf.model({ inputs: x, outputs: y }), 5);
}

const counts = () => {
  const { numTensors, numDataBuffers } = tf.memory();
  return { numTensors, numDataBuffers, variables: Object.keys(tf.engine().registeredVariables).length };
};

function repeat(rounds: number, fn: () => void): void {
  fn();
  const before = counts();
  for (let i = 0; i < rounds; i++) fn();
  assert.equal(counts(), before);
}

const model = makeModel();
const image = tf.ones([1, 4, 4, 1]);
const conv = model.getLayer("conv");

/** What leaves the model's layers as they are. */
const pure: Record<string, () => void> = {
  copyLayer: () => {
    for (const layer of model.layers.slice(1)) copyLayer(layer).dispose();
  },
  "copyLayer with weights of its own": () => void copyLayer(conv, { reuseSymbolicTensors: false }).dispose(),
  copyLayerWoActivation: () =>
    void copyLayerWoActivation(model.getLayer("gru"), { keepBias: false }).dispose(),
  copyModel: () => void copyModel(model).dispose(),
  "copyModel with weights of its own": () => void copyModel(model, { shareWeights: false }).dispose(),
  modelWoSoftmax: () => void modelWoSoftmax(model).dispose(),
  modelWoOutputActivation: () => void modelWoOutputActivation(model).dispose(),
  subModel: () => void subModel(model, { from: "conv", to: "block:1" }).dispose(),
  mergeBatchNormalization: () => void mergeBatchNormalization(model).model.dispose(),
  traceModelExecution: () => {
    for (const layer of traceModelExecution(model, { reapplyOnCopiedLayers: true }).layers) layer.dispose();
  },
  getActivations: () => tf.dispose(getActivations(model, image, ["conv", "gru"])),
  "getLayerNeuronwiseIo of tensors": () =>
    tf.dispose(getLayerNeuronwiseIo(conv, { xs: image, returnOutputs: false }).inputs as tf.Tensor),
};

for (const [name, fn] of Object.entries(pure)) {
  test(`1,000 rounds of ${name} leave nothing, and the model as it was`, () =>
    untouched(model, () => repeat(1000, fn)));
}

test("1,000 rounds of methodSupport leave nothing, and the model as it was", () =>
  untouched(model, () => repeat(1000, () => void methodSupport("gradient", model))));

test("1,000 rounds of what is called on a model's symbolic tensors leave no tensors", () => {
  const dispose = (y: tf.SymbolicTensor) => void sourceOf(y).layer.dispose();
  repeat(1000, () => preSoftmaxTensors(model.outputs).forEach(dispose));
  repeat(1000, () => fakeKerasLayer(model.inputs, image).forEach(dispose));
  repeat(1000, () => void getLayerNeuronwiseIo(conv));
});

test("1,000 rounds of failing leave nothing, and the model as it was", () => {
  class Hiding extends l.Layer {
    static readonly className = "HidingInRounds";
    readonly secret = tf.variable(tf.ones([3]));
  }
  const outputs = new Hiding({}).apply(model.outputs[0]!) as tf.SymbolicTensor;
  const refused = tf.model({ inputs: model.inputs, outputs });
  untouched(refused, () =>
    repeat(1000, () => {
      for (const fn of [copyModel, subModel, mergeBatchNormalization]) assert.throws(() => fn(refused));
    }),
  );
});

test.run();
