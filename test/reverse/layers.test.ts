import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { UnsupportedLayerError } from "../../src/errors.js";
import {
  DepthwiseConv1D,
  KerasConv1D,
  KerasConv2D,
  KerasDepthwiseConv2D,
  SeparableConv1D,
} from "../../src/layers/convolutions.js";
import { KerasBatchNormalization, KerasLayerNormalization } from "../../src/layers/normalizations.js";
import { registerLayers } from "../../src/layers/registerLayers.js";
import {
  GlobalMaxPooling3D,
  KerasAveragePooling2D,
  KerasGlobalAveragePooling2D,
} from "../../src/layers/space.js";
import { backends, withoutLeak } from "../support/backends.js";
import { randomTensor, stackedCells, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";

registerLayers();

type Make = () => tf.layers.Layer;
const L = tf.layers;

/** Layers as one-layer models, by what a test calls them. */
const layers: Record<string, { shapes: number[][]; make: Make; only?: string; relevance?: false }> = {
  "dense on rows": { shapes: [[3, 4]], make: () => L.dense({ units: 2, activation: "tanh" }) },
  "conv1d with strides": {
    shapes: [[9, 2]],
    make: () => L.conv1d({ filters: 3, kernelSize: 3, strides: 2, padding: "same", activation: "sigmoid" }),
  },
  "conv1d dilated": {
    shapes: [[9, 2]],
    make: () => L.conv1d({ filters: 2, kernelSize: 2, dilationRate: 2 }),
  },
  "conv2d dilated": {
    shapes: [[6, 5, 2]],
    make: () => L.conv2d({ filters: 2, kernelSize: 2, dilationRate: 2, padding: "same" }),
  },
  "conv2d with channels first": {
    shapes: [[2, 5, 4]],
    make: () => L.conv2d({ filters: 3, kernelSize: 3, strides: 2, dataFormat: "channelsFirst" }),
    only: "cpu", // tfjs itself
  },
  "separable convolution": {
    shapes: [[5, 6, 2]],
    make: () =>
      L.separableConv2d({ filters: 3, kernelSize: 3, strides: 2, padding: "same", depthMultiplier: 2 }),
  },
  "transposed convolution": {
    shapes: [[3, 3, 2]],
    make: () => L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, activation: "elu" }),
  },
  conv3d: { shapes: [[3, 4, 4, 2]], make: () => L.conv3d({ filters: 2, kernelSize: 2, strides: [1, 2, 1] }) },
  "transposed convolution of a volume": {
    shapes: [[2, 2, 2, 2]],
    make: () => L.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2 }),
    only: "cpu", // tfjs 4.22 computes it wrongly on wasm
  },
  "batch normalization without scale": { shapes: [[4]], make: () => L.batchNormalization({ scale: false }) },
  "layer normalization": { shapes: [[3, 6]], make: () => L.layerNormalization({}) },
  "layer normalization over two axes, without scale and center": {
    shapes: [[3, 4]],
    make: () => L.layerNormalization({ axis: [1, 2], scale: false, center: false }),
  },
  "average pooling 1-D, same": {
    shapes: [[5, 2]],
    make: () => L.averagePooling1d({ poolSize: 3, strides: 2, padding: "same" }),
  },
  "average pooling 2-D, same": {
    shapes: [[5, 5, 2]],
    make: () => L.averagePooling2d({ poolSize: 2, padding: "same" }),
  },
  "average pooling 3-D, same": {
    shapes: [[3, 3, 3, 2]],
    make: () => L.averagePooling3d({ poolSize: 2, strides: 2, padding: "same" }),
  },
  "max pooling 1-D": { shapes: [[6, 2]], make: () => L.maxPooling1d({ poolSize: 2 }) },
  "max pooling 2-D, same, overlapping": {
    shapes: [[5, 5, 2]],
    make: () => L.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }),
  },
  "max pooling 3-D, same": {
    shapes: [[3, 3, 4, 2]],
    make: () => L.maxPooling3d({ poolSize: 2, strides: 2, padding: "same" }),
    only: "cpu", // tfjs 4.22 counts padding as 0 on wasm
  },
  "global pooling 1-D": { shapes: [[5, 3]], make: () => L.globalAveragePooling1d({}) },
  "global max pooling 1-D": { shapes: [[5, 3]], make: () => L.globalMaxPooling1d({}) },
  "global max pooling 2-D": { shapes: [[3, 4, 2]], make: () => L.globalMaxPooling2d({}) },
  add: {
    shapes: [
      [3, 2],
      [3, 2],
      [3, 2],
    ],
    make: () => L.add(),
  },
  average: {
    shapes: [
      [3, 2],
      [3, 2],
    ],
    make: () => L.average(),
  },
  "multiply with broadcasting": {
    shapes: [
      [3, 2],
      [1, 2],
    ],
    make: () => L.multiply(),
  },
  maximum: {
    shapes: [
      [3, 2],
      [3, 2],
      [3, 2],
    ],
    make: () => L.maximum(),
  },
  minimum: { shapes: [[4], [4]], make: () => L.minimum() },
  concatenate: {
    shapes: [
      [3, 2],
      [3, 1],
    ],
    make: () => L.concatenate(),
  },
  permute: { shapes: [[2, 3, 4]], make: () => L.permute({ dims: [3, 1, 2] }) },
  repeat: { shapes: [[3]], make: () => L.repeatVector({ n: 4 }) },
  crop: {
    shapes: [[5, 5, 2]],
    make: () =>
      L.cropping2D({
        cropping: [
          [1, 0],
          [2, 1],
        ],
      }),
  },
  pad: {
    shapes: [[2, 3, 2]],
    make: () =>
      L.zeroPadding2d({
        padding: [
          [1, 0],
          [2, 1],
        ],
      }),
  },
  upsampling: { shapes: [[2, 3, 2]], make: () => L.upSampling2d({ size: [2, 3] }) },
  "upsampling, bilinear": {
    shapes: [[2, 3, 2]],
    make: () => L.upSampling2d({ size: [2, 2], interpolation: "bilinear" }),
  },
  "dropout in inference": { shapes: [[4]], make: () => L.dropout({ rate: 0.5 }) },
  "noise in inference": { shapes: [[4]], make: () => L.gaussianNoise({ stddev: 1 }) },
  "flatten of channels first": {
    shapes: [[2, 3, 4]],
    make: () => L.flatten({ dataFormat: "channelsFirst" }),
  },
  reshape: { shapes: [[4, 3]], make: () => L.reshape({ targetShape: [2, -1] }) },
  "leaky relu": { shapes: [[5]], make: () => L.leakyReLU({ alpha: 0.3 }) },
  "relu cut off": { shapes: [[5]], make: () => L.reLU({ maxValue: 0.4 }) },
  prelu: { shapes: [[5]], make: () => L.prelu({}) },
  selu: { shapes: [[5]], make: () => L.activation({ activation: "selu" }) },
  swish: { shapes: [[5]], make: () => L.activation({ activation: "swish" }) },
  gelu: { shapes: [[5]], make: () => L.activation({ activation: "gelu" }) },
  "dense of every step": {
    shapes: [[3, 4]],
    make: () => L.timeDistributed({ layer: L.dense({ units: 2 }) }),
  },
  "conv1d, causal": {
    shapes: [[6, 2]],
    make: () =>
      new KerasConv1D({
        filters: 2,
        kernelSize: [3],
        padding: "causal",
        dilationRate: [2],
      }) as unknown as tf.layers.Layer,
  },
  "grouped convolution": {
    shapes: [[4, 4, 4]],
    make: () => new KerasConv2D({ filters: 2, kernelSize: [2, 2], groups: 2 }) as unknown as tf.layers.Layer,
  },
  "depthwise convolution, dilated": {
    shapes: [[6, 5, 2]],
    make: () =>
      new KerasDepthwiseConv2D({ kernelSize: [2, 2], dilationRate: [2, 2] }) as unknown as tf.layers.Layer,
  },
  "depthwise convolution of a series": {
    shapes: [[6, 2]],
    make: () =>
      new DepthwiseConv1D({
        kernelSize: [3],
        padding: "same",
        depthMultiplier: 2,
      }) as unknown as tf.layers.Layer,
  },
  "separable convolution of a series": {
    shapes: [[6, 2]],
    make: () =>
      new SeparableConv1D({ filters: 3, kernelSize: [3], strides: [2] }) as unknown as tf.layers.Layer,
  },
  "batch normalization over channels first": {
    shapes: [[3, 4, 4]],
    make: () => new KerasBatchNormalization({ axis: 1 }) as unknown as tf.layers.Layer,
  },
  "average pooling of this library, same": {
    shapes: [[5, 5, 2]],
    make: () =>
      new KerasAveragePooling2D({
        poolSize: [3, 3],
        strides: [2, 2],
        padding: "same",
      }) as unknown as tf.layers.Layer,
  },
  "global pooling that keeps its axes": {
    shapes: [[3, 4, 2]],
    make: () => new KerasGlobalAveragePooling2D({ keepdims: true }) as unknown as tf.layers.Layer,
  },
  "global max pooling of a volume": {
    shapes: [[2, 3, 2, 2]],
    make: () => new GlobalMaxPooling3D({}) as unknown as tf.layers.Layer,
  },
  "layer normalization of this library": {
    shapes: [[3, 4]],
    make: () => new KerasLayerNormalization({ axis: [-1] }) as unknown as tf.layers.Layer,
  },
  lstm: { shapes: [[4, 3]], make: () => L.lstm({ units: 2 }) },
  "bidirectional gru": {
    shapes: [[3, 2]],
    make: () => L.bidirectional({ layer: L.gru({ units: 2 }) as tf.RNN, mergeMode: "concat" }),
  },
  "stacked cells": { shapes: [[4, 3]], make: () => stackedCells(), relevance: false },
  dot: { shapes: [[4], [4]], make: () => L.dot({ axes: -1 }), relevance: false },
};

function modelOf({ shapes, make }: { shapes: number[][]; make: Make }): tf.LayersModel {
  const inputs = shapes.map((shape) => tf.input({ shape }));
  const y = make().apply(inputs.length === 1 ? inputs[0]! : inputs) as tf.SymbolicTensor;
  return withRandomWeights(tf.model({ inputs, outputs: y }), 5);
}

for (const { backend, use } of backends) {
  for (const [name, entry] of Object.entries(layers)) {
    if (entry.only !== undefined && entry.only !== backend) continue;
    test(`the engine's forward pass of ${name} is the layer's, and its gradient the central difference (${backend})`, async () => {
      await use();
      const model = modelOf(entry);
      const xs = entry.shapes.map((shape, i) => randomTensor([2, ...shape], 31 + i));
      const size = (model.predict(xs) as tf.Tensor).size / 2;
      const weights = [...randomTensor([2, size], 77).dataSync()];
      const head = tf.tensor2d(weights, [2, size]);
      const explained = createAnalyzer("gradient", model).explain(xs, { neuronSelection: () => head });
      const predicted = [...(model.predict(xs) as tf.Tensor).dataSync()];
      [...explained.output.dataSync()].forEach((v, i) => assert.ok(Math.abs(v - predicted[i]!) < 1e-5));
      const f = (changed: tf.Tensor[]) =>
        tf.tidy(() =>
          [...(model.predict(changed) as tf.Tensor).dataSync()].reduce((s, v, i) => s + v * weights[i]!, 0),
        );
      const step = 2 ** -9;
      (explained.relevance as tf.Tensor[]).forEach((r, which) => {
        const got = r.dataSync();
        const values = xs[which]!.dataSync();
        const misses: string[] = [];
        for (let i = 0; i < values.length; i++) {
          const moved = (by: number) => {
            const x = tf.tensor(
              values.map((v, j) => (j === i ? v + by : v)),
              xs[which]!.shape,
            );
            const y = f(xs.map((t, w) => (w === which ? x : t)));
            x.dispose();
            return y;
          };
          const difference = (moved(step) - moved(-step)) / (2 * step);
          if (Math.abs(difference - got[i]!) > 5e-3) misses.push(`${i}: ${difference} ${got[i]}`);
        }
        // Where a kink lies within the step the difference is bent, not the gradient.
        assert.ok(misses.length <= values.length * 0.04, misses.join("; "));
      });
      explained.dispose();
      tf.dispose([head, ...xs]);
      model.dispose();
    });

    const { relevance } = entry;
    test(`lrp.z of ${name} ${relevance === false ? "is refused by name" : "conserves relevance"} (${backend})`, async () => {
      await use();
      const model = modelOf(entry);
      if (relevance === false) {
        throws(
          () => createAnalyzer("lrp.z", model),
          UnsupportedLayerError,
          /^lrp\.z: layer "\w+" \(\w+\) has no rule of relevance; gradient and input_t_gradient can explain this model(; the lrp methods pass it with .*)?$/,
        );
        return;
      }
      tf.tidy(() => {
        const xs = entry.shapes.map((shape, i) => randomTensor([2, ...shape], 41 + i));
        const explained = createAnalyzer("lrp.z", model).explain(xs, { neuronSelection: "all" });
        const put = [...explained.output.abs().sum(1).dataSync()];
        explained.delta!.forEach((gap, sample) =>
          assert.ok(Math.abs(gap) <= 1e-4 * Math.max(1, put[sample]!), `${gap} of ${put[sample]}`),
        );
      });
      model.dispose();
    });
  }
}

test("batch normalization along another axis than the last is as Keras defines it, which tfjs 4.22 itself is not", async () => {
  await tf.setBackend("cpu");
  tf.tidy(() => {
    const model = tf.sequential({
      layers: [L.batchNormalization({ axis: 1, epsilon: 0, inputShape: [3, 2, 2] }), L.flatten()],
    });
    const vector = (...values: number[]) => tf.tensor1d(values);
    model.setWeights([vector(1, 2, 3), vector(0, 10, 20), vector(0, 0, 1), vector(1, 4, 9)]);
    const explained = createAnalyzer("gradient", model).explain(tf.ones([1, 3, 2, 2]), {
      neuronSelection: "all",
    });
    assert.equal([...explained.output.dataSync()], [1, 1, 1, 1, 11, 11, 11, 11, 20, 20, 20, 20]);
    assert.equal([...explained.relevance.dataSync()], Array(12).fill(1));
  });
});

test("a depthwise convolution is dilated as Keras defines it, which tfjs 4.22 itself ignores", async () => {
  for (const { use } of backends) {
    await use();
    tf.tidy(() => {
      const layer = L.depthwiseConv2d({
        kernelSize: 2,
        dilationRate: 2,
        useBias: false,
        inputShape: [5, 5, 2],
      });
      const model = withRandomWeights(tf.sequential({ layers: [layer] }), 3);
      const x = randomTensor([1, 5, 5, 2], 1) as tf.Tensor4D;
      const f = (image: tf.Tensor4D) =>
        tf.depthwiseConv2d(image, layer.getWeights()[0] as tf.Tensor4D, 1, "valid", "NHWC", 2);
      const explained = createAnalyzer("gradient", model).explain(x, { neuronSelection: "all" });
      assert.equal([...explained.output.dataSync()], [...f(x).dataSync()]);
      // Linear: the gradient of the sum, times x, is the sum.
      const sum = tf.sum(f(x)).dataSync()[0]!;
      assert.ok(Math.abs(tf.sum(tf.mul(explained.relevance, x)).dataSync()[0]! - sum) < 1e-5);
    });
  }
});

test("a softmax inside the model has no rule of relevance; the gradient passes it", async () => {
  await tf.setBackend("cpu");
  const model = withRandomWeights(
    tf.sequential({
      layers: [L.dense({ units: 3, inputShape: [4] }), L.softmax({ name: "inner" }), L.dense({ units: 2 })],
    }),
    1,
  );
  throws(
    () => createAnalyzer("lrp.epsilon", model),
    UnsupportedLayerError,
    'lrp.epsilon: layer "inner" (Softmax) is a softmax inside the model, which has no rule of relevance; gradient and input_t_gradient can explain this model; the lrp methods pass it with the option attention, "attnlrp" or "constant"',
  );
  withoutLeak(() =>
    tf.tidy(() => {
      createAnalyzer("gradient", model).analyze(tf.ones([1, 4]));
    }),
  );
});

test.run();
