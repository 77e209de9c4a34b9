import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, GraphError } from "../../src/errors.js";
import {
  type ExecutionEntry,
  getBottleneckNodes,
  getBottleneckTensors,
  traceModelExecution,
} from "../../src/graph/index.js";
import { nestedNet, sharedNet } from "../support/models.js";
import { throws } from "../support/throws.js";
import { zoo } from "../support/zoo.js";

const l = tf.layers;
type Tensor = tf.SymbolicTensor;
const dense = (name: string, x: Tensor) => l.dense({ units: 3, name }).apply(x) as Tensor;
const add = (name: string, ...xs: Tensor[]) => l.add({ name }).apply(xs) as Tensor;

function of(model: tf.LayersModel): { nodes: string[]; tensors: (string | undefined)[] } {
  const { executionList, outputs } = traceModelExecution(model);
  const makers = new Map(executionList.flatMap(({ layer, ys }) => ys.map((y) => [y, layer.name] as const)));
  return {
    nodes: getBottleneckNodes(model.inputs, outputs, executionList).map(({ layer }) => layer.name),
    tensors: getBottleneckTensors(model.inputs, outputs, executionList).map((t) => makers.get(t)),
  };
}

test("of a diamond the ends are bottlenecks and the branches are not", () => {
  const x = tf.input({ shape: [3], name: "x" });
  const d = dense("d", x);
  const y = dense("o", add("sum", dense("left", d), dense("right", d)));
  assert.equal(of(tf.model({ inputs: x, outputs: y })), {
    nodes: ["d", "sum", "o"],
    tensors: ["x", "d", "sum", "o"],
  });
});

test("an input that branches, several inputs, and several outputs", () => {
  const [a, b] = [tf.input({ shape: [3], name: "a" }), tf.input({ shape: [3], name: "b" })];
  const skip = add("sum", a, dense("branch", a));
  assert.equal(of(tf.model({ inputs: a, outputs: skip })), { nodes: ["sum"], tensors: ["a", "sum"] });
  const two = dense("o", add("both", dense("da", a), dense("db", b)));
  assert.equal(of(tf.model({ inputs: [a, b], outputs: two })), {
    nodes: ["both", "o"],
    tensors: ["both", "o"],
  });
  const d = dense("trunk", a);
  const heads = tf.model({ inputs: a, outputs: [dense("h1", d), dense("h2", d)] });
  assert.equal(of(heads), { nodes: ["trunk"], tensors: ["a", "trunk"] });
});

test("an output that is used inside ends what all information passes; an input that is an output leaves nothing but itself", () => {
  const x = tf.input({ shape: [3], name: "x" });
  const first = dense("first", x);
  const second = dense("second", first);
  assert.equal(of(tf.model({ inputs: x, outputs: [first, second] })), {
    nodes: ["first"],
    tensors: ["x", "first"],
  });
  assert.equal(of(tf.model({ inputs: x, outputs: [x, second] })), { nodes: [], tensors: ["x"] });
});

test("of a layer with several outputs the one that is used counts", () => {
  const x = tf.input({ shape: [4, 2], name: "x" });
  const [, , state] = l.lstm({ units: 2, returnState: true, name: "lstm" }).apply(x) as Tensor[];
  const model = tf.model({ inputs: x, outputs: dense("o", state!) });
  assert.equal(of(model), { nodes: ["lstm", "o"], tensors: ["x", "lstm", "o"] });
});

test("nested models that are used twice are told apart, one after the other and side by side", () => {
  assert.equal(of(nestedNet()).nodes, ["stem", "hidden", "out", "hidden", "out", "probabilities"]);
  assert.equal(of(sharedNet()).nodes, ["sum", "logits", "softmax"]);
  const siamese = zoo.find(({ name }) => name === "siamese")!.make();
  assert.is(of(siamese).nodes.length, 2);
});

test("bottlenecks are those without which no way is left, by trying each, for every model of the zoo", () => {
  for (const entry of zoo) {
    const model = entry.make();
    const { executionList, outputs } = traceModelExecution(model);
    const calls = executionList.filter(({ xs, ys }) => !ys.every((y) => xs.includes(y)));
    const cutOff = (without: { node?: ExecutionEntry; tensor?: Tensor }) => {
      const reached = new Set<Tensor>(model.inputs.filter((x) => x !== without.tensor));
      for (const call of calls) {
        if (call === without.node || !call.xs.some((x) => reached.has(x))) continue;
        for (const y of call.ys) if (y !== without.tensor) reached.add(y);
      }
      return !outputs.some((y) => reached.has(y));
    };
    assert.equal(
      getBottleneckNodes(model.inputs, outputs, executionList),
      calls.filter((node) => cutOff({ node })),
      entry.name,
    );
    const tensors = [...new Set(executionList.flatMap(({ ys }) => ys))];
    assert.equal(
      getBottleneckTensors(model.inputs, outputs, executionList).map((t) => t.id),
      tensors.filter((tensor) => cutOff({ tensor })).map((t) => t.id),
      entry.name,
    );
  }
});

test("a bare tensor is taken for a list, and one that the execution does not have is refused", () => {
  const model = nestedNet();
  const { executionList, outputs } = traceModelExecution(model);
  assert.is(getBottleneckNodes(model.inputs[0]!, model.outputs[0]!, executionList).length, 6);
  const foreign = tf.input({ shape: [1] });
  throws(
    () => getBottleneckNodes(foreign, outputs, executionList),
    GraphError,
    `getBottleneckNodes: expected the input to be a tensor of the execution list, got the symbolic tensor "${foreign.name}"`,
  );
  throws(
    () => getBottleneckNodes(foreign, outputs, null as never),
    ArgumentError,
    "getBottleneckNodes: expected the executionList of traceModelExecution, got null",
  );
  throws(
    () => getBottleneckTensors(model.inputs, [foreign], executionList),
    GraphError,
    /^getBottleneckTensors: expected the output to be a tensor of/,
  );
});

test.run();
