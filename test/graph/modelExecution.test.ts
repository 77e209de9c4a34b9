import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GraphError } from "../../src/errors.js";
import {
  getModelExecutionGraph,
  getModelExecutionTrace,
  printModelExecutionGraph,
  traceModelExecution,
} from "../../src/graph/index.js";
import { convNet, nestedNet, sharedNet } from "../support/models.js";
import { throws } from "../support/throws.js";

const names = (layers: readonly (tf.layers.Layer | null)[]) => layers.map((layer) => layer?.name ?? null);

test("the trace of a Sequential is its layers in order, numbered from 0, without the input layer", () => {
  const nodes = getModelExecutionTrace(convNet());
  assert.equal(names(nodes.map((n) => n.layer)), [
    "conv1",
    "pool1",
    "conv2",
    "relu2",
    "pool2",
    "flatten",
    "dropout",
    "dense",
  ]);
  assert.equal(
    nodes.map((n) => n.nid),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  assert.equal(
    nodes.map((n) => n.xsNids),
    [[null], [0], [1], [2], [3], [4], [5], [6]],
  );
  assert.equal(
    nodes.map((n) => n.ysNids),
    [[[1]], [[2]], [[3]], [[4]], [[5]], [[6]], [[7]], [[null]]],
  );
  assert.equal(nodes[7]!.ys[0]!.shape, [null, 5]);
  assert.equal(names(nodes[1]!.xsLayers), ["conv1"]);
  assert.equal(names(nodes[7]!.ysLayers[0]!), [null]);
});

test("a shared layer has one node a call, and a merge layer has one x a branch", () => {
  const graph = getModelExecutionGraph(sharedNet(), { keepInputLayers: true });
  const nodes = [...graph.nodes.values()];
  assert.equal(
    nodes.map((n) => n.layer.name),
    ["shared", "shared", "sum", "logits", "softmax"],
  );
  assert.equal(nodes[2]!.xsNids, [0, 1]);
  assert.equal(names(graph.inputs.map((n) => n.layer)), ["a", "b"]);
  assert.equal(
    graph.inputs.map((n) => [n.nid, n.ysNids]),
    [
      [null, [[0]]],
      [null, [[1]]],
    ],
  );
  assert.equal(getModelExecutionGraph(sharedNet()).inputs, []);
});

test("nested models are unrolled, as often as they are used; no entry is a model", () => {
  const nodes = getModelExecutionTrace(nestedNet());
  assert.equal(
    nodes.map((n) => n.path),
    [
      "stem",
      "inner/block/hidden",
      "inner/block/out",
      "inner/block/hidden",
      "inner/block/out",
      "inner/probabilities",
    ],
  );
  assert.equal(
    nodes.map((n) => n.xsNids),
    [[null], [0], [1], [2], [3], [4]],
  );
  assert.equal(
    nodes.map((n) => n.ysNids),
    [[[1]], [[2]], [[3]], [[4]], [[5]], [[null]]],
  );
});

test("a model that a Sequential begins with is one of its nested models, like any other", () => {
  const dense = (name: string, config = {}) => tf.layers.dense({ name, units: 2, ...config });
  const base = tf.sequential({ name: "base", layers: [dense("a", { inputShape: [3] }), dense("b")] });
  const features = tf.sequential({ name: "features", layers: [base, dense("c")] });
  const model = tf.sequential({ name: "whole", layers: [features, dense("d")] });
  const nodes = getModelExecutionTrace(model);
  assert.equal(
    nodes.map((n) => [n.path, n.xsNids]),
    [
      ["features/base/a", [null]],
      ["features/base/b", [0]],
      ["features/c", [1]],
      ["d", [2]],
    ],
  );
  assert.is(nodes[3]!.ys[0], model.outputs[0]);
});

test("a branch that the outputs do not need is no part of the trace", () => {
  const x = tf.input({ shape: [3] });
  const halves = tf.model({
    inputs: x,
    outputs: [
      tf.layers.dense({ name: "used", units: 2 }).apply(x),
      tf.layers.dense({ name: "unused", units: 2 }).apply(x),
    ] as tf.SymbolicTensor[],
  });
  const input = tf.input({ shape: [3] });
  const [first] = halves.apply(input) as tf.SymbolicTensor[];
  const model = tf.model({ inputs: input, outputs: first! });
  assert.equal(names(getModelExecutionTrace(model).map((n) => n.layer)), ["used"]);
});

test("an input that is an output too, and an output that feeds a layer, are told by their neighbours", () => {
  const x = tf.input({ shape: [3], name: "x" });
  const a = tf.layers.dense({ name: "a", units: 3 }).apply(x) as tf.SymbolicTensor;
  const b = tf.layers.dense({ name: "b", units: 3 }).apply(a) as tf.SymbolicTensor;
  const model = tf.model({ inputs: x, outputs: [x, a, b] });
  const nodes = getModelExecutionTrace(model, { keepInputLayers: true });
  assert.equal(
    nodes.map((n) => n.ysNids),
    [[[0]], [[1]], [[null]]],
  );
  assert.is(traceModelExecution(model).outputs[0], x);
});

test("tracing leaves the model's recorded calls alone and gives the same again and again", () => {
  const model = nestedNet();
  const calls = () =>
    traceModelExecution(model).layers.map((l) => [l.inboundNodes.length, l.outboundNodes.length]);
  const before = calls();
  const first = getModelExecutionTrace(model).map((n) => [n.path, n.xsNids, n.ysNids]);
  for (let i = 0; i < 5; i++)
    assert.equal(
      getModelExecutionTrace(model).map((n) => [n.path, n.xsNids, n.ysNids]),
      first,
    );
  assert.equal(calls(), before);
});

test("traceModelExecution lists layers, calls with their tensors, and outputs", () => {
  const { layers, executionList, outputs } = traceModelExecution(sharedNet());
  assert.equal(names(layers), ["a", "b", "shared", "sum", "logits", "softmax"]);
  assert.is(executionList.length, 7);
  assert.is(executionList.at(-1)!.ys[0], outputs[0]);
  assert.is(executionList[4]!.xs[0], executionList[2]!.ys[0]);
});

test("a Sequential without layers is refused by name", () => {
  const message =
    'getModelExecutionTrace: model "bare" (Sequential) has no graph yet: add layers to it, the first with an inputShape, before it is traced';
  throws(() => getModelExecutionTrace(tf.sequential({ name: "bare" })), GraphError, message);
  throws(() => getModelExecutionGraph(tf.sequential()), GraphError, /^getModelExecutionGraph: model /);
});

test("the printed graph is an aligned table, printed once and returned", () => {
  const printed: string[] = [];
  const text = printModelExecutionGraph(getModelExecutionGraph(sharedNet(), { keepInputLayers: true }), (t) =>
    printed.push(t),
  );
  assert.equal(printed, [text]);
  assert.is(
    text,
    [
      "nid  layer    class       output shape  parameters  from  to",
      "───  ───────  ──────────  ────────────  ──────────  ────  ──",
      "  -  a        InputLayer  [null, 4]              0  -     0",
      "  -  b        InputLayer  [null, 4]              0  -     1",
      "  0  shared   Dense       [null, 6]             30  -     2",
      "  1  shared   Dense       [null, 6]             30  -     2",
      "  2  sum      Add         [null, 6]              0  0 1   3",
      "  3  logits   Dense       [null, 3]             21  2     4",
      "  4  softmax  Softmax     [null, 3]              0  3     -",
    ].join("\n"),
  );
});

test("of more neighbours than sixteen the printed graph has the first and the last", () => {
  const x = tf.input({ shape: [2], name: "x" });
  const branches = Array.from({ length: 20 }, () => tf.layers.reLU().apply(x) as tf.SymbolicTensor);
  const model = tf.model({
    inputs: x,
    outputs: tf.layers.add({ name: "sum" }).apply(branches) as tf.SymbolicTensor,
  });
  const text = printModelExecutionGraph(getModelExecutionGraph(model), () => {});
  assert.match(text.split("\n").at(-1)!, / {2}0 1 2 3 4 5 6 7 8 9 10 11 12 13 \.\.\. 19 {2}-$/);
});

test.run();
