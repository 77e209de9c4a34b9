import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ModelFormatError } from "../../src/errors.js";
import { traceGraphModel } from "../../src/graph/index.js";
import { loadGraphModel, loadModel } from "../../src/io/index.js";
import { rejects } from "../support/throws.js";

const float = { dtype: { type: "DT_FLOAT" } };

/** relu(x w), as the converter writes it, with the nodes out of order. */
function files(change: (json: { modelTopology: { node: object[] } }) => void = () => {}): File[] {
  const T = { T: { type: "DT_FLOAT" } };
  const json = {
    format: "graph-model",
    modelTopology: {
      node: [
        { name: "y", op: "Relu", input: ["product"], attr: T },
        {
          name: "product",
          op: "MatMul",
          input: ["x", "w"],
          attr: { ...T, transpose_a: { b: false }, transpose_b: { b: false } },
        },
        {
          name: "x",
          op: "Placeholder",
          attr: { ...float, shape: { shape: { dim: [{ size: "-1" }, { size: "2" }] } } },
        },
        {
          name: "w",
          op: "Const",
          attr: {
            ...float,
            value: { tensor: { dtype: "DT_FLOAT", tensorShape: { dim: [{ size: "2" }, { size: "2" }] } } },
          },
        },
      ],
      versions: { producer: 1 },
    },
    weightsManifest: [{ paths: ["w.bin"], weights: [{ name: "w", shape: [2, 2], dtype: "float32" }] }],
  };
  change(json);
  return [
    new File([JSON.stringify(json)], "model.json"),
    new File([Float32Array.from([1, -1, 2, 1])], "w.bin"),
  ];
}

test.before(async () => {
  await tf.setBackend("cpu");
});

test("a graph model runs, shows its operations in order, gives inner outputs, and leaves nothing when disposed", async () => {
  const before = tf.memory().numTensors;
  const model = await loadGraphModel(files());
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

test("loadModel refuses a graph model by what it is, and loadGraphModel one with layers", async () => {
  await rejects(
    loadModel(files()),
    ModelFormatError,
    /^loadModel: model\.json: is a graph model .*; loadGraphModel opens it, and asLayersModel/,
  );
  const layers = files((json) => Object.assign(json, { modelTopology: {} }));
  await rejects(loadGraphModel(layers), ModelFormatError, /^loadGraphModel: model\.json: is no graph model/);
});

test.run();
