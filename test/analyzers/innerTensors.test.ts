import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer, methodSupport } from "../../src/analyzers/index.js";
import { ArgumentError, UnsupportedLayerError } from "../../src/errors.js";
import { withoutLeak } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";

await tf.setBackend("cpu");

const values = (t: tf.Tensor) => [...t.dataSync()];
const close = (got: tf.Tensor, want: tf.Tensor, tolerance = 1e-5) => {
  assert.equal(got.shape, want.shape);
  const wanted = values(want);
  const largest = Math.max(...wanted.map(Math.abs));
  assert.ok(largest > 0, "a test of zeros");
  values(got).forEach((v, i) =>
    assert.ok(Math.abs(v - wanted[i]!) <= tolerance * largest, `${i}: ${v}, expected ${wanted[i]}`),
  );
};

/** A model, and what lies behind its layer "h" as a model of its own with the same layers. */
function parts(head: tf.layers.Layer[], tail: tf.layers.Layer[], input: tf.SymbolicTensor) {
  const apply = (x: tf.SymbolicTensor, layers: tf.layers.Layer[]) =>
    layers.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, x);
  const h = apply(input, head);
  const whole = withRandomWeights(tf.model({ inputs: input, outputs: apply(h, tail) }), 3);
  const front = tf.model({ inputs: input, outputs: h });
  const x = tf.input({ shape: h.shape.slice(1) });
  return { whole, front, back: tf.model({ inputs: x, outputs: apply(x, tail) }) };
}

const images = {
  ...parts(
    [
      tf.layers.conv2d({ filters: 3, kernelSize: 3, activation: "tanh" }),
      tf.layers.batchNormalization({ name: "h" }),
    ],
    [
      tf.layers.conv2d({ filters: 3, kernelSize: 2, activation: "sigmoid" }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3 }),
    ],
    tf.input({ shape: [6, 6, 2], name: "image" }),
  ),
  x: randomTensor([3, 6, 6, 2], 7),
};
const tokens = {
  ...parts(
    [tf.layers.embedding({ name: "h", inputDim: 40, outputDim: 4 })],
    [
      tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 3, activation: "tanh" }) }),
      tf.layers.lstm({ units: 3 }),
      tf.layers.dense({ units: 3 }),
    ],
    tf.input({ shape: [5], name: "tokens", dtype: "int32" }),
  ),
  x: tf.tensor2d([0, 39, 1, 2, 2, 5, 6, 7, 8, 9, 3, 3, 1, 0, 0], [3, 5], "int32"),
};
const METHODS: [name: string, options: object][] = [
  ["gradient", {}],
  ["gradient", { postprocess: "abs" }],
  ["gradient", { postprocess: "square" }],
  ["input_t_gradient", {}],
  ["input_t_gradient", { postprocess: "abs" }],
  ["gradient_x_sign_mu_neg_0_5", {}],
  ["integrated_gradients", { steps: 5 }],
  ["integrated_gradients", { steps: 5, referenceInputs: 0.5, postprocess: "square", headRelevance: "value" }],
  ["smoothgrad", { augmentByN: 4 }],
  ["smoothgrad", { augmentByN: 4, postprocess: "abs", noise: "relative", noiseScale: 0.2 }],
  ["smoothgrad_sq", { augmentByN: 4 }],
  ["vargrad", { augmentByN: 4 }],
  ["deconvnet", { otherActivations: "gradient" }],
  ["guided_backprop", { otherActivations: "gradient" }],
  ["input", {}],
  ["random", {}],
];

for (const [name, options] of METHODS) {
  test(`${name} ${JSON.stringify(options)} with stopAt is that method on what lies behind, of what the layer gives`, () => {
    for (const { whole, front, back, x } of [images, tokens]) {
      withoutLeak(() =>
        tf.tidy(() => {
          const h = front.predict(x) as tf.Tensor;
          for (const call of [{ neuronSelection: [0, 2, 1] }, { neuronSelection: 1, rInit: 2.5 }]) {
            for (const batchSize of [1, 32]) {
              const got = createAnalyzer(name, whole, { ...options, stopAt: "h", batchSize }).explain(
                x,
                call,
              );
              const want = createAnalyzer(name, back, options).explain(h, call);
              close(got.relevance, want.relevance);
              close(got.output, want.output);
              assert.equal(got.neuron, want.neuron);
            }
          }
        }),
      );
    }
  });
}

test("layers holds what the method says of each inner tensor, as stopAt does", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      for (const [name, options] of METHODS.slice(0, 6)) {
        const { layers, relevance } = createAnalyzer(name, images.whole, options).explain(images.x, {
          layers: ["h", "image"],
        });
        close(layers.h!, createAnalyzer(name, images.whole, { ...options, stopAt: "h" }).analyze(images.x));
        close(layers.image!, relevance);
      }
    }),
  );
});

test("with stopAt beside a skip connection, paths and noise leave the other way as it is", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const x = tf.input({ shape: [4] });
      const a = tf.layers.dense({ units: 4, name: "a", activation: "tanh" }).apply(x) as tf.SymbolicTensor;
      const sum = tf.layers.multiply().apply([a, x]);
      const model = withRandomWeights(
        tf.model({ inputs: x, outputs: tf.layers.dense({ units: 1 }).apply(sum) as tf.SymbolicTensor }),
        5,
      );
      const input = randomTensor([2, 4], 3);
      // What is behind is linear in a for a fixed x, so that the path does not matter.
      const path = createAnalyzer("integrated_gradients", model, { stopAt: "a", steps: 3 }).analyze(input);
      close(path, createAnalyzer("input_t_gradient", model, { stopAt: "a" }).analyze(input));
      model.dispose();
    }),
  );
});

test("token numbers are neither multiplied, nor moved, nor given noise", () => {
  const help = 'layer "h" (Embedding) takes token numbers, which have no gradient; pass { stopAt: "h" }';
  for (const name of ["input_t_gradient", "integrated_gradients", "smoothgrad", "smoothgrad_sq", "vargrad"]) {
    const make = (options: object) => () => createAnalyzer(name, tokens.whole, options);
    const error = throws(make({}), UnsupportedLayerError, /./);
    assert.ok(error.message.startsWith(`${name}: ${help}`), error.message);
    throws(make({ stopAt: "tokens" }), UnsupportedLayerError, error.message);
  }
  const dense = withRandomWeights(
    tf.sequential({
      layers: [
        tf.layers.embedding({ name: "e", inputDim: 9, outputDim: 2, inputLength: 3 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2 }),
      ],
    }),
    1,
  );
  throws(
    () => createAnalyzer("lrp_z_x_input", dense),
    UnsupportedLayerError,
    'lrp_z_x_input: layer "e" (Embedding) takes token numbers, which multiplying with the input would take for quantities; pass { stopAt: "e" } to explain what it gives',
  );
  const x = tf.tensor2d([[1, 2, 8]], [1, 3], "int32");
  withoutLeak(() =>
    tf.tidy(() => {
      const at = createAnalyzer("lrp_z_x_input", dense, { stopAt: "e" }).analyze(x);
      const e = (dense.layers[0] as tf.layers.Layer).apply(x) as tf.Tensor;
      close(at, tf.mul(e, createAnalyzer("lrp.z", dense, { stopAt: "e" }).analyze(x)));
    }),
  );
});

test("methodSupport asks nothing of what lies before stopAt or the layer of a map", () => {
  const refused = (name: string, options: object = {}) =>
    methodSupport(name, tokens.whole, options).filter(({ supported }) => !supported).length;
  assert.is(refused("gradient"), 1);
  assert.is(refused("gradient", { stopAt: "tokens" }), 1);
  assert.is(refused("gradient", { stopAt: "h" }), 0);
  assert.is(refused("smoothgrad", { stopAt: "h" }), 0);
  assert.is(refused("grad_cam", { layer: "h" }), 0);
  throws(
    () => refused("gradient", { stopAt: "none" }),
    ArgumentError,
    'methodSupport: stopAt: no layer "none"',
  );
});

test("maps refuse stopAt, and need no gradient before their layer", () => {
  throws(
    () => createAnalyzer("guided_grad_cam", tokens.whole, { layer: "h" }),
    UnsupportedLayerError,
    'guided_grad_cam: layer "h" (Embedding) takes token numbers, which have no gradient; use an lrp method',
  );
  for (const name of ["grad_cam", "grad_cam_pp", "guided_grad_cam"]) {
    throws(
      () => createAnalyzer(name, images.whole, { stopAt: "h" }),
      ArgumentError,
      `${name}: expected no stopAt, got "h": its map is made of a layer's output, which { layer } chooses, and lies over the input`,
    );
  }
  withoutLeak(() =>
    tf.tidy(() => {
      const map = createAnalyzer("grad_cam", tokens.whole, { layer: "h", resize: "none", rectify: false });
      const want = createAnalyzer("gradient", tokens.whole, { stopAt: "h" }).analyze(tokens.x);
      const h = tokens.front.predict(tokens.x) as tf.Tensor;
      close(map.analyze(tokens.x), tf.sum(tf.mul(h, tf.mean(want, 1, true)), -1, true));
    }),
  );
});

test("a layer that the explained output does not need is refused, wherever it is named", () => {
  const x = tf.input({ shape: [5, 5, 1], name: "x" });
  const c = tf.layers.conv2d({ name: "c", filters: 2, kernelSize: 3 });
  const f = tf.layers.flatten().apply(c.apply(x));
  const one = tf.layers.dense({ name: "one", units: 3 }).apply(f) as tf.SymbolicTensor;
  const side = tf.layers.dense({ name: "side", units: 3 });
  const other = tf.layers.dense({ name: "other", units: 2 }).apply(side.apply(f)) as tf.SymbolicTensor;
  const model = tf.model({ inputs: x, outputs: [one, other] });
  const message = (method: string, what: string) =>
    `${method}: ${what}: expected a layer that the explained output is made of, got "side", which it does not need`;
  const make = (name: string, options: object) => createAnalyzer(name, model, { output: "one", ...options });
  withoutLeak(() =>
    tf.tidy(() => {
      for (const name of ["gradient", "lrp.z", "integrated_gradients", "input"])
        throws(() => make(name, { stopAt: "side" }), ArgumentError, message(name, "stopAt"));
      throws(() => make("grad_cam", { layer: "side" }), ArgumentError, message("grad_cam", "layer"));
      const input = randomTensor([2, 5, 5, 1], 1);
      const layers = (output: string) =>
        make("lrp.epsilon", { output }).explain(input, { layers: ["side"] }).layers;
      throws(() => layers("one"), ArgumentError, message("lrp.epsilon", "layers"));
      assert.equal(layers("other").side!.shape, [2, 3]);
    }),
  );
  model.dispose();
});

test("the relevance that maps are made of is clipped too, and that of an input kept as a layer", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const clip = { reverseClipValues: [-1e-3, 1e-3] };
      const options = { layer: "h", resize: "none", rectify: false };
      const h = images.front.predict(images.x) as tf.Tensor;
      const clipped = createAnalyzer("gradient", images.whole, clip).explain(images.x, {
        layers: ["h", "image"],
      });
      close(clipped.layers.image!, clipped.relevance);
      close(
        createAnalyzer("grad_cam", images.whole, { ...options, ...clip }).analyze(images.x),
        tf.sum(tf.mul(h, tf.mean(clipped.layers.h!, [1, 2], true)), -1, true),
      );
    }),
  );
});

test("integrated gradients add up to what rInit and headRelevance make of the output's change", () => {
  withoutLeak(() =>
    tf.tidy(() => {
      const exact = { steps: 24, method: "gausslegendre" };
      for (const [options, call] of [
        [{}, { rInit: 7 }],
        [{}, { rInit: randomTensor([3, 3], 2) }],
        [{ headRelevance: "value" }, {}],
        [{}, { neuronSelection: "all" }],
      ] as const) {
        const analyzer = createAnalyzer("integrated_gradients", images.whole, { ...exact, ...options });
        for (const delta of analyzer.explain(images.x, call).delta!)
          assert.ok(Math.abs(delta) < 1e-4, String(delta));
      }
    }),
  );
});

test.run();
