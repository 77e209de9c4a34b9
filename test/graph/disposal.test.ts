import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { UnsupportedLayerError } from "../../src/errors.js";
import {
  copyLayer,
  copyLayerWoActivation,
  copyModel,
  getActivations,
  mergeBatchNormalization,
  modelWoOutputActivation,
  modelWoSoftmax,
  subModel,
} from "../../src/graph/index.js";
import { throws } from "../support/throws.js";
import { runningZoo, type ZooModel, zooInputs, zooOutputs } from "../support/zoo.js";

await tf.setBackend("cpu");
const l = tf.layers;

type Maker = (model: tf.LayersModel) => tf.LayersModel;

const makers: Readonly<Record<string, Maker>> = {
  copyModel: (model) => copyModel(model),
  "copyModel with weights of its own": (model) => copyModel(model, { shareWeights: false }),
  modelWoSoftmax: (model) => modelWoSoftmax(model, { shouldFindSoftmax: false }),
  modelWoOutputActivation,
  subModel: (model) => subModel(model),
  mergeBatchNormalization: (model) => mergeBatchNormalization(model).model,
};

/** What is there of tensors, of their data and of variables. */
function counts() {
  const { numTensors, numDataBuffers } = tf.memory();
  return { numTensors, numDataBuffers, variables: Object.keys(tf.engine().registeredVariables).length };
}

type Counts = ReturnType<typeof counts>;

/** What a model alone leaves when it is disposed: tfjs 4.22 keeps the weights of a layer that is called twice. */
function leftBy(entry: ZooModel): Counts {
  const before = counts();
  entry.make().dispose();
  return difference(counts(), before);
}

function difference(a: Counts, b: Counts): Counts {
  return {
    numTensors: a.numTensors - b.numTensors,
    numDataBuffers: a.numDataBuffers - b.numDataBuffers,
    variables: a.variables - b.variables,
  };
}

function check(model: tf.LayersModel, entry: ZooModel, want: Float32Array[], message: string): void {
  assert.equal(zooOutputs(model, entry), want, message);
}

/** tfjs 4.22 lacks the gradient of Greater and of Conv3DTranspose, and a batch normalisation without scale throws. */
const UNTRAINABLE = ["activations", "volume", "residual"];

async function train(model: tf.LayersModel, entry: ZooModel): Promise<void> {
  model.compile({ optimizer: "sgd", loss: model.outputs.map(() => "meanSquaredError") });
  const xs = zooInputs(model, entry);
  const ys = model.predict(xs) as tf.Tensor | tf.Tensor[];
  const targets = [ys].flat().map((y) => tf.zerosLike(y));
  tf.dispose(ys);
  await model.trainOnBatch(xs, targets);
  tf.dispose([xs, targets]);
}

/** What a model alone leaves when it is trained and disposed: a CategoryEncoding of tfjs 4.22 leaves a tensor. */
async function leftByTraining(entry: ZooModel): Promise<Counts> {
  const before = counts();
  const model = entry.make();
  await train(model, entry);
  model.dispose();
  return difference(counts(), before);
}

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: model, copy and copy of the copy can be disposed in any order, and what is left works`, () => {
    for (const entry of runningZoo) {
      const left = leftBy(entry);
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 0, 2],
        [1, 2, 0],
      ]) {
        const before = counts();
        const model = entry.make();
        const copy = make(model);
        const models = [model, copy, make(copy)];
        const want = models.map((m) => zooOutputs(m, entry));
        for (const [turn, i] of order.entries()) {
          models[i]!.dispose();
          for (const other of order.slice(turn + 1))
            check(models[other]!, entry, want[other]!, `${entry.name}: ${other} after ${i} of ${order}`);
        }
        assert.equal(difference(counts(), before), left, `${entry.name}: ${order}`);
      }
    }
  });

  test(`${name}: model and copy train after the other is disposed, and leave nothing`, async () => {
    for (const entry of runningZoo) {
      if (UNTRAINABLE.includes(entry.name)) continue;
      const alone = await leftByTraining(entry);
      for (const first of [0, 1]) {
        const before = counts();
        const model = entry.make();
        const models = [model, make(model)];
        models[first]!.dispose();
        const left = models[1 - first]!;
        const untrained = zooOutputs(left, entry);
        await train(left, entry);
        if (left.trainableWeights.length > 0)
          assert.not.equal(zooOutputs(left, entry), untrained, entry.name);
        left.dispose();
        assert.equal(difference(counts(), before), alone, `${entry.name}: ${first} disposed first`);
      }
    }
  });
}

test("what a wrapper wraps and something else uses, too, has one copy, whose weights are one", () => {
  const encoders: Record<string, () => tf.layers.Layer> = {
    layer: () => l.dense({ units: 2 }),
    model: () => tf.sequential({ layers: [l.dense({ units: 2, inputShape: [3] }), l.batchNormalization()] }),
  };
  for (const [what, encoder] of Object.entries(encoders)) {
    const shared = encoder();
    const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [4, 3] })];
    const outputs = [
      shared.apply(a) as tf.SymbolicTensor,
      l.timeDistributed({ layer: shared }).apply(b) as tf.SymbolicTensor,
    ];
    const model = tf.model({ inputs: [a, b], outputs });
    const run = (m: tf.LayersModel) =>
      tf.tidy(() =>
        (m.predict([tf.ones([1, 3]), tf.ones([1, 4, 3])]) as tf.Tensor[]).map((y) => [...y.dataSync()]),
      );
    const want = run(model);
    for (const shareWeights of [false, true]) {
      const before = counts();
      const copy = copyModel(model, { shareWeights });
      const copied = copy.getLayer(shared.name);
      tf.tidy(() => copied.setWeights(copied.getWeights().map((w) => tf.zerosLike(w))));
      assert.equal(run(copy).flat(), Array(10).fill(0), what);
      assert.equal(run(model).flat(), shareWeights ? Array(10).fill(0) : want.flat());
      // tfjs itself throws when the model is disposed, whose weights two layers think they own.
      copy.dispose();
      assert.equal(counts(), before);
    }
  }
});

test("a wrapper of a model is copied as a layer, and lives when either is disposed", () => {
  const inner = tf.sequential({ layers: [l.dense({ units: 2, inputShape: [3], activation: "softmax" })] });
  const before = counts();
  for (const first of [0, 1]) {
    const model = tf.sequential({
      layers: [l.timeDistributed({ layer: copyModel(inner), inputShape: [4, 3] })],
    });
    const layer = model.layers[0]!;
    const copies = [copyLayer(layer), copyLayer(layer, { weights: layer.getWeights() })];
    const run = (x: tf.layers.Layer) =>
      tf.tidy(() => [...(x.apply(tf.ones([1, 4, 3])) as tf.Tensor).dataSync()]);
    const want = run(layer);
    if (first === 0) model.dispose();
    for (const copy of copies) {
      assert.equal(run(copy), want);
      copy.dispose();
    }
    if (first === 1) {
      assert.equal(run(layer), want);
      model.dispose();
    }
  }
  assert.equal(counts(), before);
});

test("a wrapper of a model that was never called has copies, and can be called and disposed after them", () => {
  const before = counts();
  const inner = tf.sequential({ layers: [l.dense({ units: 2, inputShape: [3] })] });
  const layer = l.timeDistributed({ layer: inner });
  const modelOf = (called: tf.layers.Layer) => {
    const x = tf.input({ shape: [4, 3] });
    return tf.model({ inputs: x, outputs: called.apply(x) as tf.SymbolicTensor });
  };
  const copies = [true, true, false].map((reuseSymbolicTensors) =>
    modelOf(copyLayer(layer, { reuseSymbolicTensors })),
  );
  const [first, ...others] = copies as [tf.LayersModel, ...tf.LayersModel[]];
  first.dispose();
  const models = [modelOf(layer), ...others];
  const run = (m: tf.LayersModel) =>
    tf.tidy(() => [...(m.predict(tf.ones([1, 4, 3])) as tf.Tensor).dataSync()]);
  const want = run(models[0]!);
  while (models.length > 0) {
    for (const model of models) assert.equal(run(model), want);
    models.shift()!.dispose();
  }
  assert.equal(counts(), before);
});

test("without its activation a wrapper of a model has the model without that; it drops no bias", () => {
  const inner = tf.sequential({
    name: "inner",
    layers: [l.dense({ units: 2, inputShape: [3] }), l.softmax({})],
  });
  const layer = l.timeDistributed({
    name: "steps",
    layer: l.timeDistributed({ layer: inner }),
    inputShape: [2, 4, 3],
  });
  const model = tf.sequential({ layers: [layer] });
  const logits = modelWoSoftmax(model);
  const alone = copyLayerWoActivation(layer);
  tf.tidy(() => {
    const x = tf.randomUniform([2, 2, 4, 3]);
    const want = (model.predict(x) as tf.Tensor).dataSync();
    for (const z of [logits.predict(x), alone.apply(x)] as tf.Tensor[]) {
      tf.test_util.expectArraysClose(tf.softmax(z).dataSync(), want, 1e-6);
      assert.ok(Math.abs(z.dataSync()[0]! - want[0]!) > 1e-3);
    }
  });
  throws(
    () => copyLayer(layer, { keepBias: false }),
    UnsupportedLayerError,
    'copyLayer: "steps" (TimeDistributed) wraps a model, in which no one layer has the bias',
  );
});

test("a copy of a recurrent layer takes its masks of dropout with it, as do the copies that getActivations makes", () => {
  const model = tf.sequential({
    layers: [
      l.lstm({ units: 3, inputShape: [4, 2], dropout: 0.5, returnSequences: true }),
      l.bidirectional({ layer: l.gru({ units: 3, recurrentDropout: 0.5 }) as tf.RNN }),
    ],
  });
  const x = tf.ones([2, 4, 2]);
  tf.dispose(model.predict(x));
  const before = counts();
  const copy = copyModel(model);
  tf.dispose(copy.predict(x));
  copy.dispose();
  tf.dispose(getActivations(model, x));
  assert.equal(counts(), before);
});

test.run();
