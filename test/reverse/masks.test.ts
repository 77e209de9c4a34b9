/** What a mask hides is not there: a padded series is explained as the same series without its padding. */
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { UnsupportedLayerError } from "../../src/errors.js";
import { init } from "../../src/kernels/index.js";
import { type Layer, layerFromConfig } from "../../src/layers/internals.js";
import { registerLayers } from "../../src/layers/registerLayers.js";
import { withoutLeak } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";

await init();
registerLayers();

const L = tf.layers;
type Make = () => Layer;
const own = (className: string, config: object) => () =>
  layerFromConfig(className, { units: 3, masked: true, returnSequences: false, ...config });
const recurrent: Record<string, Make> = {
  "tfjs's SimpleRNN": () => L.simpleRNN({ units: 3 }) as unknown as Layer,
  "tfjs's LSTM": () => L.lstm({ units: 3 }) as unknown as Layer,
  "tfjs's GRU, backwards": () => L.gru({ units: 3, goBackwards: true }) as unknown as Layer,
  SimpleRNN: own("KerasSimpleRNN", {}),
  LSTM: own("KerasLSTM", {}),
  "LSTM that gives zeros": own("KerasLSTM", { zeroOutputForMask: true }),
  GRU: own("KerasGRU", {}),
  "GRU, the old form": own("KerasGRU", { resetAfter: false, goBackwards: true }),
  "LSTM in both directions": () =>
    layerFromConfig("Bidirectional", {
      layer: { className: "KerasLSTM", config: { units: 3, masked: true } },
      mergeMode: "concat",
    }),
};

/** Tokens through the layer to two numbers. */
function modelOf(layer: Layer, maskZero: boolean): tf.LayersModel {
  const x = tf.input({ shape: [null] });
  const vectors = L.embedding({ name: "vectors", inputDim: 9, outputDim: 4, maskZero }).apply(x);
  const y = layer.apply(vectors as tf.SymbolicTensor) as tf.SymbolicTensor;
  const logits = L.dense({ units: 2 }).apply(y) as tf.SymbolicTensor;
  return withRandomWeights(tf.model({ inputs: x, outputs: logits }), 3);
}

const tokens = [4, 7, 1];
/** The same series with zeros before, behind and within. */
const padded: Record<string, number[]> = {
  before: [0, 0, 4, 7, 1],
  behind: [4, 7, 1, 0, 0],
  within: [4, 0, 7, 0, 1],
};

for (const [name, make] of Object.entries(recurrent)) {
  for (const [place, series] of Object.entries(padded)) {
    // What gives zeros at hidden steps gives them at the end.
    if (name.includes("zeros") && place === "behind") continue;
    test(`${name}: zeros ${place} the tokens are hidden from every method`, () => {
      withoutLeak(() => {
        const layer = make();
        const model = modelOf(layer, true);
        const x = tf.tensor2d([series], [1, 5], "int32");
        const short = tf.tensor2d([tokens], [1, 3], "int32");
        const visible = series.map((token) => token !== 0);
        const methods: [string, object][] = [
          ["gradient", { stopAt: "vectors" }],
          ["integrated_gradients", { stopAt: "vectors", steps: 4 }],
          ["lrp.epsilon", {}],
          ["lrp.alpha_2_beta_1", {}],
          ["lrp.epsilon", { stopAt: "vectors" }],
        ];
        for (const [method, options] of methods) {
          const analyzer = createAnalyzer(method, model, options);
          const [long, brief] = [x, short].map((input) => analyzer.explain(input, { neuronSelection: 1 }));
          const predicted = model.predict(x) as tf.Tensor;
          close(long!.output, predicted, 1e-5);
          close(long!.output, brief!.output, 1e-5);
          const rows = (long!.relevance as tf.Tensor).reshape([5, -1]);
          const index = tf.tensor1d(
            visible.flatMap((seen, i) => (seen ? [i] : [])),
            "int32",
          );
          const hiddenRows = tf.tensor1d(
            visible.flatMap((seen, i) => (seen ? [] : [i])),
            "int32",
          );
          const shown = tf.gather(rows, index);
          const hidden = tf.gather(rows, hiddenRows);
          const want = (brief!.relevance as tf.Tensor).reshape([3, -1]);
          close(shown, want, 1e-5);
          assert.ok(
            [...want.dataSync()].some((v) => v !== 0),
            `${method}`,
          );
          assert.ok(
            [...hidden.dataSync()].every((v) => v === 0),
            `${method} sees what is hidden`,
          );
          tf.dispose([rows, index, hiddenRows, shown, hidden, want, predicted]);
          long!.dispose();
          brief!.dispose();
          analyzer.dispose();
        }
        tf.dispose([x, short]);
        model.dispose();
      });
    });
  }
}

function close(got: tf.Tensor, want: tf.Tensor, tolerance: number): void {
  assert.equal(got.shape, want.shape);
  const [a, b] = [got.dataSync(), want.dataSync()];
  const largest = Math.max(1e-3, ...b.map(Math.abs));
  b.forEach((v, i) => assert.ok(Math.abs(a[i]! - v) <= tolerance * largest, `${i}: ${a[i]}, expected ${v}`));
}

test("samples of one batch are hidden each in its own places, through two layers and a mean", () => {
  withoutLeak(() => {
    const x = tf.input({ shape: [5] });
    const vectors = L.embedding({ name: "vectors", inputDim: 9, outputDim: 4, maskZero: true }).apply(x);
    const series = own("KerasLSTM", { returnSequences: true })().apply(vectors as tf.SymbolicTensor);
    const more = own("KerasGRU", { returnSequences: true })().apply(series as tf.SymbolicTensor);
    const mean = layerFromConfig("KerasGlobalAveragePooling1D", { masked: true }).apply(
      more as tf.SymbolicTensor,
    );
    const logits = L.dense({ units: 2, useBias: false }).apply(
      mean as tf.SymbolicTensor,
    ) as tf.SymbolicTensor;
    const model = withRandomWeights(tf.model({ inputs: x, outputs: logits }), 3);
    const rows = [padded.before, padded.behind, padded.within] as number[][];
    const input = tf.tensor2d(rows, [3, 5], "int32");
    const predicted = model.predict(input) as tf.Tensor;
    const all = createAnalyzer("lrp.epsilon", model, { epsilon: 1e-6 }).explain(input, {
      neuronSelection: 0,
    });
    close(all.output, predicted, 1e-5);
    rows.forEach((row, n) => {
      const one = tf.tensor2d([row], [1, 5], "int32");
      const alone = createAnalyzer("lrp.epsilon", model, { epsilon: 1e-6 }).explain(one, {
        neuronSelection: 0,
      });
      const part = tf.slice(all.relevance as tf.Tensor, [n, 0], [1, 5]);
      close(part, alone.relevance as tf.Tensor, 1e-4);
      assert.ok([...part.dataSync()].every((v, t) => (row[t] === 0 ? v === 0 : v !== 0)));
      alone.dispose();
      tf.dispose([one, part]);
    });
    all.delta!.forEach((gap) => assert.ok(Math.abs(gap) < 1e-4, `${gap}`));
    all.dispose();
    tf.dispose([input, predicted]);
    model.dispose();
  });
});

for (const className of ["Masking", "KerasMasking"]) {
  test(`${className} hides steps whose features all are its value`, () => {
    withoutLeak(() => {
      const x = tf.input({ shape: [4, 2] });
      const seen = layerFromConfig(className, { maskValue: -1 }).apply(x) as tf.SymbolicTensor;
      const y = own("KerasLSTM", {})().apply(seen) as tf.SymbolicTensor;
      const logits = L.dense({ units: 2 }).apply(y) as tf.SymbolicTensor;
      const model = withRandomWeights(tf.model({ inputs: x, outputs: logits }), 3);
      const values = [0.5, -0.3, -1, -1, 0.2, 0.9, -1, -1];
      const input = tf.tensor3d(values, [1, 4, 2]);
      for (const method of ["gradient", "lrp.z"]) {
        const analyzer = createAnalyzer(method, model);
        const { relevance, output, dispose } = analyzer.explain(input, { neuronSelection: 1 });
        const predicted = model.predict(input) as tf.Tensor;
        close(output, predicted, 1e-5);
        const numbers = [...(relevance as tf.Tensor).dataSync()];
        assert.equal(
          numbers.map((v) => v !== 0),
          values.map((v) => v !== -1),
        );
        predicted.dispose();
        dispose();
        analyzer.dispose();
      }
      input.dispose();
      model.dispose();
    });
  });
}

test("states from outside get their part of the relevance, and last states give theirs", () => {
  withoutLeak(() => {
    const [x, h, c] = [[4, 2], [3], [3]].map((shape) => tf.input({ shape })) as [
      tf.SymbolicTensor,
      tf.SymbolicTensor,
      tf.SymbolicTensor,
    ];
    const config = { units: 3, returnSequences: true, returnState: true, useBias: false };
    const [ys, h1, c1] = layerFromConfig("KerasLSTM", config).apply([x, h, c]) as tf.SymbolicTensor[];
    const parts = [L.flatten().apply(ys!), h1, c1] as tf.SymbolicTensor[];
    const joined = L.concatenate().apply(parts) as tf.SymbolicTensor;
    const logits = L.dense({ units: 2, useBias: false }).apply(joined) as tf.SymbolicTensor;
    const model = withRandomWeights(tf.model({ inputs: [x, h, c], outputs: logits }), 3);
    const inputs = [[4, 2], [3], [3]].map((shape, i) => randomTensor([2, ...shape], i + 1));
    const analyzer = createAnalyzer("lrp.epsilon", model, { epsilon: 1e-6 });
    const explained = analyzer.explain(inputs, { neuronSelection: 0 });
    const predicted = model.predict(inputs) as tf.Tensor;
    close(explained.output, predicted, 1e-5);
    explained.delta!.forEach((gap) => assert.ok(Math.abs(gap) < 1e-4, `${gap}`));
    for (const r of explained.relevance as tf.Tensor[]) assert.ok(r.dataSync().some((v) => v !== 0));
    explained.dispose();
    analyzer.dispose();
    tf.dispose([...inputs, predicted]);
    model.dispose();
  });
});

test("a layer of TensorFlow.js without a mask, behind one with, is refused: it would be given the other's", () => {
  const [tokens, values] = [tf.input({ shape: [5] }), tf.input({ shape: [5, 2] })];
  const vectors = L.embedding({ inputDim: 9, outputDim: 4, maskZero: true }).apply(
    tokens,
  ) as tf.SymbolicTensor;
  const ys = [
    L.lstm({ name: "hidden", units: 2 }).apply(vectors),
    L.lstm({ name: "plain", units: 2 }).apply(values),
  ];
  const outputs = L.concatenate().apply(ys as tf.SymbolicTensor[]) as tf.SymbolicTensor;
  const model = tf.model({ inputs: [tokens, values], outputs });
  throws(
    () => createAnalyzer("lrp.z", model),
    UnsupportedLayerError,
    'lrp.z: layer "plain" (LSTM) has no mask of its own, and is given that of another layer by TensorFlow.js',
  );
  model.dispose();
});

test("a mask that cannot be followed is refused by name", () => {
  const x = tf.input({ shape: [5] });
  const vectors = L.embedding({ inputDim: 9, outputDim: 4, maskZero: true }).apply(x) as tf.SymbolicTensor;
  const sum = L.add().apply([vectors, vectors]) as tf.SymbolicTensor;
  const merged = tf.model({
    inputs: x,
    outputs: L.lstm({ name: "memory", units: 2 }).apply(sum) as tf.SymbolicTensor,
  });
  throws(
    () => createAnalyzer("lrp.z", merged),
    UnsupportedLayerError,
    'lrp.z: layer "memory" (LSTM) has a mask that comes out of a nested model or a merge, which is not followed',
  );
  const inner = tf.model({ inputs: x, outputs: vectors });
  const outer = tf.input({ shape: [5] });
  const nested = tf.model({
    inputs: outer,
    outputs: L.lstm({ name: "memory", units: 2 }).apply(
      inner.apply(outer) as tf.SymbolicTensor,
    ) as tf.SymbolicTensor,
  });
  throws(
    () => createAnalyzer("gradient", nested),
    UnsupportedLayerError,
    'gradient: layer "memory" (LSTM) has a mask that comes out of a nested model or a merge, which is not followed',
  );
});

test.run();
