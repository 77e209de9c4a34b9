import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer, methodSupport } from "../../src/analyzers/index.js";
import { ArgumentError, ShapeError, UnsupportedLayerError } from "../../src/errors.js";
import { init } from "../../src/kernels/index.js";
import { layerFromConfig } from "../../src/layers/internals.js";
import { type OperationArgument, operationConfig } from "../../src/layers/Operation.js";
import { registerLayers } from "../../src/layers/registerLayers.js";
import { withoutLeak } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";

await init();
registerLayers();

interface Case {
  className: string;
  config: object;
  /** The inputs' shapes, without the batch. */
  shapes: number[][];
}

const conv = { filters: 4, kernelSize: 3, padding: "same", activation: "relu" };
/** Layers with a rule of relevance. Conserving them is told by `delta`, biases included. */
const explained: Case[] = [
  {
    className: "KerasConv1D",
    config: { ...conv, kernelSize: [3], padding: "causal", dilationRate: [2] },
    shapes: [[9, 2]],
  },
  { className: "KerasConv1D", config: { ...conv, kernelSize: [3], strides: [2] }, shapes: [[9, 2]] },
  { className: "KerasConv2D", config: { ...conv, kernelSize: [3, 2] }, shapes: [[6, 5, 3]] },
  { className: "KerasConv2D", config: { ...conv, dataFormat: "channelsFirst" }, shapes: [[3, 6, 5]] },
  { className: "DepthwiseConv1D", config: { kernelSize: [3], depthMultiplier: 2 }, shapes: [[7, 3]] },
  {
    className: "KerasDepthwiseConv2D",
    config: { kernelSize: [3, 3], dilationRate: [2, 2], padding: "same" },
    shapes: [[7, 7, 3]],
  },
  { className: "KerasSeparableConv2D", config: { ...conv, kernelSize: [3, 3] }, shapes: [[6, 6, 3]] },
  { className: "Conv1DTranspose", config: { ...conv, kernelSize: [3], strides: [2] }, shapes: [[5, 2]] },
  {
    className: "KerasConv2DTranspose",
    config: { ...conv, kernelSize: [3, 3], strides: [2, 2] },
    shapes: [[4, 4, 2]],
  },
  { className: "KerasBatchNormalization", config: { axis: 1 }, shapes: [[3, 4, 4]] },
  { className: "KerasAveragePooling1D", config: { poolSize: [3], padding: "same" }, shapes: [[7, 2]] },
  {
    className: "KerasAveragePooling2D",
    config: { poolSize: [3, 3], strides: [2, 2], padding: "same" },
    shapes: [[7, 6, 2]],
  },
  { className: "KerasGlobalAveragePooling2D", config: { keepdims: true }, shapes: [[4, 5, 2]] },
  { className: "KerasGlobalAveragePooling1D", config: { keepdims: true }, shapes: [[6, 2]] },
  { className: "KerasGlobalMaxPooling2D", config: { keepdims: true }, shapes: [[4, 5, 2]] },
  { className: "GlobalAveragePooling3D", config: {}, shapes: [[2, 3, 4, 2]] },
  { className: "GlobalMaxPooling3D", config: { keepdims: true }, shapes: [[2, 3, 4, 2]] },
  { className: "KerasUpSampling2D", config: { size: [2, 2], interpolation: "nearest" }, shapes: [[3, 3, 2]] },
  { className: "KerasRescaling", config: { scale: [2, -1], offset: [0.5, 1] }, shapes: [[3, 3, 2]] },
  { className: "Rescaling", config: { scale: 2, offset: -1 }, shapes: [[3, 3, 2]] },
  { className: "Normalization", config: { mean: [0.5, -1], variance: [4, 2] }, shapes: [[3, 2]] },
  {
    className: "KerasEinsumDense",
    config: { equation: "abc,cd->abd", outputShape: [null, 4], biasAxes: "d" },
    shapes: [[3, 2]],
  },
  {
    className: "KerasEinsumDense",
    config: { equation: "abc,cde->abde", outputShape: [null, 2, 3], biasAxes: "de" },
    shapes: [[3, 2]],
  },
  {
    className: "KerasEinsumDense",
    config: { equation: "abcd,cde->abe", outputShape: [null, 4], biasAxes: "e" },
    shapes: [[3, 2, 3]],
  },
  {
    className: "KerasEinsumDense",
    config: { equation: "abc,dc->adb", outputShape: [4, 3], biasAxes: null },
    shapes: [[3, 2]],
  },
  {
    className: "KerasEinsumDense",
    config: { equation: "abc,cde->aebd", outputShape: [2, 3, 4], biasAxes: "e" },
    shapes: [[3, 2]],
  },
  { className: "KerasConv1D", config: { ...conv, kernelSize: [3], groups: 2 }, shapes: [[7, 4]] },
  {
    className: "KerasConv1D",
    config: { ...conv, kernelSize: [3], padding: "causal", dilationRate: [2], groups: 2 },
    shapes: [[7, 4]],
  },
  { className: "KerasConv2D", config: { ...conv, kernelSize: [3, 3], groups: 2 }, shapes: [[5, 5, 4]] },
  {
    className: "KerasConv2D",
    config: { ...conv, kernelSize: [3, 3], groups: 4, dataFormat: "channelsFirst", strides: [2, 1] },
    shapes: [[4, 5, 5]],
  },
  {
    className: "KerasConv3D",
    config: { ...conv, kernelSize: [2, 2, 2], groups: 2 },
    shapes: [[3, 3, 3, 4]],
  },
  { className: "GroupNormalization", config: { groups: 2 }, shapes: [[3, 5, 4]] },
  { className: "GroupNormalization", config: { groups: 3, axis: 1 }, shapes: [[6, 2, 3]] },
  { className: "GroupNormalization", config: { groups: -1, scale: false }, shapes: [[6, 2]] },
  { className: "UnitNormalization", config: {}, shapes: [[3, 4]] },
  { className: "RMSNormalization", config: {}, shapes: [[3, 4]] },
  { className: "KerasLayerNormalization", config: { rmsScaling: true }, shapes: [[3, 4]] },
  { className: "LayerScale", config: {}, shapes: [[3, 4]] },
  { className: "AdaptiveAveragePooling1D", config: { outputSize: [3] }, shapes: [[7, 2]] },
  { className: "AdaptiveAveragePooling2D", config: { outputSize: [2, 3] }, shapes: [[5, 7, 2]] },
  {
    className: "KerasMaxPooling1D",
    config: { poolSize: [2], dataFormat: "channelsFirst" },
    shapes: [[2, 6]],
  },
  ...[
    { className: "Conv2D", config: { ...conv, kernelSize: [2, 2] } },
    { className: "KerasConv2D", config: { ...conv, kernelSize: [2, 2], groups: 2 } },
    { className: "Flatten", config: {} },
    { className: "GlobalAveragePooling2D", config: {} },
    { className: "KerasBatchNormalization", config: { axis: 1 } },
    { className: "Activation", config: { activation: "tanh" } },
  ].map((layer) => ({ className: "TimeDistributed", config: { layer }, shapes: [[3, 4, 4, 2]] })),
  { className: "KerasIdentity", config: {}, shapes: [[3]] },
  {
    className: "Operation",
    config: operationConfig("sum", "Add", [{ input: 0 }, { input: 1 }]),
    shapes: [[3], [3]],
  },
  { className: "Operation", config: operationConfig("less", "Subtract", [1, { input: 0 }]), shapes: [[3]] },
  operated("TrueDivide", [{ input: 0 }, 2], {}, [3]),
  operated("Multiply", [[1, -2, 3], { input: 0 }], {}, [3]),
  operated("Negative", [{ input: 0 }], {}, [3]),
  operated("Mean", [{ input: 0 }], { axis: 1 }, [4, 2]),
  operated("Sum", [{ input: 0 }], { axis: [1, 2], keepdims: true }, [4, 2, 3]),
  operated("GetItem", [{ input: 0 }, [{ ellipsis: true }, { slice: [0, null, 2] }]], {}, [4, 5]),
  operated("Reshape", [{ input: 0 }, [-1, 3, 4]], {}, [2, 6]),
  operated("Transpose", [{ input: 0 }], { axes: [0, 2, 1] }, [4, 2]),
  operated(
    "Pad",
    [{ input: 0 }],
    {
      pad_width: [
        [0, 0],
        [1, 2],
      ],
      mode: "reflect",
    },
    [4],
  ),
  operated("Take", [{ input: 0 }, [2, 0, 2]], { axis: 1 }, [3, 2]),
  operated("Roll", [{ input: 0 }, 1], { axis: 1 }, [4, 2]),
  operated("Concatenate", [[{ input: 0 }, { input: 1 }]], { axis: -1 }, [3], [2]),
  operated("Stack", [[{ input: 0 }, { input: 1 }]], { axis: 1 }, [3], [3]),
  operated("Gelu", [{ input: 0 }], { approximate: false }, [4]),
  operated("Normalize", [{ input: 0 }], { axis: -1 }, [4]),
  operated("Absolute", [{ input: 0 }], {}, [4]),
  operated("Clip", [{ input: 0 }, -0.5, 0.5], {}, [4]),
  operated("Power", [{ input: 0 }, 2], {}, [4]),
  operated("Maximum", [0.1, { input: 0 }], {}, [4]),
  operated("Multiply", [{ input: 0 }, [[1, 2, -3]]], {}, [1]),
  operated(
    "Matmul",
    [
      {
        constant: [
          [1, 2],
          [3, -4],
          [0, 1],
        ],
        dtype: "float32",
      },
      { input: 0 },
    ],
    {},
    [2, 4],
  ),
  operated(
    "Matmul",
    [
      { input: 0 },
      {
        constant: [
          [1, 2],
          [3, -4],
          [0, 1],
        ],
        dtype: "float32",
      },
    ],
    {},
    [3],
  ),
  operated("FFT2", [[{ input: 0 }, { input: 1 }]], {}, [3, 4], [3, 4]),
  operated("IFFT2", [[{ input: 0 }, { input: 1 }]], {}, [3, 4], [3, 4]),
  operated("FFT", [[{ input: 0 }, { input: 1 }]], {}, [3, 4], [3, 4]),
  operated("RFFT", [{ input: 0 }], { fft_length: 6 }, [3, 5]),
  operated("tf.math.reduce_mean", [{ input: 0 }, 1], {}, [4, 2]),
  operated("tf.nn.relu", [{ input: 0 }], {}, [4]),
  operated("tf.concat", [[{ input: 0 }, { input: 1 }], -1], {}, [3], [2]),
];

function operated(
  operation: string,
  args: OperationArgument[],
  kwargs: Record<string, OperationArgument>,
  ...shapes: number[][]
): Case {
  return { className: "Operation", config: operationConfig("operation", operation, args, kwargs), shapes };
}

/** The layer, and a dense layer behind it. */
function modelOf({ className, config, shapes }: Case): tf.LayersModel {
  const xs = shapes.map((shape) => tf.input({ shape }));
  const layer = layerFromConfig(className, { ...config });
  const [y] = [layer.apply(xs.length === 1 ? xs[0]! : xs)].flat() as [tf.SymbolicTensor];
  const flat = y.shape.length === 2 ? y : (tf.layers.flatten().apply(y) as tf.SymbolicTensor);
  const model = tf.model({
    inputs: xs,
    outputs: tf.layers.dense({ units: 2 }).apply(flat) as tf.SymbolicTensor,
  });
  return withRandomWeights(model, 3);
}

explained.forEach((entry, i) => {
  const { className, shapes } = entry;
  test(`${className} (${i}) is explained: the gradient is the tape's, and lrp.z loses nothing but what biases take`, () => {
    withoutLeak(() => {
      const model = modelOf(entry);
      const xs = shapes.map((shape, k) => randomTensor([2, ...shape], k + 1));
      const one = xs.length === 1;
      const head = (...given: tf.Tensor[]) =>
        tf.sum(tf.slice(model.apply(one ? given[0]! : given) as tf.Tensor, [0, 1], [-1, 1]));
      const want = tf.grads((...given) => head(...given))(xs);
      const analyzer = createAnalyzer("gradient", model);
      const got = [analyzer.analyze(one ? xs[0]! : xs, { neuronSelection: 1 })].flat() as tf.Tensor[];
      want.forEach((w, k) => {
        const [a, b] = [w.dataSync(), got[k]!.dataSync()];
        a.forEach((v, at) =>
          assert.ok(Math.abs(v - b[at]!) <= 1e-4, `${className} ${at}: ${b[at]}, expected ${v}`),
        );
      });
      const explanation = createAnalyzer("lrp.epsilon", model, { epsilon: 1e-6 }).explain(one ? xs[0]! : xs, {
        neuronSelection: 1,
      });
      const output = explanation.output.dataSync();
      explanation.delta!.forEach((gap, n) =>
        assert.ok(Math.abs(gap) <= 1e-3 * Math.max(1, Math.abs(output[n * 2 + 1]!)), `${className}: ${gap}`),
      );
      explanation.dispose();
      tf.dispose([xs, want, got]);
      model.dispose();
    });
  });
});

test("what depends on a tensor's shape alone takes no relevance to it, and none goes missing", () => {
  withoutLeak(() => {
    const x = tf.input({ shape: [3, 4] });
    const operation = (name: string, args: OperationArgument[], inputs: tf.SymbolicTensor[]) =>
      layerFromConfig("Operation", operationConfig(name, name, args)).apply(inputs) as tf.SymbolicTensor;
    const zeros = operation("ZerosLike", [{ input: 0 }], [x]);
    const ones = operation("OnesLike", [{ input: 0 }], [x]);
    const [real] = [operation("FFT2", [[{ input: 0 }, { input: 1 }]], [x, zeros])].flat();
    const sum = operation("Add", [{ input: 0 }, { input: 1 }], [real!, ones]);
    const y = tf.layers.dense({ units: 2 }).apply(tf.layers.flatten().apply(sum)) as tf.SymbolicTensor;
    const model = withRandomWeights(tf.model({ inputs: x, outputs: y }), 3);
    const values = randomTensor([2, 3, 4], 1);
    const explanation = createAnalyzer("lrp.z", model).explain(values);
    for (const gap of explanation.delta!) assert.ok(Math.abs(gap) < 1e-4, `${gap}`);
    explanation.dispose();
    values.dispose();
    model.dispose();
  });
});

test("a table that is read at each time step is one of tokens, whose relevance is that of their rows", () => {
  withoutLeak(() => {
    const x = tf.input({ shape: [3, 4], dtype: "int32" });
    const table = tf.layers.timeDistributed({ layer: tf.layers.embedding({ inputDim: 5, outputDim: 2 }) });
    const flat = tf.layers.flatten().apply(table.apply(x)) as tf.SymbolicTensor;
    const y = tf.layers.dense({ units: 1, useBias: false }).apply(flat) as tf.SymbolicTensor;
    const model = withRandomWeights(tf.model({ inputs: x, outputs: y }), 3);
    const tokens = tf.tidy(() => tf.cast(tf.reshape(tf.range(0, 24), [2, 3, 4]).mod(5), "int32"));
    const explanation = createAnalyzer("lrp.z", model).explain(tokens);
    assert.equal(explanation.relevance.shape, [2, 3, 4]);
    for (const gap of explanation.delta!) assert.ok(Math.abs(gap) < 1e-5, `${gap}`);
    explanation.dispose();
    tokens.dispose();
    model.dispose();
  });
});

test("a model for every time step is explained as one over samples, whatever is in it", () => {
  withoutLeak(() => {
    const image = tf.input({ shape: [4, 4, 2] });
    const layers = [
      tf.layers.conv2d({ ...conv, kernelSize: [3, 3] } as unknown as Parameters<typeof tf.layers.conv2d>[0]),
      tf.layers.batchNormalization(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3, activation: "relu" }),
    ];
    const features = layers.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, image);
    const inner = tf.model({ name: "frame", inputs: image, outputs: features });
    const frames = tf.input({ shape: [3, 4, 4, 2] });
    const each = tf.layers.timeDistributed({ layer: inner, name: "each" }).apply(frames);
    const memory = tf.layers.lstm({ units: 3 }).apply(each as tf.SymbolicTensor);
    const logits = tf.layers.dense({ units: 2 }).apply(memory) as tf.SymbolicTensor;
    const model = withRandomWeights(tf.model({ inputs: frames, outputs: logits }), 3);
    const x = randomTensor([2, 3, 4, 4, 2], 1) as tf.Tensor5D;
    for (const method of ["gradient", "lrp.epsilon", "lrp.epsilon_plus_flat"]) {
      const methodOptions = method === "lrp.epsilon" ? { epsilon: 1e-6 } : {};
      assert.ok(methodSupport(method, model).every(({ supported }) => supported));
      const analyzer = createAnalyzer(method, model, methodOptions);
      const { relevance, delta, dispose } = analyzer.explain(x, { neuronSelection: 1 });
      if (method === "gradient") {
        const want = tf.grad((t: tf.Tensor) =>
          tf.sum(tf.slice(model.apply(t) as tf.Tensor, [0, 1], [-1, 1])),
        )(x);
        const [a, b] = [want.dataSync(), (relevance as tf.Tensor).dataSync()];
        a.forEach((v, i) => assert.ok(Math.abs(v - b[i]!) <= 1e-5, `${i}: ${b[i]}, expected ${v}`));
        want.dispose();
      }
      if (method === "lrp.epsilon") delta!.forEach((gap) => assert.ok(Math.abs(gap) < 1e-3, `${gap}`));
      dispose();
      analyzer.dispose();
    }
    throws(
      () => createAnalyzer("guided_backprop", model, { stopAt: "nowhere" }),
      ArgumentError,
      /no layer "nowhere"; there are input\d+, each, /,
    );
    x.dispose();
    model.dispose();
  });
});

test("a model that gives another number of rows than it got samples is refused", () => {
  withoutLeak(() => {
    const model = modelOf(operated("Reshape", [{ input: 0 }, [-1, 4]], {}, [2, 6]));
    const x = randomTensor([2, 2, 6], 1);
    throws(
      () => createAnalyzer("gradient", model).analyze(x),
      ShapeError,
      "gradient: expected the model to give a row a sample, got 6 rows for 2 samples",
    );
    x.dispose();
    model.dispose();
  });
});

test("what has options beyond a rule is differentiated, and refused by name by methods of relevance", () => {
  for (const entry of [
    { className: "AdaptiveMaxPooling1D", config: { outputSize: [2] }, shapes: [[5, 2]] },
    {
      className: "KerasConv2DTranspose",
      config: { ...conv, kernelSize: [3, 3], strides: [2, 2], outputPadding: [1, 1] },
      shapes: [[4, 4, 2]],
    },
    operated("Std", [{ input: 0 }], { axis: 1 }, [4, 2]),
    operated("Floor", [{ input: 0 }], {}, [4, 2]),
    operated(
      "Pad",
      [{ input: 0 }, 1],
      {
        pad_width: [
          [0, 0],
          [1, 2],
        ],
      },
      [4],
    ),
  ]) {
    const model = modelOf(entry);
    createAnalyzer("gradient", model).dispose();
    assert.throws(
      () => createAnalyzer("lrp.z", model),
      (error: unknown) =>
        error instanceof UnsupportedLayerError && error.message.includes(`(${entry.className})`),
    );
    model.dispose();
  }
});

test.run();
