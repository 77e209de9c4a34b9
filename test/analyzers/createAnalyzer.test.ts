import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer, listAnalyzers } from "../../src/analyzers/index.js";
import {
  ArgumentError,
  DisposedError,
  DTypeError,
  GraphError,
  IndexError,
  NonFiniteError,
  ShapeError,
  UnsupportedLayerError,
} from "../../src/errors.js";
import { modelWoSoftmax } from "../../src/graph/index.js";
import { backends, withoutLeak } from "../support/backends.js";
import {
  convNet,
  nestedNet,
  randomTensor,
  sharedNet,
  stackedCells,
  withRandomWeights,
} from "../support/models.js";
import { throws } from "../support/throws.js";

const nets = {
  "a convolutional network": () => convNet(),
  "a network of shared layers and two inputs": () => sharedNet(),
  "nested models used twice": () => nestedNet(),
};
const NAMES = listAnalyzers().map((method) => method.name);
/** What the methods that do not look at the model are called. */
const CONTROLS = ["input", "random"];

/** Methods that a net suits, each with options that make it quick, or that it cannot be without. */
function methodsFor(net: string): [name: string, options: Record<string, unknown>][] {
  const isConv = net === "a convolutional network";
  return listAnalyzers()
    .filter(({ name, family }) => {
      if (family === "map") return isConv;
      return net !== "nested models used twice" || !name.startsWith("deep_taylor"); // tanh
    })
    .map(({ name, options }) => [
      name,
      optionsOf(
        options.map((option) => option.name),
        name,
      ),
    ]);
}

function optionsOf(names: string[], method: string): Record<string, unknown> {
  const given: Record<string, unknown> = {
    low: -1,
    high: 1,
    steps: 3,
    augmentByN: 3,
    otherActivations: "gradient",
    ...(method === "lrp" ? { rule: "Z" } : {}),
    ...(method.endsWith("until_idx") ? { untilLayerIdx: 1 } : {}),
    ...(method === "lrp.alpha_beta" ? { alpha: 2 } : {}),
  };
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
}

function inputsOf(model: tf.LayersModel, n = 3, seed = 11): tf.Tensor[] {
  return model.inputs.map((x, i) => randomTensor(x.shape.map((s) => s ?? n) as number[], seed + i));
}
const flat = (tensors: tf.Tensor[]) => tensors.flatMap((t) => [...t.dataSync()]);

for (const { backend, use } of backends) {
  for (const [name, make] of Object.entries(nets)) {
    test(`gradient of ${name} agrees with the central difference, to 2 % of the largest (${backend})`, async () => {
      await use();
      const model = modelWoSoftmax(make());
      const xs = inputsOf(model, 1);
      const { relevance, neuron, dispose } = createAnalyzer("gradient", model).explain(xs);
      const got = (relevance as tf.Tensor[]).map((r) => r.dataSync());
      const step = 2 ** -8;
      const f = (inputs: tf.Tensor[]) =>
        tf.tidy(() => (model.predict(inputs) as tf.Tensor).dataSync()[neuron![0]!]!);
      const largest = Math.max(...got.flatMap((g) => [...g].map(Math.abs)));
      let misses = 0;
      let count = 0;
      xs.forEach((x, which) => {
        const values = x.dataSync();
        for (let i = 0; i < values.length; i += 3) {
          const moved = (by: number) => {
            const changed = tf.tensor(
              values.map((v, j) => (j === i ? v + by : v)),
              x.shape,
            );
            const y = f(xs.map((t, w) => (w === which ? changed : t)));
            changed.dispose();
            return y;
          };
          const difference = (moved(step) - moved(-step)) / (2 * step);
          count++;
          if (Math.abs(difference - got[which]![i]!) > 0.02 * largest) misses++;
        }
      });
      // A relu or a maximum that switches within the step bends the difference, not the gradient.
      assert.ok(misses <= 0.03 * count, `${misses} of ${count} differ`);
      dispose();
      tf.dispose(xs);
    });

    test(`lrp.z gives out, to inputs and biases, what was put in: |delta| <= 1e-4 of the output, for ${name} (${backend})`, async () => {
      await use();
      const model = modelWoSoftmax(make());
      const xs = inputsOf(model);
      for (const bias of [true, false]) {
        const { delta, output, neuron, dispose } = createAnalyzer("lrp.z", model, { bias }).explain(xs);
        const values = output.dataSync();
        delta!.forEach((gap, sample) => {
          const put = values[sample * output.shape[1] + neuron![sample]!]!;
          // Relevance is created and destroyed in equal parts where a denominator is small: rounding is of those.
          assert.ok(
            Math.abs(gap) <= 1e-4 * Math.max(1, Math.abs(put)),
            `sample ${sample}, bias ${bias}: ${gap} of ${put}`,
          );
        });
        dispose();
      }
      tf.dispose(xs);
    });

    test(`for ${name}, every method leaves nothing behind but its result (${backend})`, async () => {
      await use();
      const model = modelWoSoftmax(make());
      const xs = inputsOf(model);
      for (const [method, options] of methodsFor(name)) {
        const analyzer = withoutLeak(() => createAnalyzer(method, model, options));
        const before = tf.memory().numTensors;
        const relevance = analyzer.analyze(xs) as tf.Tensor[];
        assert.is(tf.memory().numTensors, before + relevance.length);
        assert.equal(
          relevance.map((r) => r.shape),
          // A map has one channel.
          xs.map((x) => (/^grad_cam/.test(method) ? [...x.shape.slice(0, -1), 1] : x.shape)),
          method,
        );
        tf.dispose(relevance);
        withoutLeak(() => analyzer.explain(xs).dispose());
        analyzer.dispose();
      }
      tf.dispose(xs);
    });

    test(`for ${name}, a sample's relevance does not depend on the batch it came in, nor on its place there (${backend})`, async () => {
      await use();
      tf.tidy(() => {
        const model = modelWoSoftmax(make());
        const xs = inputsOf(model, 3);
        for (const [method, options] of methodsFor(name)) {
          if (method === "lrp.stdxepsilon") continue; // the deviation is of the whole batch
          const analyzer = createAnalyzer(method, model, options);
          const together = analyzer.analyze(xs) as tf.Tensor[];
          for (const sample of [2, 0]) {
            const alone = analyzer.analyze(xs.map((x) => tf.slice(x, [sample], [1]))) as tf.Tensor[];
            const want = flat(together.map((r) => tf.slice(r, [sample], [1])));
            const largest = Math.max(...want.map(Math.abs));
            flat(alone).forEach((v, i) =>
              assert.ok(Math.abs(v - want[i]!) <= 1e-5 * largest, `${method}: ${v} ${want[i]}`),
            );
          }
        }
      });
    });
  }
}

test("a single tensor gives a single tensor, a list gives a list", async () => {
  await tf.setBackend("cpu");
  tf.tidy(() => {
    const analyzer = createAnalyzer("gradient", modelWoSoftmax(convNet()));
    const [x] = inputsOf(convNet()) as [tf.Tensor];
    assert.instance(analyzer.analyze(x), tf.Tensor);
    assert.is((analyzer.analyze([x]) as tf.Tensor[]).length, 1);
  });
});

test("neuronSelection: the largest by default (the first of equals), one for all, one a sample, all, or a function", () => {
  tf.tidy(() => {
    const model = withRandomWeights(
      tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] }),
      6,
    );
    const x = randomTensor([2, 4], 1);
    const kernel = model.getWeights()[0]!.transpose();
    const row = (i: number) => [...kernel.gather([i]).dataSync()];
    const analyzer = createAnalyzer("gradient", model);
    const y = model.predict(x) as tf.Tensor;
    const best = [...y.argMax(1).dataSync()];
    assert.equal(analyzer.explain(x).neuron, best);
    assert.equal(flat([analyzer.analyze(x) as tf.Tensor]), best.flatMap(row));
    assert.equal(flat([analyzer.analyze(x, { neuronSelection: 2 }) as tf.Tensor]), [...row(2), ...row(2)]);
    assert.equal(flat([analyzer.analyze(x, { neuronSelection: [1, 0] }) as tf.Tensor]), [
      ...row(1),
      ...row(0),
    ]);
    const sum = row(0).map((v, i) => Math.fround(v + row(1)[i]! + row(2)[i]!));
    const all = analyzer.explain(x, { neuronSelection: "all" });
    assert.is(all.neuron, null);
    flat([all.relevance as tf.Tensor]).forEach((v, i) => assert.ok(Math.abs(v - sum[i % 4]!) < 1e-6));
    const twice = analyzer.analyze(x, {
      neuronSelection: (o) => tf.mul(tf.oneHot(tf.tensor1d([1, 1], "int32"), o.shape[1]), 2),
    });
    assert.equal(
      flat([twice as tf.Tensor]),
      [...row(1), ...row(1)].map((v) => 2 * v),
    );
    const ties = withRandomWeights(
      tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4], kernelInitializer: "zeros" })] }),
      1,
    );
    ties.setWeights([tf.ones([4, 3]), tf.zeros([3])]);
    assert.equal(createAnalyzer("gradient", ties).explain(x).neuron, [0, 0]);
  });
});

test("neuronSelectionMode is iNNvestigate's: all explains all, index wants an index in each call", () => {
  tf.tidy(() => {
    const model = modelWoSoftmax(convNet());
    const [x] = inputsOf(model) as [tf.Tensor];
    const all = createAnalyzer("lrp.z", model, { neuronSelectionMode: "all" }).analyze(x) as tf.Tensor;
    assert.equal(
      flat([all]),
      flat([createAnalyzer("lrp.z", model).analyze(x, { neuronSelection: "all" }) as tf.Tensor]),
    );
    throws(
      () => createAnalyzer("lrp.z", model, { neuronSelectionMode: "index" }).analyze(x),
      ArgumentError,
      'lrp.z: neuronSelectionMode "index" needs a neuronSelection in each call',
    );
  });
});

test("postprocess takes the gradient's absolute value or square; input_t_gradient multiplies by the input after it", () => {
  tf.tidy(() => {
    const model = modelWoSoftmax(convNet());
    const [x] = inputsOf(model) as [tf.Tensor];
    const run = (name: string, options = {}) =>
      flat([createAnalyzer(name, model, options).analyze(x) as tf.Tensor]);
    const g = run("gradient");
    const xs = [...x.dataSync()];
    assert.equal(run("gradient", { postprocess: "abs" }), g.map(Math.abs));
    assert.equal(
      run("gradient", { postprocess: "square" }),
      g.map((v) => Math.fround(v * v)),
    );
    assert.equal(
      run("input_t_gradient", { postprocess: "abs" }),
      g.map((v, i) => Math.fround(xs[i]! * Math.abs(v))),
    );
  });
});

test("weights are read at each call, so that a model trained further is explained as it is now", () => {
  tf.tidy(() => {
    const model = withRandomWeights(
      tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] }),
      1,
    );
    const analyzer = createAnalyzer("gradient", model);
    model.setWeights([tf.tensor2d([[5], [7]]), tf.zeros([1])]);
    assert.equal(flat([analyzer.analyze(tf.ones([1, 2])) as tf.Tensor]), [5, 7]);
  });
});

test("of equal maxima in a pooling window the first takes all; padding is never a maximum", async () => {
  for (const { use } of backends) {
    await use();
    tf.tidy(() => {
      const pool = (padding: "valid" | "same", size: number) =>
        tf.sequential({
          layers: [
            tf.layers.maxPooling2d({ poolSize: 2, strides: 2, padding, inputShape: [size, size, 1] }),
            tf.layers.flatten(),
          ],
        });
      const relevance = (model: tf.LayersModel, x: tf.Tensor) => [
        ...(createAnalyzer("gradient", model).analyze(x, { neuronSelection: "all" }) as tf.Tensor).dataSync(),
      ];
      assert.equal(
        relevance(pool("valid", 4), tf.zeros([1, 4, 4, 1])),
        [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0],
      );
      assert.equal(relevance(pool("same", 3), tf.fill([1, 3, 3, 1], -1)), [1, 0, 1, 0, 0, 0, 1, 0, 1]);
    });
  }
});

test("the user's model is left as it was, and works after an analyzer is disposed", () => {
  tf.tidy(() => {
    const model = modelWoSoftmax(convNet());
    const [x] = inputsOf(model) as [tf.Tensor];
    const before = flat([model.predict(x) as tf.Tensor]);
    const weights = flat(model.getWeights());
    const analyzer = createAnalyzer("lrp.epsilon", model);
    analyzer.analyze(x);
    analyzer.dispose();
    assert.equal(flat([model.predict(x) as tf.Tensor]), before);
    assert.equal(flat(model.getWeights()), weights);
    throws(() => analyzer.analyze(x), DisposedError, "lrp.epsilon: this analyzer is disposed");
  });
});

test("listAnalyzers names each method with its options, defaults and source", () => {
  const methods = listAnalyzers();
  assert.is(new Set(NAMES).size, NAMES.length);
  const epsilon = methods
    .find(({ name }) => name === "lrp.epsilon")!
    .options.find((option) => option.name === "epsilon");
  assert.equal([epsilon!.type, epsilon!.default], ["number", 1e-7]);
  const model = modelWoSoftmax(convNet());
  for (const { name, summary, source, options } of methods) {
    assert.ok(summary.length > 10 && !summary.includes("\n") && source.length > 5);
    const given = optionsOf(
      options.map((option) => option.name),
      name,
    );
    const analyzer = createAnalyzer(name, model, given);
    assert.equal(analyzer.options, {
      ...Object.fromEntries(options.map((o) => [o.name, o.default])),
      ...given,
    });
  }
});

test("an unknown method or option, and a value out of range, are named with what there is", () => {
  const model = modelWoSoftmax(convNet());
  throws(
    () => createAnalyzer("lrp.epsilonn", model),
    ArgumentError,
    `createAnalyzer: unknown method "lrp.epsilonn", did you mean "lrp.epsilon"?; there are ${NAMES.join(", ")}`,
  );
  throws(
    () => createAnalyzer("shap", model),
    ArgumentError,
    `createAnalyzer: unknown method "shap"; there are ${NAMES.join(", ")}`,
  );
  throws(
    () => createAnalyzer("lrp.epsilon", model, { epsilom: 1 }),
    ArgumentError,
    'lrp.epsilon: unknown option "epsilom", did you mean "epsilon"?; it has epsilon, bias, inputLayerRule, untilLayerIdx, untilLayerRule, bnLayerRule, bnLayerFuseMode, attention, neuronSelectionMode, output, stopAt, headRelevance, batchSize, compat, disableModelChecks, reverseClipValues, reverseProjectBottleneckLayers, reverseCheckFinite',
  );
  throws(
    () => createAnalyzer("lrp.epsilon", model, { epsilon: 0 }),
    ArgumentError,
    "lrp.epsilon: expected epsilon to be a number above 0, got 0",
  );
  throws(
    () => createAnalyzer("lrp.epsilon", model, { epsilon: Number.NaN }),
    ArgumentError,
    "lrp.epsilon: expected epsilon to be a number above 0, got NaN",
  );
  throws(
    () => createAnalyzer("lrp.epsilon", model, { epsilon: "1" }),
    ArgumentError,
    'lrp.epsilon: expected epsilon to be a number, got "1"',
  );
  throws(
    () => createAnalyzer("lrp.z", model, { bias: 1 }),
    ArgumentError,
    "lrp.z: expected bias to be a boolean, got 1",
  );
  throws(
    () => createAnalyzer("gradient", model, { postprocess: "root" }),
    ArgumentError,
    'gradient: expected postprocess to be one of null, "abs", "square", got "root"',
  );
});

test("a softmax at the end is refused with the fix, and explained all the same when told so", () => {
  const model = convNet();
  for (const [name, options] of methodsFor("a convolutional network")) {
    if (CONTROLS.includes(name)) continue;
    throws(
      () => createAnalyzer(name, model, options),
      UnsupportedLayerError,
      `${name}: layer "dense" (Dense) is a softmax, which mixes every class into the one to explain: explain modelWoSoftmax(model), or pass { disableModelChecks: true }`,
    );
  }
  withoutLeak(() =>
    tf.tidy(() => {
      const dense = withRandomWeights(
        tf.sequential({ layers: [tf.layers.dense({ units: 3, activation: "softmax", inputShape: [4] })] }),
        8,
      );
      const x = randomTensor([2, 4], 5);
      const analyzer = createAnalyzer("gradient", dense, { disableModelChecks: true });
      const got = analyzer.analyze(x, { neuronSelection: 1 });
      const want = tf.grad((t: tf.Tensor) => tf.slice(dense.apply(t) as tf.Tensor, [0, 1], [2, 1]))(x);
      const values = flat([want]);
      flat([got]).forEach((v, k) => assert.ok(Math.abs(v - values[k]!) < 1e-6));
      dense.dispose();
    }),
  );
});

test("a layer without a rule of relevance is refused before anything is computed; the gradient can do it", () => {
  const recurrent = withRandomWeights(
    tf.sequential({
      layers: [stackedCells({ name: "memory", inputShape: [3, 2] }), tf.layers.dense({ units: 2 })],
    }),
    1,
  );
  throws(
    () => createAnalyzer("lrp.z", recurrent),
    UnsupportedLayerError,
    'lrp.z: layer "memory" (RNN) has no rule of relevance; gradient and input_t_gradient can explain this model',
  );
  tf.tidy(() => {
    const x = randomTensor([2, 3, 2], 1);
    const got = createAnalyzer("gradient", recurrent).analyze(x, { neuronSelection: 1 }) as tf.Tensor;
    const want = tf.grad((input: tf.Tensor) => tf.slice(recurrent.apply(input) as tf.Tensor, [0, 1], [2, 1]))(
      x,
    );
    flat([got]).forEach((v, i) => assert.ok(Math.abs(v - want.dataSync()[i]!) < 1e-6));
  });
});

test("tokens have no gradient: gradient methods refuse an embedding unless they stop there, lrp gives a number a token", () => {
  const embedding = withRandomWeights(
    tf.sequential({
      layers: [
        tf.layers.embedding({ name: "e", inputDim: 4, outputDim: 2, inputLength: 3 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2 }),
      ],
    }),
    1,
  );
  throws(
    () => createAnalyzer("gradient", embedding),
    UnsupportedLayerError,
    'gradient: layer "e" (Embedding) takes token numbers, which have no gradient; pass { stopAt: "e" } to explain what it gives, or use an lrp method',
  );
  withoutLeak(() =>
    tf.tidy(() => {
      const x = tf.tensor2d([[0, 1, 3]], [1, 3], "int32");
      assert.equal(createAnalyzer("gradient", embedding, { stopAt: "e" }).analyze(x).shape, [1, 3, 2]);
      const { relevance, delta } = createAnalyzer("lrp.z", embedding).explain(x);
      assert.equal(relevance.shape, [1, 3]);
      assert.ok(Math.abs(delta![0]!) < 1e-5);
    }),
  );
});

test("of several outputs one is chosen by its place or its layer's name", () => {
  const x = tf.input({ shape: [2] });
  const outputs = [1, 2].map(
    (units) => tf.layers.dense({ name: `out${units}`, units }).apply(x) as tf.SymbolicTensor,
  );
  const model = withRandomWeights(tf.model({ name: "two", inputs: x, outputs }), 1);
  throws(
    () => createAnalyzer("gradient", model),
    GraphError,
    'gradient: model "two" has 2 outputs (0 "out1", 1 "out2"): choose one with { output: name or index }',
  );
  throws(
    () => createAnalyzer("gradient", model, { output: "out3" }),
    ArgumentError,
    'gradient: expected output to name one of the model\'s outputs (0 "out1", 1 "out2"), got "out3"',
  );
  tf.tidy(() => {
    const kernel = model.getWeights()[2]!.transpose();
    for (const output of [1, "out2"]) {
      const got = createAnalyzer("gradient", model, { output }).analyze(tf.ones([1, 2]), {
        neuronSelection: 1,
      });
      assert.equal([...got.dataSync()], [...kernel.gather([1]).dataSync()]);
    }
  });
});

test("bad input is named, leaks nothing, and leaves model and analyzer usable", () => {
  const model = modelWoSoftmax(convNet());
  const analyzer = createAnalyzer("lrp.z", model);
  const good = randomTensor([2, 10, 10, 2], 1);
  const call =
    (x: unknown, options = {}) =>
    () =>
      analyzer.analyze(x as tf.Tensor, options);
  const bad = tf.tidy(() =>
    tf.keep(
      tf.add(
        good,
        tf
          .buffer(
            [2, 10, 10, 2],
            "float32",
            new Float32Array(400).fill(0).map((_, i) => (i === 205 ? Number.NaN : 0)),
          )
          .toTensor(),
      ),
    ),
  );
  const flatImage = tf.zeros([10, 10, 2]);
  const wide = tf.zeros([1, 10, 11, 2]);
  const none = tf.zeros([0, 10, 10, 2]);
  const words = tf.tensor(Array(200).fill("a"), [1, 10, 10, 2], "string");
  const gone = tf.zeros([1]);
  gone.dispose();
  const cases: [() => unknown, new (...args: never[]) => Error, string][] = [
    [
      call(bad),
      NonFiniteError,
      "lrp.z: x: expected finite numbers, got 1 of 400 that are not; the first is NaN at [1, 0, 2, 1]",
    ],
    [
      call(flatImage),
      ShapeError,
      "lrp.z: expected x of shape [any, 10, 10, 2], got [10, 10, 2]: one sample needs a batch dimension, x.expandDims(0)",
    ],
    [call(wide), ShapeError, "lrp.z: expected x of shape [any, 10, 10, 2], got [1, 10, 11, 2]"],
    [call(none), ShapeError, "lrp.z: expected at least one sample in x, got shape [0, 10, 10, 2]"],
    [call(words), DTypeError, "lrp.z: expected x to be float32, got string"],
    [call(gone), DisposedError, "lrp.z: x is a disposed tensor"],
    [call(Float32Array.of(1)), ArgumentError, "lrp.z: expected x to be a tf.Tensor, got Float32Array"],
    [call([good, good]), ArgumentError, "lrp.z: expected 1 inputs (conv1_input), got 2"],
    [
      call(good, { neuronSelection: 5 }),
      IndexError,
      "lrp.z: neuronSelection = 5 is outside the output's 5 neurons",
    ],
    [
      call(good, { neuronSelection: [0, -1] }),
      IndexError,
      "lrp.z: neuronSelection[1] = -1 is outside the output's 5 neurons",
    ],
    [
      call(good, { neuronSelection: [0] }),
      ArgumentError,
      "lrp.z: expected one neuron for each of 2 samples, got 1",
    ],
    [
      call(good, { neuronSelection: "best" }),
      ArgumentError,
      'lrp.z: expected neuronSelection to be "max", "all", an index, a list of indices or a function, got "best"',
    ],
    [
      call(good, { neuronSelection: () => 1 }),
      ShapeError,
      "lrp.z: expected neuronSelection to give a tensor of the output's shape [2, 5], got 1",
    ],
  ];
  for (const [run, kind, message] of cases) withoutLeak(() => throws(run, kind, message));
  withoutLeak(() => analyzer.explain(good).dispose());
  tf.dispose([bad, good, flatImage, wide, none, words]);
});

test("a model that was disposed is named", () => {
  const model = convNet();
  const analyzer = createAnalyzer("gradient", model, { disableModelChecks: true });
  model.dispose();
  const x = tf.zeros([1, 10, 10, 2]);
  withoutLeak(() =>
    throws(
      () => analyzer.analyze(x),
      DisposedError,
      'gradient: layer "conv1" (Conv2D) is disposed, with its model',
    ),
  );
  x.dispose();
});

test("samples of one number are asked for as a column", () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [1] })] });
  const x = tf.zeros([3]);
  throws(
    () => createAnalyzer("gradient", model).analyze(x),
    ShapeError,
    "gradient: expected x of shape [any, 1], got [3]: samples of one number are a column, x.expandDims(1)",
  );
  x.dispose();
  model.dispose();
});

test.run();
