import * as tf from "@tensorflow/tfjs";
import { randomSource } from "./arrays.js";

/** Gives every weight of a model seeded random values in [-0.5, 0.5), biases included (variances: in [0.5, 1.5)). */
export function withRandomWeights<M extends tf.LayersModel>(model: M, seed: number): M {
  const random = randomSource(seed);
  tf.tidy(() => {
    model.setWeights(
      model.weights.map(({ shape, originalName }) => {
        const lowest = originalName.endsWith("variance") ? 0.5 : -0.5;
        const size = shape.reduce<number>((product, n) => product * (n as number), 1);
        return tf.tensor(
          Float32Array.from({ length: size }, () => random() + lowest),
          shape as number[],
        );
      }),
    );
  });
  return model;
}

/** A seeded random tensor with values of both signs in [-1, 1). */
export function randomTensor(shape: number[], seed: number): tf.Tensor {
  const random = randomSource(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => 2 * random() - 1),
    shape,
  );
}

/** conv, relu, max pooling, conv, average pooling, flatten, dropout, dense softmax. */
export function convNet(seed = 1): tf.Sequential {
  return withRandomWeights(
    tf.sequential({
      name: "conv_net",
      layers: [
        tf.layers.conv2d({
          name: "conv1",
          filters: 4,
          kernelSize: 3,
          activation: "relu",
          inputShape: [10, 10, 2],
        }),
        tf.layers.maxPooling2d({ name: "pool1", poolSize: 2 }),
        tf.layers.conv2d({ name: "conv2", filters: 3, kernelSize: 3, strides: 2, padding: "same" }),
        tf.layers.reLU({ name: "relu2" }),
        tf.layers.averagePooling2d({ name: "pool2", poolSize: 2, strides: 1, padding: "same" }),
        tf.layers.flatten({ name: "flatten" }),
        tf.layers.dropout({ name: "dropout", rate: 0.5 }),
        tf.layers.dense({ name: "dense", units: 5, activation: "softmax" }),
      ],
    }),
    seed,
  );
}

/** Two inputs, a shared dense layer, add, and a softmax layer of its own. */
export function sharedNet(seed = 2): tf.LayersModel {
  const a = tf.input({ shape: [4], name: "a" });
  const b = tf.input({ shape: [4], name: "b" });
  const shared = tf.layers.dense({ name: "shared", units: 6, activation: "relu" });
  const sum = tf.layers.add({ name: "sum" }).apply([shared.apply(a), shared.apply(b)] as tf.SymbolicTensor[]);
  const logits = tf.layers.dense({ name: "logits", units: 3 }).apply(sum);
  const y = tf.layers.softmax({ name: "softmax" }).apply(logits) as tf.SymbolicTensor;
  return withRandomWeights(tf.model({ name: "shared_net", inputs: [a, b], outputs: y }), seed);
}

/** A Sequential block used twice inside a model inside a model, with the softmax at the end of the inner one. */
export function nestedNet(seed = 3): tf.LayersModel {
  const block = tf.sequential({
    name: "block",
    layers: [
      tf.layers.dense({ name: "hidden", units: 4, activation: "relu", inputShape: [4] }),
      tf.layers.dense({ name: "out", units: 4 }),
    ],
  });
  const x = tf.input({ shape: [4], name: "inner_input" });
  const twice = block.apply(block.apply(x)) as tf.SymbolicTensor;
  const inner = tf.model({
    name: "inner",
    inputs: x,
    outputs: tf.layers
      .dense({ name: "probabilities", units: 3, activation: "softmax" })
      .apply(twice) as tf.SymbolicTensor,
  });
  const outer = tf.input({ shape: [6], name: "outer_input" });
  const y = inner.apply(
    tf.layers.dense({ name: "stem", units: 4, activation: "tanh" }).apply(outer),
  ) as tf.SymbolicTensor;
  return withRandomWeights(tf.model({ name: "outer", inputs: outer, outputs: y }), seed);
}

/** A recurrent layer of two cells on top of each other, for which there is no rule of relevance. */
export function stackedCells(args: { name?: string; inputShape?: tf.Shape } = {}): tf.layers.Layer {
  const cells = [tf.layers.lstmCell({ units: 2 }), tf.layers.lstmCell({ units: 2 })];
  return tf.layers.rnn({ ...args, cell: cells });
}
