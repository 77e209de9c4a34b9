import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isDenseLayer, isNetwork } from "../../src/checks/index.js";
import { ArgumentError, DisposedError, GraphError, UnsupportedLayerError } from "../../src/errors.js";
import {
  copyLayer,
  copyModel,
  getActivations,
  getLayerInboundCount,
  getLayerOutboundCount,
  getModelExecutionGraph,
  getModelExecutionTrace,
  getModelLayers,
  mergeBatchNormalization,
  modelContains,
  modelWoOutputActivation,
  modelWoSoftmax,
  preSoftmaxTensors,
  subModel,
  traceModelExecution,
} from "../../src/graph/index.js";
import { withoutLeak } from "../support/backends.js";
import { convNet, nestedNet, randomTensor, sharedNet, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";
import { untouched } from "../support/untouched.js";

await tf.setBackend("cpu");
const l = tf.layers;

test("getModelLayers opens nested models, depth first, and lists each layer once", () => {
  const names = getModelLayers(nestedNet()).map(({ name }) => name);
  assert.equal(names, [
    "outer_input",
    "stem",
    "inner",
    "inner_input",
    "block",
    "hidden",
    "out",
    "probabilities",
  ]);
});

test("modelContains gives layers or counts, for one condition or a list", () => {
  const model = nestedNet();
  assert.equal(
    modelContains(model, isNetwork).map(({ name }) => name),
    ["inner", "block"],
  );
  assert.is(modelContains(model, isDenseLayer, { returnOnlyCounts: true }), 4);
  assert.equal(
    modelContains(model, [isNetwork, () => false]).map((found) => found.length),
    [2, 0],
  );
  assert.equal(modelContains(model, [isNetwork, isDenseLayer], { returnOnlyCounts: true }), [2, 4]);
});

test("calls in and out of a layer are counted once each", () => {
  const x = tf.input({ shape: [2] });
  const layer = l.dense({ units: 2 });
  assert.is(getLayerInboundCount(layer), 0);
  const y = layer.apply(layer.apply(x)) as tf.SymbolicTensor;
  l.add().apply([y, y]);
  assert.equal([getLayerInboundCount(layer), getLayerOutboundCount(layer)], [2, 2]);
  throws(
    () => getLayerInboundCount({} as never),
    ArgumentError,
    "getLayerInboundCount: expected a layer, got an object of Object",
  );
});

test("preSoftmaxTensors passes tensors without softmax through, shares copies, and refuses where none has one", () => {
  const x = tf.input({ shape: [4] });
  const classes = l.dense({ units: 3, name: "classes", activation: "softmax" });
  const [a, b] = [classes.apply(x), classes.apply(l.dense({ units: 4 }).apply(x))] as [
    tf.SymbolicTensor,
    tf.SymbolicTensor,
  ];
  const value = l.dense({ units: 1, name: "value" }).apply(x) as tf.SymbolicTensor;
  const [za, zv, zb] = preSoftmaxTensors([a, value, b]);
  assert.is(zv, value);
  assert.is(za!.sourceLayer, zb!.sourceLayer);
  assert.is(preSoftmaxTensors(l.softmax().apply(value) as tf.SymbolicTensor)[0], value);
  assert.equal(preSoftmaxTensors(value, { shouldFindSoftmax: false }), [value]);
  throws(
    () => preSoftmaxTensors(value),
    GraphError,
    'preSoftmaxTensors: expected a tensor that comes from a softmax, but they come from "value" (Dense)',
  );
  throws(
    () => preSoftmaxTensors([3 as never]),
    ArgumentError,
    "preSoftmaxTensors: expected symbolic tensors, got 3",
  );
});

test("a recurrent layer keeps its activation, which its states go through", () => {
  const model = withRandomWeights(
    tf.sequential({ layers: [l.simpleRNN({ units: 2, activation: "softmax", inputShape: [3, 2] })] }),
    3,
  );
  throws(() => modelWoSoftmax(model), GraphError, /expected model .* to end in a softmax/);
  const x = randomTensor([2, 3, 2], 1);
  const [a, b] = [model.predict(x) as tf.Tensor, modelWoOutputActivation(model).predict(x) as tf.Tensor];
  assert.equal([...a.dataSync()], [...b.dataSync()]);
});

test("behind a softmax a layer is looked through only where it leaves the rows as they are", () => {
  const steps = (last: tf.layers.Layer) =>
    tf.sequential({ layers: [l.dense({ units: 3, activation: "softmax", inputShape: [2, 4] }), last] });
  throws(
    () => modelWoSoftmax(steps(l.flatten())),
    GraphError,
    /end in a softmax, but its output comes from "flatten/,
  );
  throws(() => modelWoSoftmax(steps(l.permute({ dims: [2, 1] }))), GraphError, /comes from "permute/);
  const copy = modelWoSoftmax(steps(l.reshape({ targetShape: [1, 2, 3] })));
  assert.equal(
    copy.layers.map((layer) => layer.getClassName()),
    ["InputLayer", "Dense", "Reshape"],
  );
  // The last activation of a network is none that a Flatten follows, but for a softmax.
  const features = tf.sequential({
    layers: [l.dense({ units: 3, activation: "relu", inputShape: [2, 4] }), l.flatten()],
  });
  assert.is(modelWoOutputActivation(features).layers[1]!.getConfig().activation, "relu");
});

test("of logits and their softmax as two outputs the copy has the logits twice", () => {
  const x = tf.input({ shape: [3] });
  const logits = l.dense({ units: 2, name: "logits" }).apply(x) as tf.SymbolicTensor;
  const inner = tf.model({
    name: "inner",
    inputs: x,
    outputs: [logits, l.softmax({}).apply(logits) as tf.SymbolicTensor],
  });
  const y = tf.input({ shape: [3] });
  const outer = tf.model({ inputs: y, outputs: inner.apply(y) as tf.SymbolicTensor[] });
  for (const model of [inner, outer]) {
    const copy = withoutLeak(() => modelWoSoftmax(model));
    tf.tidy(() => {
      const input = randomTensor([2, 3], 1);
      const [want] = model.predict(input) as tf.Tensor[];
      for (const got of copy.predict(input) as tf.Tensor[]) assert.equal(got.dataSync(), want!.dataSync());
    });
    copy.dispose();
  }
});

test("the calls of a shared layer keep their numbers in a copy, whichever way is longer", () => {
  const x = tf.input({ shape: [2], name: "x" });
  const shared = l.dense({ units: 2, name: "shared" });
  const call = (input: tf.SymbolicTensor) => shared.apply(input) as tf.SymbolicTensor;
  const [first, short] = [call(x), call(x)];
  const model = tf.model({
    inputs: x,
    outputs: l.add({ name: "sum" }).apply([short, call(first)]) as tf.SymbolicTensor,
  });
  const copy = copyModel(model);
  assert.equal(copy.toJSON(null, false), model.toJSON(null, false));
  copy.dispose();
});

test("two outputs of one shared softmax layer both lose it", () => {
  const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
  const classes = l.dense({ units: 3, activation: "softmax" });
  const model = withRandomWeights(
    tf.model({ inputs: [a, b], outputs: [classes.apply(a), classes.apply(b)] as tf.SymbolicTensor[] }),
    3,
  );
  withoutLeak(() => {
    const copy = modelWoSoftmax(model);
    tf.tidy(() => {
      const x = randomTensor([2, 4], 1);
      const want = model.predict([x, x]) as tf.Tensor[];
      for (const [i, z] of (copy.predict([x, x]) as tf.Tensor[]).entries()) {
        const d = tf.max(tf.abs(tf.sub(tf.softmax(z), want[i]!))).dataSync()[0]!;
        assert.ok(d < 1e-6);
      }
    });
    copy.dispose();
  });
});

test("a layer inside and outside of a nested model stays one layer in an independent copy", () => {
  const shared = l.dense({ units: 4, name: "shared" });
  const inner = tf.sequential({ name: "inner", layers: [l.reLU({ inputShape: [4] }), shared] });
  const x = tf.input({ shape: [4] });
  const model = tf.model({ inputs: x, outputs: inner.apply(shared.apply(x)) as tf.SymbolicTensor });
  withoutLeak(() => {
    const copy = copyModel(model, { shareWeights: false });
    assert.is(
      copy.getLayer("shared"),
      (copy.getLayer("inner") as unknown as tf.LayersModel).getLayer("shared"),
    );
    copy.dispose();
  });
});

test("a Sequential is copied as one, also with nested ones; where tfjs takes no such layers, as the model it stands for", () => {
  const block = tf.sequential({ name: "block", layers: [l.dense({ units: 2, inputShape: [2] })] });
  const model = tf.sequential({
    name: "outer",
    layers: [l.dense({ units: 2, inputShape: [3] }), block, block],
  });
  withoutLeak(() => {
    const copy = copyModel(model, { shareWeights: false });
    assert.instance(copy, tf.Sequential);
    assert.is(copy.layers[1], copy.layers[2]);
    assert.instance(copy.layers[1], tf.Sequential);
    copy.dispose();
  });
  const connected = l.dense({ units: 2 });
  connected.apply(tf.input({ shape: [3] }));
  const byHand = tf.sequential({ layers: [connected, l.reLU()] });
  const x = randomTensor([2, 3], 1);
  const [a, b] = [byHand, copyModel(byHand)].map((m) => [...(m.predict(x) as tf.Tensor).dataSync()]);
  assert.equal(a, b);
});

test("models that are not trainable, and regularised layers, stay so in a copy", () => {
  const model = convNet();
  model.trainable = false;
  const copy = copyModel(model);
  assert.equal([copy.trainable, copy.trainableWeights.length], [false, 0]);
  const regularised = tf.sequential({
    layers: [l.dense({ units: 1, inputShape: [2], kernelRegularizer: tf.regularizers.l2({ l2: 0.5 }) })],
  });
  for (const shareWeights of [true, false]) {
    const [loss] = copyModel(regularised, { shareWeights }).layers.at(-1)!.losses;
    assert.ok(loss !== undefined);
  }
});

test("training a shared copy trains the model, and training an independent copy does not", async () => {
  for (const shareWeights of [true, false]) {
    const model = tf.sequential({ layers: [l.dense({ units: 1, inputShape: [2] })] });
    const before = [...model.getWeights()[0]!.dataSync()];
    const copy = copyModel(model, { shareWeights });
    copy.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    await copy.fit(tf.ones([4, 2]), tf.fill([4, 1], 9), { epochs: 1, verbose: 0 });
    assert.is(
      [...model.getWeights()[0]!.dataSync()].some((v, i) => v !== before[i]),
      shareWeights,
    );
  }
});

test("the copy of a stateful recurrent layer starts with states of its own, which go with it", () => {
  const layers = () => [
    l.lstm({ units: 3, stateful: true, returnSequences: true, batchInputShape: [2, 4, 2] }),
    l.bidirectional({ layer: l.gru({ units: 2, stateful: true }) as tf.RNN, mergeMode: "concat" }),
  ];
  const model = withRandomWeights(tf.sequential({ layers: layers() }), 7);
  const x = randomTensor([2, 4, 2], 1);
  const runs = (m: tf.LayersModel) =>
    [0, 1].map(() => tf.tidy(() => [...(m.predict(x) as tf.Tensor).dataSync()]));
  const want = runs(model);
  for (const shareWeights of [true, false]) {
    withoutLeak(() => {
      const copy = copyModel(model, { shareWeights });
      assert.equal(runs(copy), want);
      copy.dispose();
      copyLayer(model.layers[0]!, { reuseSymbolicTensors: shareWeights }).dispose();
    });
  }
  assert.is.not(String(want[0]), String(want[1]));
});

const onModels: Record<string, (model: tf.LayersModel) => unknown> = {
  traceModelExecution,
  getModelExecutionTrace,
  getModelLayers,
  copyModel,
  modelWoSoftmax,
  modelWoOutputActivation,
  subModel,
  mergeBatchNormalization,
  getActivations: (model) => getActivations(model, tf.zeros([1])),
  modelContains: (model) => modelContains(model, isNetwork),
  getModelExecutionGraph,
};

for (const [name, fn] of Object.entries(onModels)) {
  test(`${name} refuses what is no layers model, one that was never built, and a disposed one`, () => {
    tf.tidy(() => {
      throws(
        () => fn(undefined as never),
        ArgumentError,
        `${name}: expected a tf.LayersModel, got undefined`,
      );
      throws(
        () => fn(l.flatten({ name: "f" }) as never),
        ArgumentError,
        `${name}: expected a tf.LayersModel, got the layer "f" (Flatten)`,
      );
      const graphModel = new tf.GraphModel("nowhere");
      throws(
        () => fn(graphModel as never),
        ArgumentError,
        `${name}: expected a tf.LayersModel, got a tf.GraphModel, whose operations are no layers`,
      );
      throws(
        () => fn(tf.sequential({ name: "bare" })),
        GraphError,
        new RegExp(`^${name}: model "bare" \\(Sequential\\) has no graph yet`),
      );
      const model = sharedNet();
      model.dispose();
      throws(() => fn(model), DisposedError, `${name}: the model "shared_net" is disposed`);
    });
  });
}

test("before the softmax of a softmax preSoftmaxTensors finds the first softmax's output itself", () => {
  const x = tf.input({ shape: [3] });
  const once = l.dense({ units: 2, activation: "softmax" }).apply(x) as tf.SymbolicTensor;
  const [logits, same] = preSoftmaxTensors([once, l.softmax({}).apply(once) as tf.SymbolicTensor]);
  assert.is(same, once);
  assert.is.not(logits, once);
});

test("preSoftmaxTensors leaves the model as it was where one of several layers cannot be copied", () => {
  class HidingSoftmax extends l.Layer {
    static readonly className = "HidingSoftmax";
    readonly activation = "softmax";
    readonly secret = tf.variable(tf.ones([2]));
  }
  const x = tf.input({ shape: [3] });
  const outputs = [l.dense({ units: 2, activation: "softmax" }), new HidingSoftmax({ name: "hiding" })].map(
    (layer) => layer.apply(x) as tf.SymbolicTensor,
  );
  const model = tf.model({ inputs: x, outputs });
  untouched(model, () =>
    withoutLeak(() =>
      throws(
        () => preSoftmaxTensors(model.outputs),
        UnsupportedLayerError,
        /^preSoftmaxTensors: layer "hiding" \(HidingSoftmax\) cannot be copied/,
      ),
    ),
  );
});

test("what is no condition, and no tensor at all, is refused", () => {
  throws(
    () => modelContains(nestedNet(), ["Dense"] as never),
    ArgumentError,
    'modelContains: expected conditions to be functions, got "Dense"',
  );
  throws(
    () => modelContains(null as never, isNetwork),
    ArgumentError,
    /^modelContains: expected a tf.LayersModel/,
  );
  throws(
    () => preSoftmaxTensors([]),
    GraphError,
    "preSoftmaxTensors: expected at least one tensor that comes from a softmax, got none",
  );
  throws(
    () => preSoftmaxTensors(tf.ones([2, 3]) as never),
    ArgumentError,
    "preSoftmaxTensors: expected symbolic tensors, got a tensor of shape [2, 3]",
  );
  throws(
    () => copyLayer(tf.sequential({ name: "empty" })),
    GraphError,
    /^copyLayer: model "empty" \(Sequential\) has no graph yet/,
  );
});

test("what cannot be copied is refused by name and leaves the model as it was, in every function that copies", () => {
  class Hiding extends l.Layer {
    static readonly className = "HidingInModel";
    readonly secret = tf.variable(tf.ones([4]));
  }
  const x = tf.input({ shape: [4] });
  const hidden = new Hiding({ name: "hiding" }).apply(l.dense({ units: 4 }).apply(x));
  const outputs = l.dense({ units: 2, activation: "softmax" }).apply(hidden) as tf.SymbolicTensor;
  const model = tf.model({ inputs: x, outputs });
  const value = tf.zeros([1, 4]);
  const copies = { copyModel, modelWoSoftmax, modelWoOutputActivation, subModel, mergeBatchNormalization };
  const all = {
    ...copies,
    independent: (m: tf.LayersModel) => copyModel(m, { shareWeights: false }),
    reapplied: (m: tf.LayersModel) => traceModelExecution(m, { reapplyOnCopiedLayers: true }),
    activations: (m: tf.LayersModel) => getActivations(m, value),
  };
  for (const fn of Object.values(all)) {
    untouched(model, () =>
      withoutLeak(() =>
        throws(
          () => fn(model),
          UnsupportedLayerError,
          /layer "hiding" \(HidingInModel\) cannot be copied: it hides weights/,
        ),
      ),
    );
  }
  assert.is(getModelExecutionTrace(model).length, 3);
});

test.run();
