import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, GraphError, UnsupportedLayerError } from "../../src/errors.js";
import { fakeKerasLayer, getKernel, getLayerNeuronwiseIo } from "../../src/graph/index.js";
import { withoutLeak } from "../support/backends.js";
import { randomTensor } from "../support/models.js";
import { throws } from "../support/throws.js";

await tf.setBackend("cpu");
const l = tf.layers;

function near(got: tf.Tensor, want: tf.Tensor): void {
  assert.equal(got.shape, want.shape);
  const d = tf.tidy(() => tf.max(tf.abs(tf.sub(got, want))).dataSync()[0]!);
  assert.ok(d < 1e-5, `off by ${d}`);
}

const layers: Record<string, [shape: number[], layer: () => tf.layers.Layer]> = {
  "Conv2D same": [
    [7, 6, 3],
    () =>
      l.conv2d({
        filters: 4,
        kernelSize: [3, 2],
        strides: 2,
        padding: "same",
        biasInitializer: "randomNormal",
      }),
  ],
  "Conv2D dilated": [
    [7, 6, 3],
    () => l.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2, biasInitializer: "randomNormal" }),
  ],
  Conv1D: [
    [9, 3],
    () =>
      l.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: "same", biasInitializer: "randomNormal" }),
  ],
};

for (const [name, [shape, make]] of Object.entries(layers)) {
  test(`inputs . kernel + bias are the outputs of a ${name}, eager and symbolic`, () => {
    const layer = make();
    const input = tf.input({ shape });
    const output = layer.apply(input) as tf.SymbolicTensor;
    const symbolic = getLayerNeuronwiseIo(layer);
    const model = tf.model({
      inputs: input,
      outputs: [symbolic.inputs, symbolic.outputs] as tf.SymbolicTensor[],
    });
    withoutLeak(() => {
      tf.tidy(() => {
        const x = randomTensor([2, ...shape], 3);
        const y = (tf.model({ inputs: input, outputs: output }).predict(x) as tf.Tensor).clone();
        const io = getLayerNeuronwiseIo(layer, { xs: x, ys: [y] }) as {
          inputs: tf.Tensor;
          outputs: tf.Tensor;
        };
        const [kernel, bias] = layer.getWeights() as [tf.Tensor, tf.Tensor];
        const [n, positions, size] = io.inputs.shape as [number, number, number];
        const z = tf.add(
          tf.matMul(tf.reshape(io.inputs, [-1, size]), tf.reshape(kernel, [size, 4]) as tf.Tensor2D),
          bias,
        );
        near(tf.reshape(z, [n, positions, 4]), io.outputs);
        const [inputs, outputs] = model.predict(x) as [tf.Tensor, tf.Tensor];
        near(inputs, io.inputs);
        near(outputs, io.outputs);
        assert.equal(symbolic.inputs!.shape, [null, ...io.inputs.shape.slice(1)]);
      });
    });
  });
}

test("with channels first the neurons are those of the transposed image", () => {
  const layer = l.conv2d({ filters: 4, kernelSize: 2, dataFormat: "channelsFirst" });
  layer.build([null, 3, 5, 6]);
  const [x, y] = [randomTensor([2, 3, 5, 6], 1), randomTensor([2, 4, 4, 5], 2)];
  const last = l.conv2d({ filters: 4, kernelSize: 2 });
  last.build([null, 5, 6, 3]);
  const first = getLayerNeuronwiseIo(layer, { xs: x, ys: y }) as { inputs: tf.Tensor; outputs: tf.Tensor };
  near(
    first.inputs,
    getLayerNeuronwiseIo(last, { xs: tf.transpose(x, [0, 2, 3, 1]), returnOutputs: false })
      .inputs as tf.Tensor,
  );
  near(first.outputs, tf.reshape(tf.transpose(y, [0, 2, 3, 1]), [2, 20, 4]));
});

test("a depthwise convolution's output c m + j comes from the pixels of channel c by kernel[:, :, c, j]", () => {
  const layer = l.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, biasInitializer: "randomNormal" });
  const x = randomTensor([2, 5, 6, 3], 4);
  const y = layer.apply(x) as tf.Tensor;
  const io = getLayerNeuronwiseIo(layer, { xs: x, ys: y }) as { inputs: tf.Tensor; outputs: tf.Tensor };
  assert.equal(io.inputs.shape, [2, 12, 27]);
  const [kernel, bias] = layer.getWeights() as [tf.Tensor, tf.Tensor];
  const products = tf.mul(tf.reshape(io.inputs, [2, 12, 9, 3, 1]), tf.reshape(kernel, [1, 1, 9, 3, 2]));
  near(tf.add(tf.reshape(tf.sum(products, 2), [2, 12, 6]), bias), io.outputs);
});

test("a dense layer's are its input and output themselves, of any of its calls", () => {
  const layer = l.dense({ units: 2 });
  const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
  layer.apply(a);
  const second = layer.apply(b);
  assert.is(getLayerNeuronwiseIo(layer).inputs, a);
  const io = getLayerNeuronwiseIo(layer, { nodeIndex: 1 });
  assert.equal([io.inputs === b, io.outputs === second], [true, true]);
  assert.equal(Object.keys(getLayerNeuronwiseIo(layer, { returnInputs: false })), ["outputs"]);
});

test("models with the patches' layer save and load", async () => {
  const layer = l.conv2d({ filters: 2, kernelSize: 3 });
  const input = tf.input({ shape: [6, 6, 1] });
  layer.apply(input);
  const model = tf.model({ inputs: input, outputs: getLayerNeuronwiseIo(layer).inputs as tf.SymbolicTensor });
  const loaded = await tf.models.modelFromJSON({
    modelTopology: JSON.parse(JSON.stringify(model.toJSON(null, false))),
  });
  const x = randomTensor([1, 6, 6, 1], 3);
  near(loaded.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor);
});

test("other layers, missing calls, several tensors and nothing to return are refused", () => {
  const who = "getLayerNeuronwiseIo: ";
  throws(
    () => getLayerNeuronwiseIo(l.conv2dTranspose({ filters: 1, kernelSize: 1, name: "up" })),
    UnsupportedLayerError,
    `${who}layer "up" (Conv2DTranspose) is not taken apart into neurons; Dense, Conv1D, Conv2D, DepthwiseConv2D are`,
  );
  const dense = l.dense({ units: 1, name: "d" });
  throws(
    () => getLayerNeuronwiseIo(dense),
    GraphError,
    `${who}layer "d" (Dense) has 0 calls, so there is no call 0`,
  );
  const x = tf.zeros([1, 1]);
  throws(
    () => getLayerNeuronwiseIo(dense, { xs: [x, x], ys: x }),
    ArgumentError,
    `${who}expected xs to be one tensor, got 2`,
  );
  throws(
    () => getLayerNeuronwiseIo(dense, { returnInputs: false, returnOutputs: false }),
    ArgumentError,
    `${who}expected returnInputs or returnOutputs, got neither`,
  );
});

test("getKernel gives the one weight that is a kernel, by whatever name", () => {
  const built = (layer: tf.layers.Layer, shape: number[]) => {
    layer.build([null, ...shape]);
    return layer;
  };
  const of = (layer: tf.layers.Layer) => getKernel(layer).shape;
  assert.equal(of(built(l.dense({ units: 2 }), [3])), [3, 2]);
  assert.equal(of(built(l.conv2d({ filters: 2, kernelSize: 3 }), [5, 5, 1])), [3, 3, 1, 2]);
  assert.equal(of(built(l.depthwiseConv2d({ kernelSize: 3 }), [5, 5, 2])), [3, 3, 2, 1]);
  assert.equal(of(built(l.embedding({ inputDim: 4, outputDim: 2 }), [3])), [4, 2]);
  assert.equal(of(built(l.timeDistributed({ layer: l.dense({ units: 2 }) }), [4, 3])), [3, 2]);
  throws(
    () => getKernel(built(l.separableConv2d({ filters: 1, kernelSize: 1, name: "sep" }), [3, 3, 1])),
    UnsupportedLayerError,
    /^getKernel: expected one kernel in layer "sep" \(SeparableConv2D\), but it has 2: depthwise_kernel, pointwise_kernel$/,
  );
  throws(
    () => getKernel(built(l.lstm({ units: 1, name: "memory" }), [3, 1])),
    UnsupportedLayerError,
    /it has 2: kernel, recurrent_kernel$/,
  );
  throws(
    () => getKernel(l.flatten({ name: "flat" })),
    GraphError,
    'getKernel: layer "flat" (Flatten) is not built yet, so it has no weights',
  );
  throws(
    () => getKernel(built(l.batchNormalization({ name: "norm" }), [3])),
    UnsupportedLayerError,
    /it has none among gamma, beta, moving_mean, moving_variance$/,
  );
});

test("fakeKerasLayer makes tensors outputs of a model, of their shape and dtype, and leaves symbolic ones as they are", async () => {
  const x = tf.input({ shape: [3] });
  const y = l.dense({ units: 2 }).apply(x) as tf.SymbolicTensor;
  const [numbers, indices] = [tf.tensor2d([[1.5, 2]]), tf.tensor1d([3, 4], "int32")];
  const before = tf.memory().numTensors;
  const outputs = fakeKerasLayer(x, [numbers, y, indices]);
  assert.is(outputs[1], y);
  assert.equal(
    outputs.map((t) => [t.shape, t.dtype]),
    [
      [[1, 2], "float32"],
      [[null, 2], "float32"],
      [[2], "int32"],
    ],
  );
  const model = tf.model({ inputs: x, outputs: [outputs[0]!, outputs[2]!] });
  numbers.dispose();
  const [a, b] = model.predict(tf.zeros([1, 3])) as tf.Tensor[];
  assert.equal([[...a!.dataSync()], [...b!.dataSync()], b!.dtype], [[1.5, 2], [3, 4], "int32"]);
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
  assert.equal([...(loaded.predict(tf.zeros([1, 3])) as tf.Tensor[])[1]!.dataSync()], [3, 4]);
  tf.dispose([a!, b!]);
  model.dispose();
  assert.ok(tf.memory().numTensors > before);
  assert.equal(fakeKerasLayer(x, y), [y]);
  assert.equal(fakeKerasLayer([], y), [y]);
  throws(
    () => fakeKerasLayer([], indices),
    ArgumentError,
    "fakeKerasLayer: expected at least one symbolic input to feed the constants' layer",
  );
  throws(
    () => fakeKerasLayer(x, 3 as never),
    ArgumentError,
    "fakeKerasLayer: expected outputs that are tensors or symbolic tensors, got 3",
  );
});

test.run();
