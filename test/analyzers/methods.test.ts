import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer, loadAnalyzer } from "../../src/analyzers/index.js";
import { ArgumentError, NonFiniteError, ShapeError } from "../../src/errors.js";
import { modelWoSoftmax } from "../../src/graph/index.js";
import { withoutLeak } from "../support/backends.js";
import { convNet, randomTensor, sharedNet, withRandomWeights } from "../support/models.js";
import { bytesOfLayers, peakBytes } from "../support/peakBytes.js";
import { rejects, throws } from "../support/throws.js";

await tf.setBackend("cpu");
const values = (t: tf.Tensor) => [...t.dataSync()];
const close = (got: number[], want: number[], tolerance: number) => {
  assert.is(got.length, want.length);
  const largest = Math.max(1e-9, ...want.map(Math.abs));
  got.forEach((v, i) => assert.ok(Math.abs(v - want[i]!) <= tolerance * largest, `${i}: ${v} ${want[i]}`));
};
const conv = modelWoSoftmax(convNet());
const images = randomTensor([5, 10, 10, 2], 9);

test("chunks of any size give the same numbers, and leave nothing behind", () => {
  for (const [name, options] of [
    ["gradient", {}],
    ["lrp.alpha_2_beta_1", {}],
    ["integrated_gradients", { steps: 4 }],
    ["smoothgrad", { augmentByN: 3, noiseScale: 0.1 }],
    ["vargrad", { augmentByN: 3, noiseScale: 0.1 }],
    ["guided_grad_cam", {}],
    ["lrp.stdxepsilon", {}],
  ] as const) {
    withoutLeak(() =>
      tf.tidy(() => {
        const run = (batchSize: number) =>
          createAnalyzer(name, conv, { ...options, batchSize }).explain(images, {
            neuronSelection: [0, 1, 2, 3, 4],
          });
        const want = run(32);
        for (const size of [1, 2, 4, 5]) {
          const got = run(size);
          close(values(got.relevance), values(want.relevance), 1e-6);
          assert.equal(got.neuron, want.neuron);
          assert.equal(got.output.shape, [5, 5]);
          assert.is(got.delta?.length, want.delta?.length);
        }
      }),
    );
  }
});

test("layers gives the relevance of inner layers, which each hold what was put in where biases take nothing", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const original = convNet();
      const model = modelWoSoftmax(original);
      model.setWeights(model.getWeights().map((w) => (w.rank === 1 ? tf.zerosLike(w) : w)));
      const names = ["conv1", "pool1", "conv2", "flatten", "dense", "conv1_input"];
      const { layers, relevance, output, neuron } = createAnalyzer("lrp.z", model).explain(images, {
        layers: names,
      });
      assert.equal(Object.keys(layers), names);
      assert.equal(layers.conv1!.shape, [5, 8, 8, 4]);
      assert.equal(values(layers.conv1_input!), values(relevance));
      const put = neuron!.map((index, i) => output.arraySync()[i]![index]!);
      for (const layer of Object.values(layers)) {
        const sums = values(tf.sum(tf.reshape(layer, [5, -1]), 1));
        sums.forEach((sum, i) => assert.ok(Math.abs(sum - put[i]!) < 1e-4, `${sum} ${put[i]}`));
      }
      model.dispose();
      original.dispose();
    }),
  );
  throws(
    () => createAnalyzer("lrp.z", conv).explain(images, { layers: ["conv3"] }),
    ArgumentError,
    'lrp.z: layers: no layer "conv3", did you mean "conv1"?; there are conv1_input, conv1, pool1, conv2, relu2, pool2, flatten, dropout, dense',
  );
  throws(
    () => createAnalyzer("smoothgrad", conv).explain(images, { layers: ["conv1"] }),
    ArgumentError,
    "smoothgrad: expected no layers: this method has relevance for the input only; gradient and the lrp methods have it for layers",
  );
});

test("a shared layer's relevance comes for each of its calls", () => {
  tf.tidy(() => {
    const model = modelWoSoftmax(sharedNet());
    const xs = [randomTensor([2, 4], 1), randomTensor([2, 4], 2)];
    const { layers } = createAnalyzer("lrp.z", model).explain(xs, { layers: ["shared"] });
    assert.equal(Object.keys(layers), ["shared", "shared:1"]);
    assert.equal(layers["shared:1"]!.shape, [2, 6]);
  });
});

test("stopAt gives the relevance of that layer, also where what lies behind it has no rule", () => {
  tf.tidy(() => {
    const stopped = createAnalyzer("lrp.epsilon", conv, { stopAt: "pool1" }).explain(images);
    const whole = createAnalyzer("lrp.epsilon", conv).explain(images, { layers: ["pool1"] });
    assert.equal(values(stopped.relevance), values(whole.layers.pool1!));
    assert.is(stopped.delta, null);
    const recurrent = withRandomWeights(
      tf.sequential({
        layers: [
          tf.layers.lstm({ name: "memory", units: 3, inputShape: [4, 2] }),
          tf.layers.dense({ units: 2 }),
        ],
      }),
      2,
    );
    const x = randomTensor([2, 4, 2], 1);
    assert.equal(createAnalyzer("lrp.z", recurrent, { stopAt: "memory" }).analyze(x).shape, [2, 3]);
  });
});

test("rInit is the relevance to start from: a number for the chosen neuron, or a tensor of the output's shape", () => {
  tf.tidy(() => {
    const analyzer = createAnalyzer("lrp.z", conv, { batchSize: 2 });
    const one = analyzer.analyze(images, { rInit: 1, neuronSelection: 2 });
    const three = analyzer.analyze(images, { rInit: 3, neuronSelection: 2 });
    close(values(three), values(tf.mul(one, 3)), 1e-6);
    const start = tf.oneHot(tf.tensor1d([2, 2, 2, 2, 2], "int32"), 5);
    close(values(analyzer.analyze(images, { rInit: start })), values(one), 1e-6);
    withoutLeak(() =>
      throws(
        () => analyzer.analyze(images, { rInit: tf.keep(one) }),
        ShapeError,
        "lrp.z: expected rInit of the output's shape [2, 5], got [2, 10, 10, 2]",
      ),
    );
    const gradient = createAnalyzer("gradient", conv, { headRelevance: "value" });
    const { relevance, output } = gradient.explain(images, { neuronSelection: 1 });
    const plain = createAnalyzer("gradient", conv).analyze(images, { neuronSelection: 1 });
    close(
      values(relevance),
      values(tf.mul(plain, tf.reshape(tf.slice(output, [0, 1], [5, 1]), [5, 1, 1, 1]))),
      1e-5,
    );
  });
});

test("explainAsync gives what explain gives, reports progress, and stops when aborted without leaving anything", async () => {
  const analyzer = createAnalyzer("integrated_gradients", conv, { steps: 4, batchSize: 3 });
  const before = tf.memory().numTensors;
  const progress: string[] = [];
  const got = await analyzer.explainAsync(images, {
    onProgress: (done, total) => progress.push(`${done}/${total}`),
  });
  const want = analyzer.explain(images);
  assert.equal(values(got.relevance), values(want.relevance));
  assert.equal(
    progress,
    Array.from({ length: 10 }, (_, i) => `${i + 1}/10`),
  );
  got.dispose();
  want.dispose();
  const relevance = await analyzer.analyzeAsync(images);
  relevance.dispose();
  for (const at of [1, 4, 7]) {
    const controller = new AbortController();
    await rejects(
      analyzer.analyzeAsync(images, {
        signal: controller.signal,
        onProgress: (done) => {
          if (done === at) controller.abort();
        },
      }),
      DOMException,
      /aborted/,
    );
    assert.is(tf.memory().numTensors, before, `aborted after ${at}`);
  }
  await rejects(
    createAnalyzer("gradient", conv).analyzeAsync(images, { signal: AbortSignal.abort() }),
    DOMException,
    /aborted/,
  );
});

test("an analyzer's settings go through JSON and give the same numbers", () => {
  tf.tidy(() => {
    for (const [name, options] of [
      ["lrp.epsilon", { epsilon: 0.3, inputLayerRule: [-1, 1] }],
      [
        "lrp",
        {
          rule: [
            [["Dense"], "Flat"],
            [["*"], { rule: "Gamma", gamma: 0.5 }],
          ],
        },
      ],
      ["lrpsign_epsilon_0_1_mu_neg_0_5", {}],
      ["smoothgrad", { augmentByN: 2, seed: 7 }],
    ] as const) {
      const analyzer = createAnalyzer(name, conv, options);
      const text = JSON.stringify(analyzer);
      const again = loadAnalyzer(text, conv);
      assert.equal(values(again.analyze(images)), values(analyzer.analyze(images)));
      assert.equal(JSON.stringify(again), text);
    }
  });
  throws(() => loadAnalyzer("{", conv), ArgumentError, 'loadAnalyzer: expected JSON, got "{"');
  throws(
    () => loadAnalyzer("3", conv),
    ArgumentError,
    "loadAnalyzer: expected { name, options } as analyzer.toJSON() gives it, got 3",
  );
});

test("SIGNXAI's names are understood: the prefix is the input's rule, the suffix a factor", () => {
  tf.tidy(() => {
    const same = (name: string, method: string, options: object) =>
      assert.equal(
        values(createAnalyzer(name, conv).analyze(images)),
        values(createAnalyzer(method, conv, options).analyze(images)),
        name,
      );
    same("lrp_epsilon_0_25", "lrp.epsilon", { epsilon: 0.25 });
    same("lrpz_epsilon_10", "lrp.epsilon", { epsilon: 10, inputLayerRule: "Z" });
    same("w2lrp_alpha_1_beta_0", "lrp.alpha_1_beta_0", { inputLayerRule: "WSquare" });
    same("flatlrp_sequential_composite_b", "lrp.sequential_preset_b", { inputLayerRule: "Flat" });
    same("zblrp_z", "lrp.z", { inputLayerRule: [-123.68, 151.061] });
    same("lrpsign_epsilon_0_5_std_x", "lrp.stdxepsilon", { stdfactor: 0.5, inputLayerRule: "SIGN" });
    same("lrp_gamma_0_5", "lrp.gamma", { gamma: 0.5 });
    same("integrated_gradients_steps_5", "integrated_gradients", { steps: 5 });
    same("smoothgrad_noise_0_1_samples_3", "smoothgrad", { noiseScale: 0.1, augmentByN: 3 });
    const gradient = createAnalyzer("gradient", conv).analyze(images);
    const sign = (mu: number) => tf.sub(tf.mul(tf.cast(tf.greaterEqual(images, mu), "float32"), 2), 1);
    assert.equal(
      values(createAnalyzer("gradient_x_sign_mu_neg_0_5", conv).analyze(images)),
      values(tf.mul(gradient, sign(-0.5))),
    );
    assert.equal(
      values(createAnalyzer("gradient_x_input_x_sign", conv).analyze(images)),
      values(tf.mul(tf.mul(gradient, images), sign(0))),
    );
    for (const name of ["lrpsign_nothing", "lrpz_mu_1", "gradient_x_signs", "_x_sign"])
      throws(() => createAnalyzer(name, conv), ArgumentError, new RegExp(`unknown method "${name}"`));
  });
});

test("integrated gradients add up to the change of the output, the more exactly the better the rule", () => {
  tf.tidy(() => {
    const gap = (method: string, steps: number) => {
      const { delta } = createAnalyzer("integrated_gradients", conv, {
        method,
        steps,
        referenceInputs: 0.25,
      }).explain(images);
      return Math.max(...delta!.map(Math.abs));
    };
    for (const method of ["left", "right", "middle", "trapezoid", "gausslegendre"])
      assert.ok(gap(method, 200) < 0.02, `${method} ${gap(method, 200)}`);
    // Linear: every rule whose weights add up to one is exact.
    const linear = withRandomWeights(
      tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] }),
      3,
    );
    for (const method of ["left", "right", "middle", "trapezoid", "gausslegendre", "endpoints"]) {
      for (const steps of [2, 3, 9]) {
        const { delta } = createAnalyzer("integrated_gradients", linear, { method, steps }).explain(
          randomTensor([2, 3], 1),
        );
        delta!.forEach((d) => assert.ok(Math.abs(d) < 1e-6, `${method} ${steps}: ${d}`));
      }
    }
  });
  throws(
    () => createAnalyzer("integrated_gradients", conv, { method: "trapezoid", steps: 1 }),
    ArgumentError,
    'integrated_gradients: expected steps from 2 for method "trapezoid", got 1',
  );
  withoutLeak(() =>
    throws(
      () => createAnalyzer("integrated_gradients", conv, { referenceInputs: [1, 2, 3] }).analyze(images),
      ShapeError,
      "integrated_gradients: referenceInputs: expected a number or an array that broadcasts to a sample of shape [10, 10, 2], got shape [3]",
    ),
  );
});

test("noise is normal, the same for the same seed; squares are the variance and the squared mean; no noise is the gradient", () => {
  tf.tidy(() => {
    const run = (name: string, options: object) =>
      values(
        createAnalyzer(name, conv, { augmentByN: 8, noiseScale: 0.3, ...options }).analyze(images, {
          neuronSelection: 0,
        }),
      );
    const mean = run("smoothgrad", {});
    assert.equal(run("smoothgrad", {}), mean);
    assert.not.equal(run("smoothgrad", { seed: 1 }), mean);
    const squares = run("smoothgrad_sq", {});
    const variance = run("vargrad", {});
    close(
      squares,
      mean.map((m, i) => m * m + variance[i]!),
      1e-5,
    );
    assert.ok(variance.every((v) => v >= 0) && variance.some((v) => v > 0));
    const gradient = values(createAnalyzer("gradient", conv).analyze(images, { neuronSelection: 0 }));
    close(run("smoothgrad", { noiseScale: 0 }), gradient, 1e-6);
    const noise = values(
      tf.sub(createAnalyzer("random", conv, { stddev: 2 }).analyze(images), images).slice([0], [1]),
    );
    const deviation = Math.sqrt(noise.reduce((s, v) => s + v * v, 0) / noise.length);
    assert.ok(Math.abs(deviation - 2) < 0.3, `${deviation}`);
    // iNNvestigate ignores its noise_scale.
    assert.equal(
      run("smoothgrad", { compat: "innvestigate", noiseScale: 0.1 }),
      run("smoothgrad", { noiseScale: 1 }),
    );
  });
});

test("grad_cam's map of a volume has the input's size: each plane is resized, then the planes", () => {
  const input = tf.input({ shape: [6, 4, 4, 1] });
  const x = tf.layers
    .conv3d({ filters: 1, kernelSize: 1, strides: [3, 2, 2], useBias: false, name: "conv" })
    .apply(input);
  const y = tf.layers
    .dense({ units: 1, useBias: false })
    .apply(tf.layers.flatten().apply(x)) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: y });
  for (const layer of model.layers) layer.setWeights(layer.getWeights().map((w) => tf.ones(w.shape)));
  const volume = tf.tidy(() => tf.reshape(tf.range(0, 96), [1, 6, 4, 4, 1]));
  const small = createAnalyzer("grad_cam", model, { resize: "none" }).analyze(volume);
  assert.equal(small.shape, [1, 2, 2, 2, 1]);
  const nearest = createAnalyzer("grad_cam", model, { resize: "nearest" })
    .analyze(volume)
    .arraySync() as number[][][][][];
  const values = small.arraySync() as number[][][][][];
  for (const [d, plane] of nearest[0]!.entries())
    for (const [h, row] of plane.entries())
      for (const [w, value] of row.entries())
        assert.is(value[0], values[0]![Math.floor(d / 3)]![Math.floor(h / 2)]![Math.floor(w / 2)]![0]);
  const smooth = createAnalyzer("grad_cam", model).analyze(volume);
  assert.equal(smooth.shape, [1, 6, 4, 4, 1]);
  // Half a voxel off the border and the first centre there is a sixth of the way from plane to plane.
  const [first, second] = [0, 2].map((d) => (smooth.arraySync() as number[][][][][])[0]![d]![0]![0]![0]!);
  const [a, b] = [0, 1].map((d) => values[0]![d]![0]![0]![0]!);
  assert.is(first, a);
  assert.ok(Math.abs(second! - (a! + (b! - a!) / 3)) < 1e-4);
});

test("grad_cam is the sum of a layer's channels times their mean gradients, by sample; its map has the input's size", () => {
  tf.tidy(() => {
    const { layers } = createAnalyzer("gradient", conv).explain(images, {
      layers: ["conv1"],
      neuronSelection: 1,
    });
    const inner = tf.model({
      inputs: conv.inputs,
      outputs: conv.getLayer("conv1").output as tf.SymbolicTensor,
    });
    const activations = inner.predict(images) as tf.Tensor;
    const want = tf.relu(tf.sum(tf.mul(activations, tf.mean(layers.conv1!, [1, 2], true)), 3, true));
    const got = createAnalyzer("grad_cam", conv, { layer: "conv1", resize: "none" });
    close(values(got.analyze(images, { neuronSelection: 1 })), values(want), 1e-5);
    assert.equal(createAnalyzer("grad_cam", conv).analyze(images).shape, [5, 10, 10, 1]);
    const plus = createAnalyzer("grad_cam_pp", conv).analyze(images);
    assert.ok(values(plus).every((v) => v >= 0) && values(plus).some((v) => v > 0));
  });
});

test("options out of range are named: rules, bounds, alpha and beta, layers, ranges", () => {
  const cases: [string, object, string][] = [
    ["lrp", {}, "lrp: option rule is missing"],
    ["lrp", { rule: "Zed" }, 'lrp: rule: unknown rule "Zed"; there are Z, ZIgnoreBias'],
    [
      "lrp",
      { rule: { rule: "Flat", epsilon: 1 } },
      'lrp: rule: rule Flat has no parameter "epsilon"; it has none',
    ],
    [
      "lrp",
      { rule: { rule: "Gamma", gamma: -1 } },
      "lrp: rule: rule Gamma: expected gamma to be a number from 0, got -1",
    ],
    ["lrp", { rule: 3 }, "lrp: rule: expected a rule's name, { rule, ...parameters } or [low, high], got 3"],
    [
      "lrp.alpha_beta",
      { alpha: 2, beta: 2 },
      "lrp.alpha_beta: expected alpha >= 1, beta >= 0 and alpha - beta = 1, got alpha 2 and beta 2",
    ],
    ["deep_taylor.bounded", { low: 0 }, "deep_taylor.bounded: option high is missing"],
    [
      "deep_taylor.bounded",
      { low: 0, high: [[1], [2, 3]] },
      "deep_taylor.bounded: high: expected a number, a list of numbers or { data, shape }, got [[1],[2,3]]",
    ],
    ["gradient", { batchSize: 0 }, "gradient: expected batchSize to be a whole number from 1, got 0"],
    ["gradient", { stopAt: "none" }, 'gradient: stopAt: no layer "none"'],
    [
      "gradient",
      { reverseClipValues: [2, 1] },
      "gradient: expected reverseClipValues to be [low, high], the lower first, got [2,1]",
    ],
    ["grad_cam", { layer: "conv9" }, 'grad_cam: layer: no layer "conv9"'],
  ];
  for (const [name, options, message] of cases) {
    const error = throws(() => createAnalyzer(name, conv, options), ArgumentError, /./);
    assert.ok(error.message.startsWith(message), error.message);
  }
});

test("what a call is given is checked: unknown names, relevance to start from, names of layers", () => {
  const cases: [options: object, kind: new (message: string) => Error, message: string][] = [
    [
      { neuronselection: 1 },
      ArgumentError,
      'lrp.z: unknown option "neuronselection" of a call, did you mean "neuronSelection"?; it has neuronSelection, rInit, layers, onProgress, signal; those of the method go to createAnalyzer',
    ],
    [
      { rInit: "1" },
      ArgumentError,
      'lrp.z: expected rInit to be a finite number or a tensor of the output\'s shape, got "1"',
    ],
    [
      { rInit: Number.NaN },
      ArgumentError,
      "lrp.z: expected rInit to be a finite number or a tensor of the output's shape, got NaN",
    ],
    [
      { rInit: [1, 2] },
      ArgumentError,
      "lrp.z: expected rInit to be a finite number or a tensor of the output's shape, got [1,2]",
    ],
    [{ layers: "conv1" }, ArgumentError, 'lrp.z: expected layers to be a list of names, got "conv1"'],
  ];
  withoutLeak(() => {
    for (const [options, kind, message] of cases)
      throws(() => createAnalyzer("lrp.z", conv).explain(images, options), kind, message);
  });
});

test("relevance to start from fits the samples, however they are cut", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const start = randomTensor([5, 5], 4);
      const want = createAnalyzer("lrp.z", conv).analyze(images, { rInit: start });
      for (const batchSize of [1, 2, 5]) {
        const analyzer = createAnalyzer("lrp.z", conv, { batchSize });
        close(values(analyzer.analyze(images, { rInit: start })), values(want), 1e-6);
        close(values(analyzer.analyze(images, { rInit: tf.reshape(start, [25]) })), values(want), 1e-6);
        for (const shape of [
          [6, 5],
          [10, 5],
          [4, 5],
        ])
          throws(
            () => analyzer.analyze(images, { rInit: tf.ones(shape) }),
            ShapeError,
            /^lrp\.z: expected rInit of the output's shape/,
          );
      }
    }),
  );
});

test("tokens are whole numbers", () => {
  const model = tf.sequential({
    layers: [
      tf.layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 3, name: "e" }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2 }),
    ],
  });
  withoutLeak(() =>
    tf.tidy(() => {
      for (const [name, options] of [
        ["lrp.z", {}],
        ["smoothgrad", { stopAt: "e" }],
      ] as const)
        throws(
          () => createAnalyzer(name, model, options).analyze(tf.tensor2d([[1, 2.5, 3]])),
          ArgumentError,
          `${name}: expected token numbers in input "e_input", whole numbers, got 2.5`,
        );
      createAnalyzer("lrp.z", model).analyze(tf.tensor2d([[1, 2, 3]]));
    }),
  );
  model.dispose();
});

test("what is not finite on the way is named by the first layer that makes it", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const model = tf.sequential({
        layers: [
          tf.layers.dense({ name: "large", units: 2, inputShape: [2] }),
          tf.layers.dense({ name: "after", units: 1 }),
        ],
      });
      model.setWeights([tf.fill([2, 2], 3e38), tf.zeros([2]), tf.ones([2, 1]), tf.zeros([1])]);
      throws(
        () => createAnalyzer("gradient", model).analyze(tf.fill([1, 2], 2)),
        NonFiniteError,
        'gradient: the output of layer "large" (Dense): expected finite numbers, got 2 of 2 that are not; the first is Infinity at [0, 0]',
      );
      model.dispose();
    }),
  );
});

test("reverseClipValues bounds relevance, reverseProjectBottleneckLayers divides it by its largest magnitude", () => {
  tf.tidy(() => {
    const clipped = createAnalyzer("gradient", conv, { reverseClipValues: [-0.01, 0.01] }).analyze(images);
    assert.ok(values(clipped).every((v) => Math.abs(v) <= 0.0100001));
    const projected = createAnalyzer("lrp.z", conv, { reverseProjectBottleneckLayers: true }).analyze(images);
    close(values(tf.max(tf.abs(projected), [1, 2, 3])), [1, 1, 1, 1, 1], 1e-6);
  });
});

test("one pass takes at most three times what the layers give, whatever the rule", () => {
  const same = { kernelSize: 3, padding: "same", activation: "relu" } as const;
  const deep = tf.sequential({
    layers: [
      tf.layers.conv2d({ ...same, filters: 8, inputShape: [32, 32, 3] }),
      ...Array.from({ length: 7 }, () => tf.layers.conv2d({ ...same, filters: 8 })),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 4 }),
    ],
  });
  const x = randomTensor([1, 32, 32, 3], 3);
  const limit = 3 * bytesOfLayers(deep) + deep.countParams() * 4;
  for (const name of [
    "gradient",
    "lrp.epsilon",
    "lrp.epsilon_plus_flat",
    "lrp.alpha_2_beta_1",
    "deep_taylor",
  ]) {
    const analyzer = createAnalyzer(name, deep);
    const peak = peakBytes(() => analyzer.analyze(x).dispose());
    assert.ok(peak <= limit, `${name}: ${peak} bytes, at most ${limit} expected`);
  }
  x.dispose();
  deep.dispose();
});

test.run();
