import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { ArgumentError, ShapeError, UnsupportedLayerError } from "../../src/errors.js";
import { modelWoSoftmax } from "../../src/graph/index.js";
import { reverseModel } from "../../src/reverse/index.js";
import { epsilonRule, zRule } from "../../src/rules/index.js";
import { withoutLeak } from "../support/backends.js";
import { convNet, nestedNet, randomTensor, sharedNet } from "../support/models.js";
import { throws } from "../support/throws.js";

const values = (t: tf.Tensor) => [...t.dataSync()];
const close = (got: number[], want: number[], tolerance = 1e-6) =>
  got.forEach((v, i) => assert.ok(Math.abs(v - want[i]!) <= tolerance, `${i}: ${v} ${want[i]}`));

test("without mappings it is the vector-Jacobian product of the output with itself; nothing else is left behind", async () => {
  await tf.setBackend("cpu");
  const model = modelWoSoftmax(sharedNet());
  const xs = [randomTensor([2, 4], 1), randomTensor([2, 4], 2)];
  const reversed = reverseModel(model, {});
  const result = reversed.run(xs);
  const want = tf.tidy(() =>
    tf
      .grads((a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.square(model.apply([a, b]) as tf.Tensor)).div(2))(xs)
      .map(values),
  );
  result.inputs.forEach((r, i) => close(values(r), want[i]!, 1e-5));
  assert.equal(result.all, {});
  result.dispose();
  withoutLeak(() => reversed.run(xs).dispose());
});

test("a rule for every layer with weights or sums is the LRP method of that rule", () => {
  tf.tidy(() => {
    const model = modelWoSoftmax(convNet());
    const x = randomTensor([2, 10, 10, 2], 3);
    const rule = { kind: "rule", rule: zRule() } as const;
    const got = reverseModel(model, () => rule).run(x).inputs[0]!;
    const want = createAnalyzer("lrp.z", model).analyze(x, { neuronSelection: "all" });
    close(values(got), values(want), 1e-5);
    const dense = reverseModel(
      model,
      { Dense: { kind: "rule", rule: epsilonRule({ epsilon: 0.3 }) } },
      { defaultMapping: rule },
    );
    const preset = createAnalyzer("lrp", model, {
      rule: [
        [["Dense"], { rule: "Epsilon", epsilon: 0.3 }],
        [["*"], "Z"],
      ],
    });
    close(values(dense.run(x).inputs[0]!), values(preset.analyze(x, { neuronSelection: "all" })), 1e-5);
  });
});

test("a custom mapping sees inputs, outputs and relevance of its layer as it is; pass, stop, stopAtLayers and keepTensors", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const x = tf.input({ shape: [3] });
      const model = tf.model({
        inputs: x,
        outputs: tf.layers
          .dense({ name: "second", units: 3 })
          .apply(
            tf.layers.dense({ name: "first", units: 3, activation: "tanh" }).apply(x),
          ) as tf.SymbolicTensor,
      });
      const input = randomTensor([2, 3], 1);
      const double = reverseModel(
        model,
        ({ path }) =>
          path === "first"
            ? {
                kind: "custom",
                reverse: ([a], [y], [r]) => tf.add(tf.mul(r!, 2), tf.sub(tf.mul(a!, 0), tf.mul(y!, 0))),
              }
            : { kind: "pass" },
        { keepTensors: true, headMapping: (y) => tf.onesLike(y) },
      ).run(input);
      assert.equal(values(double.inputs[0]!), Array(6).fill(2));
      assert.equal(Object.keys(double.all), ["first", "second"]);
      assert.equal(values(double.all.first!), Array(6).fill(1));
      const stopped = reverseModel(model, {}, { stopAtLayers: ["first"], keepTensors: true }).run(input);
      assert.equal(values(stopped.inputs[0]!), Array(6).fill(0));
      assert.ok(values(stopped.all.first!).some((v) => v !== 0));
      assert.equal(
        values(reverseModel(model, () => ({ kind: "stop" })).run(input).inputs[0]!),
        Array(6).fill(0),
      );
      model.dispose();
    }),
  );
});

test("clip bounds all relevance; projection divides a bottleneck by its largest magnitude", () => {
  tf.tidy(() => {
    const model = modelWoSoftmax(convNet());
    const x = randomTensor([2, 10, 10, 2], 4);
    const clipped = reverseModel(model, {}, { clip: [-0.01, 0.02] }).run(x).inputs[0]!;
    assert.ok(values(clipped).every((v) => v >= -0.0100001 && v <= 0.0200001));
    const projected = reverseModel(model, {}, { projectBottlenecks: true }).run(x).inputs[0]!;
    close(values(projected.abs().max([1, 2, 3])), [1, 1]);
    const into = reverseModel(model, {}, { projectBottlenecks: [0, 10] }).run(x).inputs[0]!;
    assert.ok(values(into).every((v) => v >= -1e-6 && v <= 10.00001));
  });
});

test("a mapping that cannot be is refused by name", () => {
  const model = nestedNet();
  throws(
    () => reverseModel(model, { Dense: { kind: "lrp" } as never }),
    ArgumentError,
    'reverseModel: expected the mapping of layer "stem" to have a kind of gradient, pass, stop, rule, custom, got {"kind":"lrp"}',
  );
  throws(
    () => reverseModel(model, {}, { stopAtLayers: ["none"] }),
    ArgumentError,
    'reverseModel: stopAtLayers: no layer "none"',
  );
  const recurrent = tf.sequential({
    layers: [tf.layers.lstm({ name: "memory", units: 2, inputShape: [3, 2] })],
  });
  throws(
    () => reverseModel(recurrent, () => ({ kind: "rule", rule: zRule() })),
    UnsupportedLayerError,
    'reverseModel: layer "memory" (LSTM) has neither weights nor sums that a rule of relevance could go to; a gradient, pass or custom mapping can be given',
  );
  withoutLeak(() =>
    tf.tidy(() => {
      const x = randomTensor([1, 3, 2], 1);
      throws(
        () => reverseModel(recurrent, () => ({ kind: "custom", reverse: ([a]) => tf.sum(a!) })).run(x),
        ShapeError,
        'reverseModel: layer "memory" (LSTM): expected the custom mapping to give tensors of the inputs\' shapes [1, 3, 2], got []',
      );
      throws(
        () => reverseModel(recurrent, {}, { headMapping: (y) => tf.sum(y) }).run(x),
        ShapeError,
        "reverseModel: expected headMapping to give a tensor of the output's shape [1, 2], got []",
      );
    }),
  );
});

test.run();
