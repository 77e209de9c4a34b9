import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { ArgumentError, GraphError, UnsupportedLayerError } from "../../src/errors.js";
import { asLayersModel, getOpOutputs, traceGraphModel } from "../../src/graph/index.js";
import "../support/backends.js";
import { withoutLeak } from "../support/backends.js";
import { smallGraphModel } from "../support/graphModel.js";
import { throws } from "../support/throws.js";

await tf.setBackend("wasm");
const model = await smallGraphModel();

test("a GraphModel's trace has its operations in order, without what the outputs do not need", () => {
  const nodes = traceGraphModel(model);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  assert.equal(
    nodes
      .map(({ name }) => name)
      .filter((name) => !name.startsWith("dense/k") && !name.startsWith("dense/b"))
      .sort(),
    ["axis", "dense/BiasAdd", "dense/MatMul", "dense/Relu", "total", "x"].sort(),
  );
  nodes.forEach(({ inputs }, i) => {
    for (const input of inputs) assert.ok(nodes.findIndex(({ name }) => name === input) < i);
  });
  assert.equal(byName.get("dense/MatMul")?.inputs, ["x", "dense/kernel"]);
  assert.equal(byName.get("dense/MatMul")?.outputs, ["dense/BiasAdd"]);
  assert.equal([byName.get("dense/kernel")?.weight, byName.get("x")?.weight], [[2, 3], null]);
  assert.is(byName.get("dense/Relu")?.op, "Relu");
});

test("inner operations give what they computed, by name", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const x = tf.tensor2d([[2, 1]]);
      const { "dense/Relu": relu, "dense/MatMul": product } = getOpOutputs(model, x, [
        "dense/Relu",
        "dense/MatMul",
      ]);
      assert.equal([...product!.dataSync()], [2.5, -1, 1]);
      relu!.dataSync().forEach((v, i) => assert.ok(Math.abs(v - [2.6, 0, 1.3][i]!) < 1e-6));
    }),
  );
});

test("a loop in the graph does not stop the trace", () => {
  const node = [
    { name: "a", op: "Merge", input: ["b"] },
    { name: "b", op: "NextIteration", input: ["a"] },
    { name: "c", op: "Exit", input: ["a"] },
  ];
  const looped = Object.create(tf.GraphModel.prototype, {
    artifacts: { value: { modelTopology: { node } } },
    outputs: { value: [{ name: "c" }] },
    weights: { value: {} },
  }) as tf.GraphModel;
  assert.equal(
    traceGraphModel(looped)
      .map(({ name }) => name)
      .sort(),
    ["a", "b", "c"],
  );
});

test("as a layers model, a GraphModel is explained by methods that need only gradients, and refused by name by others", () => {
  const before = tf.memory().numTensors;
  const layers = asLayersModel(model);
  tf.tidy(() => {
    const x = tf.tensor2d([[2, 1]]);
    const relevance = createAnalyzer("gradient", layers).analyze(x);
    // The sum of relu(x . w + b): the second unit is off.
    relevance.dataSync().forEach((v, i) => assert.ok(Math.abs(v - [3, -2.5][i]!) < 1e-6));
    assert.equal(createAnalyzer("integrated_gradients", layers, { steps: 4 }).analyze(x).shape, [1, 2]);
  });
  throws(
    () => createAnalyzer("lrp.z", layers),
    UnsupportedLayerError,
    /layer "graph" \(GraphOperations\) has no rule of relevance/,
  );
  layers.dispose();
  assert.is(tf.memory().numTensors, before);
});

test("a layers model is no GraphModel, and an unknown operation has its nearest named", () => {
  throws(
    () => traceGraphModel({} as tf.GraphModel),
    ArgumentError,
    "traceGraphModel: expected a tf.GraphModel, or what loadModel made of one",
  );
  try {
    getOpOutputs(model, tf.zeros([1, 2]), "dense/Rela");
    assert.unreachable();
  } catch (error) {
    assert.instance(error, GraphError);
    assert.match((error as Error).message, /the model has no operation "dense\/Rela"; .*dense\/Relu/);
  }
});

test.run();
