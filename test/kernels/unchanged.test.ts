import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installKernels, uninstallKernels } from "../../src/kernels/index.js";
import "../support/backends.js";

await tf.setBackend("wasm");

type Example = () => tf.Tensor | tf.Tensor[];
const image = () => tf.reshape(tf.sin(tf.range(0, 2 * 6 * 6 * 3)), [2, 6, 6, 3]) as tf.Tensor4D;
const filter = () => tf.reshape(tf.cos(tf.range(0, 3 * 3 * 3 * 4)), [3, 3, 3, 4]) as tf.Tensor4D;
const x2 = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
const x1 = () => tf.tensor1d([1, 2, 3, 4]);
const ints = () => tf.tensor1d([1, 3, 3, 7], "int32");
const bools = () => tf.tensor1d([true, false, false, true], "bool");
const series = () => tf.reshape(tf.sin(tf.range(0, 20)), [1, 10, 2]) as tf.Tensor3D;

/** What tfjs's documentation shows of its operations, those above all that run through kernels of ours. */
const examples: Record<string, Example> = {
  clone: () => tf.clone(x2()),
  eye: () => tf.eye(3),
  oneHot: () => tf.oneHot(tf.tensor1d([0, 1], "int32"), 3),
  cast: () => [tf.cast(tf.tensor1d([1.5, 2.5, 3]), "int32"), tf.cast(bools(), "float32")],
  expandDims: () => tf.expandDims(x1(), 1),
  reshape: () => tf.reshape(x1(), [2, 2]),
  squeeze: () => tf.squeeze(tf.tensor([1, 2, 3, 4], [1, 1, 4])),
  pad: () => [tf.pad(x1(), [[1, 2]]), tf.mirrorPad(x1(), [[1, 2]], "symmetric")],
  batchToSpaceND: () =>
    tf.batchToSpaceND(
      tf.tensor4d([1, 2, 3, 4], [4, 1, 1, 1]),
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  spaceToBatchND: () =>
    tf.spaceToBatchND(
      tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]),
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  depthToSpace: () => tf.depthToSpace(tf.tensor4d([1, 2, 3, 4], [1, 1, 1, 4]), 2, "NHWC"),
  gather: () => [
    tf.gather(x1(), tf.tensor1d([1, 3, 3], "int32")),
    tf.gather(x2(), tf.tensor1d([1, 1, 0], "int32")),
    tf.gather(ints(), tf.scalar(1, "int32")),
  ],
  gatherND: () =>
    tf.gatherND(tf.tensor2d([9, 10, 11, 12], [2, 2]), tf.tensor2d([0, 1, 1, 0], [2, 2], "int32")),
  scatterND: () =>
    tf.scatterND(tf.tensor2d([4, 3, 1, 7], [4, 1], "int32"), tf.tensor1d([9, 10, 11, 12]), [8]),
  slice: () => [tf.slice(x1(), [2]), tf.slice(x2(), [0, 1], [2, 2])],
  split: () => tf.split(tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]), 2, 1),
  stack: () => tf.stack([x1(), x1()], 1),
  unstack: () => tf.unstack(x2()),
  concat: () => [tf.concat([x1(), x1()]), tf.concat([x2(), x2()], 1)],
  tile: () => [
    tf.tile(tf.tensor1d([1, 2]), [2]),
    tf.tile(x2(), [1, 2]),
    tf.tile(bools(), [3]),
    tf.tile(ints(), [2]),
  ],
  broadcastTo: () => tf.broadcastTo(tf.tensor2d([1, 2, 3], [1, 3]), [4, 3]),
  reverse: () => [tf.reverse(x1()), tf.reverse(x2(), 1)],
  transpose: () => [
    tf.transpose(x2()),
    tf.transpose(image(), [0, 3, 1, 2]),
    tf.transpose(tf.reshape(bools(), [2, 2])),
  ],
  add: () => [tf.add(x1(), 5), tf.add(x2(), tf.tensor1d([1, 2, 3])), tf.addN([x1(), x1()])],
  div: () => [
    tf.div(x1(), tf.tensor1d([1, 4, 9, 16])),
    tf.divNoNan(x1(), tf.tensor1d([1, 0, 2, 0])),
    tf.floorDiv(ints(), tf.scalar(2, "int32")),
  ],
  maximum: () => [
    tf.maximum(x1(), 2),
    tf.minimum(x1(), 2),
    tf.mod(x1(), 3),
    tf.pow(x1(), 2),
    tf.squaredDifference(x1(), 2),
  ],
  basic: () =>
    [
      tf.abs,
      tf.ceil,
      tf.cos,
      tf.elu,
      tf.erf,
      tf.exp,
      tf.expm1,
      tf.floor,
      tf.leakyRelu,
      tf.log1p,
      tf.neg,
      tf.reciprocal,
      tf.relu,
      tf.relu6,
      tf.round,
      tf.rsqrt,
      tf.selu,
      tf.sigmoid,
      tf.sign,
      tf.sin,
      tf.softplus,
      tf.sqrt,
      tf.square,
      tf.step,
      tf.tan,
      tf.tanh,
    ].map((fn) => (fn as (x: tf.Tensor) => tf.Tensor)(x1())),
  isFinite: () =>
    [tf.isFinite, tf.isInf, tf.isNaN].map((fn) =>
      fn(tf.tensor1d([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1])),
    ),
  clipByValue: () => tf.clipByValue(tf.tensor1d([-1, 2, -3, 4]), -2, 3),
  dot: () => [tf.dot(x1(), x1()), tf.outerProduct(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]))],
  matMul: () => [
    tf.matMul(x2(), tf.transpose(x2())),
    tf.matMul(x2(), x2(), false, true),
    tf.matMul(x2(), x2(), true, false),
    tf.matMul(tf.ones([2, 3, 4]), tf.ones([2, 5, 4]), false, true),
  ],
  norm: () => tf.norm(x1()),
  conv1d: () => tf.conv1d(series(), tf.ones([3, 2, 4]), 1, "same"),
  conv2d: () => [
    tf.conv2d(image(), filter(), 1, "same"),
    tf.conv2d(image(), filter(), 2, "valid"),
    tf.conv2d(image(), filter(), 1, "same", "NHWC", 2),
  ],
  conv2dTranspose: () =>
    tf.conv2dTranspose(tf.ones<tf.Rank.R4>([1, 3, 3, 4]), filter(), [1, 6, 6, 3], 2, "same"),
  depthwiseConv2d: () => tf.depthwiseConv2d(image(), tf.ones([3, 3, 3, 2]), 1, "same"),
  separableConv2d: () => tf.separableConv2d(image(), tf.ones([3, 3, 3, 1]), tf.ones([1, 1, 3, 2]), 1, "same"),
  pool: () => [
    tf.maxPool(image(), 2, 2, "same"),
    tf.avgPool(image(), 3, 1, "same"),
    tf.pool(image(), [2, 2], "max", "same", [1, 1], 1),
  ],
  batchNorm: () => tf.batchNorm(image(), tf.ones([3]), tf.ones([3]), tf.zeros([3]), tf.ones([3]), 0.001),
  softmax: () => [tf.softmax(x1()), tf.logSoftmax(x2()), tf.logSumExp(x2(), 1)],
  reduce: () => [
    tf.sum(x1()),
    tf.sum(x2(), 1),
    tf.sum(x2(), 0),
    tf.sum(image(), [0, 2]),
    tf.sum(image(), [1, 2], true),
    tf.sum(bools()),
    tf.sum(ints()),
    tf.mean(x2(), 1),
    tf.max(x2(), 1),
    tf.min(x2()),
    tf.prod(x1()),
    tf.all(bools()),
    tf.any(bools()),
    tf.argMax(x2(), 1),
    tf.argMin(x2(), 0),
  ],
  cumsum: () => [tf.cumsum(x1()), tf.cumsum(x2(), 1, true, true)],
  moments: () => {
    const { mean, variance } = tf.moments(x2(), 0);
    return [mean, variance];
  },
  topk: () => {
    const { values, indices } = tf.topk(tf.tensor2d([1, 5, 4, 3], [2, 2]), 1);
    return [values, indices];
  },
  where: () => tf.where(bools(), x1(), tf.zeros([4])),
  comparisons: () => [
    tf.equal(x1(), 2),
    tf.greater(x1(), 2),
    tf.lessEqual(x1(), 2),
    tf.logicalNot(bools()),
    tf.logicalAnd(bools(), bools()),
  ],
  image: () => [
    tf.image.resizeBilinear<tf.Tensor4D>(image(), [3, 3]),
    tf.image.resizeNearestNeighbor<tf.Tensor4D>(image(), [9, 9]),
    tf.image.flipLeftRight(image()),
  ],
  stridedSlice: () => tf.stridedSlice(x2(), [0, 0], [2, 3], [1, 2]),
  localResponseNormalization: () => tf.localResponseNormalization<tf.Tensor4D>(image()),
  oneD: () => [tf.linspace(0, 9, 10), tf.range(0, 9, 2), tf.fill([2, 2], 4), tf.zerosLike(x2())],
  gradients: () => [
    tf.grad((x: tf.Tensor) => tf.square(x))(x1()),
    ...tf.grads((a, b) => tf.mul(a!, tf.exp(b!)))([x1(), x1()]),
    tf.grad((x: tf.Tensor) =>
      tf.maxPool(tf.relu(tf.conv2d(x as tf.Tensor4D, filter(), 1, "same")), 2, 2, "valid"),
    )(image()),
    tf.grad((x: tf.Tensor) => tf.softmax(tf.matMul(x, tf.transpose(x2()))))(x2()),
    tf.grad((x: tf.Tensor) =>
      tf.mean(tf.batchNorm(x as tf.Tensor4D, tf.ones([3]), tf.ones([3]), tf.zeros([3]), tf.fill([3], 2))),
    )(image()),
  ],
};

function run(example: Example) {
  return tf.tidy(() => {
    const ys = [example()].flat();
    return {
      values: ys.map(({ shape, dtype }) => ({ shape, dtype })),
      data: ys.map((y) => [...y.dataSync()]),
    };
  }) as unknown as { values: object[]; data: number[][] };
}

for (const [name, example] of Object.entries(examples)) {
  test(`tf's ${name} gives with our kernels what it gives without`, () => {
    uninstallKernels();
    const want = run(example);
    installKernels();
    const got = run(example);
    assert.equal(got.values, want.values);
    // Sums may be added up in another order.
    want.data.forEach((values, i) =>
      values.forEach((w, k) => {
        const g = got.data[i]![k]!;
        assert.ok(
          Object.is(g, w) || Math.abs(g - w) <= 1e-5 * Math.max(1, Math.abs(w)),
          `${name} ${i}: ${k} is ${g}, was ${w}`,
        );
      }),
    );
  });
}

test("a model is fitted, evaluated, saved and predicts with our kernels as without", async () => {
  const results: number[][] = [];
  for (const install of [false, true]) {
    if (install) installKernels();
    else uninstallKernels();
    const seed = (n: number) => ({ kernelInitializer: tf.initializers.glorotUniform({ seed: n }) });
    const model = tf.sequential({
      layers: [
        tf.layers.embedding({
          inputDim: 10,
          outputDim: 4,
          inputLength: 6,
          embeddingsInitializer: tf.initializers.randomUniform({ minval: -1, maxval: 1, seed: 9 }),
        }),
        tf.layers.lstm({
          units: 5,
          ...seed(1),
          recurrentInitializer: tf.initializers.glorotUniform({ seed: 2 }),
        }),
        tf.layers.layerNormalization(),
        tf.layers.dense({ units: 3, activation: "softmax", ...seed(3) }),
      ],
    });
    // The gradient of gather throws on stock wasm: only what comes behind the embedding learns.
    model.layers[0]!.trainable = false;
    model.compile({ optimizer: tf.train.adam(0.05), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
    const x = tf.tidy(() => tf.floor(tf.mul(tf.abs(tf.sin(tf.reshape(tf.range(0, 48), [8, 6]))), 9.9)));
    const y = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2, 0, 1], "int32"), 3);
    const { history } = await model.fit(x, y, { epochs: 4, batchSize: 4, shuffle: false, verbose: 0 });
    const evaluated = model.evaluate(x, y) as tf.Scalar[];
    const predicted = model.predict(x) as tf.Tensor;
    results.push([
      ...(history.loss as number[]),
      ...evaluated.map((s) => s.dataSync()[0]!),
      ...predicted.dataSync(),
    ]);
    tf.dispose([x, y, predicted, ...evaluated]);
    model.dispose();
  }
  results[0]!.forEach((want, i) =>
    assert.ok(Math.abs(want - results[1]![i]!) < 1e-4, `${i}: ${results[1]![i]} ${want}`),
  );
});

test.run();
