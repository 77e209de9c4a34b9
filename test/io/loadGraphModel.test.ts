import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { GraphError, ModelFormatError, UnsupportedLayerError } from "../../src/errors.js";
import { getOpOutputs, graphModelOf, modelWoSoftmax, traceGraphModel } from "../../src/graph/index.js";
import { inspectModel, loadGraphModel, loadModel } from "../../src/io/index.js";
import { saveModel } from "../../src/io/node/index.js";
import { graphFiles, withSoftmax } from "../support/graphModel.js";
import { rejects, throws } from "../support/throws.js";

test.before(async () => {
  await tf.setBackend("cpu");
});

test("a graph model runs, shows its operations in order, gives inner outputs, and leaves nothing when disposed", async () => {
  const before = tf.memory().numTensors;
  const model = await loadGraphModel(graphFiles());
  const nodes = traceGraphModel(model);
  assert.equal(nodes.map(({ name }) => name).sort(), ["product", "w", "x", "y"]);
  assert.equal(
    nodes.slice(2).map(({ op, inputs }) => [op, inputs]),
    [
      ["MatMul", ["x", "w"]],
      ["Relu", ["product"]],
    ],
  );
  tf.tidy(() => {
    const x = tf.tensor2d([[1, -3]]);
    assert.equal([...(model.predict(x) as tf.Tensor).dataSync()], [0, 0]);
    assert.equal([...(model.execute(x, "product") as tf.Tensor).dataSync()], [-5, -4]);
    const gradient = tf.grad((t) => tf.sum(model.execute(t, "product") as tf.Tensor))(x);
    assert.equal([...gradient.dataSync()], [0, 3]);
  });
  model.dispose();
  assert.is(tf.memory().numTensors, before);
});

test("loadGraphModel refuses a model with layers", async () => {
  const layers = graphFiles((json) => Object.assign(json, { format: "layers-model", modelTopology: {} }));
  await rejects(loadGraphModel(layers), ModelFormatError, /^loadGraphModel: model\.json: is no graph model/);
});

test("loadModel gives a graph model as a layers model: outputs, inner operations, its trace, gradients; and disposes it", async () => {
  const before = tf.memory().numTensors;
  const model = await loadModel(graphFiles());
  assert.instance(model, tf.LayersModel);
  assert.equal(
    traceGraphModel(model)
      .slice(2)
      .map(({ op }) => op),
    ["MatMul", "Relu"],
  );
  assert.equal(model.outputs[0]?.shape, [null, 2]);
  tf.tidy(() => {
    const x = tf.tensor2d([[3, 1]]);
    assert.equal([...(model.predict(x) as tf.Tensor).dataSync()], [5, 0]);
    assert.equal([...(getOpOutputs(model, x, "product").product as tf.Tensor).dataSync()], [5, -2]);
    assert.equal([...createAnalyzer("gradient", model).analyze(x).dataSync()], [1, 2]);
  });
  throws(
    () => createAnalyzer("lrp.z", model),
    UnsupportedLayerError,
    /"graph" \(GraphOperations\) has no rule/,
  );
  assert.is(graphModelOf(model)?.outputNodes[0], "output_0");
  model.dispose();
  assert.is(tf.memory().numTensors, before);
});

test("a softmax that a graph ends in is a layer: it is refused where it misleads, and left away on a copy", async () => {
  const before = tf.memory().numTensors;
  const model = await loadModel(graphFiles(withSoftmax));
  assert.equal(model.outputs[0]?.shape, [null, 2]);
  const x = tf.tensor2d([[3, 1]]);
  throws(() => createAnalyzer("gradient", model), UnsupportedLayerError, /"probabilities" .* is a softmax/);
  const logits = modelWoSoftmax(model);
  // The copy runs the same graph, which lives as long as one of them does.
  model.dispose();
  tf.tidy(() => {
    assert.equal([...(logits.predict(x) as tf.Tensor).dataSync()], [5, -2]);
    assert.equal([...createAnalyzer("gradient", logits).analyze(x).dataSync()], [1, 2]);
  });
  logits.dispose();
  x.dispose();
  assert.is(tf.memory().numTensors, before);
});

test("graphs whose inputs have no shape, whose operations are none, and whose weights are cut off leave nothing behind", async () => {
  const before = tf.memory().numTensors;
  const shapeless = graphFiles(({ modelTopology: { node } }) => {
    for (const one of node) if ((one as { name: string }).name === "x") Object.assign(one, { attr: {} });
  });
  await rejects(loadModel(shapeless), ModelFormatError, /^loadModel: model\.json: .*shape of its input "x"/);
  const empty = graphFiles(({ modelTopology: { node } }) => {
    node.splice(0, node.length, null as never);
  });
  await rejects(
    loadModel(empty),
    ModelFormatError,
    /^loadModel: model\.json: TensorFlow\.js cannot build the graph: something in its configuration is missing, or of another kind/,
  );
  const none = graphFiles(({ modelTopology: { node } }) => {
    node.splice(0);
  });
  await rejects(loadModel(none), ModelFormatError, /^loadModel: model\.json: .*(operations|graph)/);
  const [json] = graphFiles() as [File];
  const short = [json, new File([new Float32Array(3)], "w.bin")];
  await rejects(loadModel(short), ModelFormatError, /w\.bin: the manifest wants 16 bytes, got 12/);
  assert.is(tf.memory().numTensors, before);
});

test("a graph model is inspected without being built, and is not saved as layers", async () => {
  const before = tf.memory().numTensors;
  const { format, layers, parameters } = await inspectModel(graphFiles());
  assert.is(format, "TensorFlow.js graph model");
  assert.is(parameters, 4);
  assert.equal(layers[1], { path: "product", className: "MatMul", weights: [[2, 2]], unsupported: null });
  assert.is(tf.memory().numTensors, before);
  const model = await loadModel(graphFiles());
  await rejects(saveModel(model, "nowhere"), GraphError, /"graph" \(GraphOperations\) is a GraphModel/);
  model.dispose();
});

test.run();
