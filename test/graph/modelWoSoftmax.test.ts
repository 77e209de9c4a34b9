import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DisposedError, GraphError, UnsupportedLayerError } from "../../src/errors.js";
import { modelWoSoftmax, traceModelExecution } from "../../src/graph/index.js";
import { convNet, nestedNet, randomTensor, sharedNet, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";

await tf.setBackend("cpu");

function outputsOf(model: tf.LayersModel, seed = 7): Float32Array[] {
  return tf.tidy(() => {
    const xs = model.inputs.map((x, i) => randomTensor(x.shape.map((n) => n ?? 3) as number[], seed + i));
    const ys = model.predict(xs) as tf.Tensor | tf.Tensor[];
    return [ys].flat().map((y) => y.dataSync() as Float32Array);
  });
}
const softmaxed = (values: Float32Array, classes: number) =>
  tf.tidy(
    () => tf.softmax(tf.tensor2d(values, [values.length / classes, classes])).dataSync() as Float32Array,
  );

function close(got: Float32Array, want: Float32Array, tolerance: number): void {
  assert.is(got.length, want.length);
  got.forEach((v, i) => assert.ok(Math.abs(v - want[i]!) <= tolerance, `${v} ${want[i]} at ${i}`));
}

/** An LSTM, a bidirectional GRU and a wrapped dense layer before a softmax: weights in cells and wrapped layers. */
function recurrentNet(): tf.LayersModel {
  return withRandomWeights(
    tf.sequential({
      name: "recurrent",
      layers: [
        tf.layers.lstm({ units: 3, returnSequences: true, inputShape: [4, 2] }),
        tf.layers.bidirectional({
          layer: tf.layers.gru({ units: 2, returnSequences: true }) as tf.RNN,
          mergeMode: "concat",
        }),
        tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 3 }) }),
        tf.layers.batchNormalization(),
        tf.layers.flatten(),
        tf.layers.dense({ units: 4, activation: "softmax" }),
      ],
    }),
    9,
  );
}

for (const [name, make, classes] of [
  ["a dense layer's softmax", convNet, 5],
  ["a softmax layer", sharedNet, 3],
  ["a softmax inside a nested model", nestedNet, 3],
  ["a softmax behind recurrent and wrapped layers", recurrentNet, 4],
] as const) {
  test(`modelWoSoftmax takes off ${name}: softmax of its output is the model's, to 1e-6`, () => {
    const model = make();
    const copy = modelWoSoftmax(model);
    assert.is(copy.name, model.name);
    assert.equal(copy.inputNames, model.inputNames);
    const [logits] = outputsOf(copy);
    const [probabilities] = outputsOf(model);
    assert.ok(logits!.some((v) => v < 0 || v > 1));
    close(softmaxed(logits!, classes), probabilities!, 1e-6);
  });

  test(`with ${name}, copy and model share weights and can be disposed in either order, and nothing stays`, () => {
    // tfjs itself leaves the weights of a layer that is called twice when its model is disposed.
    const left = leftBy(() => make().dispose());
    for (const first of ["copy", "model"] as const) {
      const leftWithCopy = leftBy(() => {
        const model = make();
        const variables = tf.memory().numTensors;
        const copy = modelWoSoftmax(model);
        assert.is(tf.memory().numTensors, variables, "the copy holds no tensors of its own");
        const [gone, alive] = first === "copy" ? [copy, model] : [model, copy];
        const want = outputsOf(alive);
        gone.dispose();
        outputsOf(alive).forEach((got, i) => close(got, want[i]!, 0));
        alive.dispose();
      });
      assert.is(leftWithCopy, left);
    }
  });
}

function leftBy(fn: () => void): number {
  const before = tf.memory().numTensors;
  fn();
  return tf.memory().numTensors - before;
}

test("the user's layers keep their recorded calls", () => {
  const model = nestedNet();
  const calls = () =>
    traceModelExecution(model).layers.map((l) => [l.inboundNodes.length, l.outboundNodes.length]);
  const before = calls();
  modelWoSoftmax(model).dispose();
  modelWoSoftmax(model).dispose();
  assert.equal(calls(), before);
  assert.is(outputsOf(model).length, 1);
});

test("what is trained in the model is trained in the copy", async () => {
  const model = convNet();
  const copy = modelWoSoftmax(model);
  const before = outputsOf(copy)[0]!;
  tf.tidy(() =>
    model.layers.at(-1)!.setWeights(
      model.layers
        .at(-1)!
        .getWeights()
        .map((w) => tf.mul(w, 2)),
    ),
  );
  close(
    outputsOf(copy)[0]!,
    before.map((v) => 2 * v),
    1e-5,
  );
});

test("a copy saves and loads as an ordinary model", async () => {
  const copy = modelWoSoftmax(convNet());
  let saved: tf.io.ModelArtifacts | undefined;
  await copy.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
  close(outputsOf(loaded)[0]!, outputsOf(copy)[0]!, 0);
});

test("of several outputs, those without a softmax stay as they are", () => {
  const x = tf.input({ shape: [4] });
  const hidden = tf.layers
    .dense({ units: 3, name: "hidden", activation: "relu" })
    .apply(x) as tf.SymbolicTensor;
  const classes = tf.layers
    .dense({ units: 3, name: "classes", activation: "softmax" })
    .apply(hidden) as tf.SymbolicTensor;
  const value = tf.layers.dense({ units: 1, name: "value" }).apply(classes) as tf.SymbolicTensor;
  const model = withRandomWeights(tf.model({ inputs: x, outputs: [classes, value] }), 4);
  const copy = modelWoSoftmax(model);
  const [logits, sameValue] = outputsOf(copy);
  const [probabilities, wantValue] = outputsOf(model);
  close(softmaxed(logits!, 3), probabilities!, 1e-6);
  close(sameValue!, wantValue!, 0);
});

test("a model without a softmax is refused by name, or copied when told so", () => {
  const model = withRandomWeights(
    tf.sequential({ name: "plain", layers: [tf.layers.dense({ name: "last", units: 2, inputShape: [3] })] }),
    5,
  );
  throws(
    () => modelWoSoftmax(model),
    GraphError,
    'modelWoSoftmax: expected model "plain" to end in a softmax, but its output comes from "last" (Dense)',
  );
  close(outputsOf(modelWoSoftmax(model, { shouldFindSoftmax: false }))[0]!, outputsOf(model)[0]!, 0);
});

test("a layer that cannot be copied is named, and the model is left as it was and can be disposed", () => {
  let built = 0;
  /** Calls its weight by another name each time. */
  class Fickle extends tf.layers.Layer {
    static readonly className = "Fickle";
    override build(): void {
      this.addWeight(`weight${built++}`, [1], "float32", tf.initializers.ones());
      super.build([null, 4]);
    }
    override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.mul([x].flat()[0]!, this.weights[0]!.read());
    }
    override computeOutputShape(shape: tf.Shape): tf.Shape {
      return shape;
    }
  }
  tf.serialization.registerClass(Fickle);
  const left = leftBy(() => {
    const x = tf.input({ shape: [4] });
    const hidden = tf.layers.dense({ units: 4 }).apply(x);
    const odd = new Fickle({ name: "odd" }).apply(hidden);
    const model = tf.model({ inputs: x, outputs: tf.layers.softmax().apply(odd) as tf.SymbolicTensor });
    const before = outputsOf(model);
    const weights = tf.memory().numTensors;
    throws(
      () => modelWoSoftmax(model),
      UnsupportedLayerError,
      'modelWoSoftmax: layer "odd" (Fickle) cannot be copied: made anew from its config it asks for a weight weight1, which it does not have',
    );
    assert.is(tf.memory().numTensors, weights);
    close(outputsOf(model)[0]!, before[0]!, 0);
    model.dispose();
  });
  assert.is(left, 0);
});

test("weights of a disposed copy say so", () => {
  const model = convNet();
  const copy = modelWoSoftmax(model);
  const weight = copy.weights[0]!;
  copy.dispose();
  throws(() => weight.read(), DisposedError, /^the variable conv1\/kernel.* is disposed$/);
  model.dispose();
});

test.run();
