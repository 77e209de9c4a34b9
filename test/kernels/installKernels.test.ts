import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KernelLoadError } from "../../src/errors.js";
import { installKernels, uninstallKernels } from "../../src/kernels/index.js";
import { extractConv2dPatches } from "../../src/ops/index.js";
import { randomArray } from "../support/arrays.js";
import "../support/backends.js";
import { throws } from "../support/throws.js";

test("installKernels wants the wasm backend", async () => {
  await tf.setBackend("cpu");
  throws(
    installKernels,
    KernelLoadError,
    'installKernels: expected the wasm backend, got cpu: import "@tensorflow/tfjs-backend-wasm", then await tf.setBackend("wasm")',
  );
});

test("installing twice is harmless, and uninstalling restores exactly what was there", async () => {
  await tf.setBackend("wasm");
  const registry = () =>
    tf.getKernelsForBackend("wasm").map(({ kernelName, kernelFunc }) => ({ kernelName, kernelFunc }));
  const byName = (a: { kernelName: string }, b: { kernelName: string }) =>
    a.kernelName.localeCompare(b.kernelName);
  const before = registry().sort(byName);
  const original = tf.getKernel("IsFinite", "wasm").kernelFunc;
  installKernels();
  installKernels();
  assert.is.not(tf.getKernel("IsFinite", "wasm").kernelFunc, original);
  // A gradient that keeps a flipped filter, for which disposals are watched.
  tf.tidy(() =>
    tf.conv2dTranspose(
      tf.ones<tf.Rank.R4>([1, 3, 3, 8]),
      tf.ones<tf.Rank.R4>([3, 3, 8, 8]),
      [1, 3, 3, 8],
      1,
      "same",
    ),
  );
  assert.ok(Object.hasOwn(tf.backend(), "disposeData"));
  uninstallKernels();
  uninstallKernels();
  assert.not.ok(Object.hasOwn(tf.backend(), "disposeData"));
  const after = registry().sort(byName);
  assert.is(after.length, before.length);
  after.forEach((kernel, i) => assert.is(kernel.kernelFunc, before[i]!.kernelFunc));
});

test("with our kernels a convolution has a filter gradient on wasm, as on cpu", async () => {
  const options = [
    { shape: [2, 7, 6, 3], filter: [3, 3, 3, 4], strides: 1, pad: "same" },
    { shape: [1, 9, 9, 2], filter: [3, 2, 2, 5], strides: 2, pad: "same" },
    { shape: [3, 8, 8, 1], filter: [5, 5, 1, 2], strides: 3, pad: "valid" },
  ] as const;
  const results: Float32Array[][] = [];
  for (const backend of ["cpu", "wasm"]) {
    await tf.setBackend(backend);
    if (backend === "wasm") installKernels();
    results.push(
      options.map(({ shape, filter, strides, pad }) =>
        tf.tidy(() => {
          const x = tf.tensor4d(randomArray(shape, "float32", 1).data, [...shape]);
          const w = tf.tensor4d(randomArray(filter, "float32", 2).data, [...filter]);
          const dw = tf.grad((k: tf.Tensor) => tf.square(tf.conv2d(x, k as tf.Tensor4D, strides, pad)))(w);
          assert.equal(dw.shape, [...filter]);
          return dw.dataSync() as Float32Array;
        }),
      ),
    );
  }
  const [cpu, wasm] = results as [Float32Array[], Float32Array[]];
  // Different orders of summation: float32 rounding of sums of some hundred terms.
  cpu.forEach((want, i) => {
    const scale = Math.max(...want.map(Math.abs));
    want.forEach((v, j) => assert.ok(Math.abs(v - wasm[i]![j]!) <= 1e-5 * scale));
  });
});

test("calls of our kernels leave nothing in the backend, scratch included", async () => {
  await tf.setBackend("wasm");
  installKernels();
  const x = tf.ones<tf.Rank.R4>([2, 16, 16, 3]);
  const call = () => extractConv2dPatches(x, [3, 3], [1, 1], [1, 1], "same").dispose();
  call();
  const held = () => [
    tf.memory().numTensors,
    tf.memory().numDataBuffers,
    (tf.backend() as tf.KernelBackend).numDataIds(),
  ];
  const before = held();
  for (let i = 0; i < 1000; i++) call();
  assert.equal(held(), before);
  x.dispose();
});

test("a small convolutional network trains on wasm, with the losses of cpu", async () => {
  const losses: number[][] = [];
  for (const backend of ["cpu", "wasm"]) {
    await tf.setBackend(backend);
    if (backend === "wasm") installKernels();
    const init = (seed: number) => tf.initializers.glorotUniform({ seed });
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          filters: 4,
          kernelSize: 3,
          activation: "relu",
          inputShape: [8, 8, 1],
          kernelInitializer: init(1),
        }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2, activation: "softmax", kernelInitializer: init(2) }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: "categoricalCrossentropy" });
    const x = tf.tensor4d(
      randomArray([16, 8, 8, 1], "float32", 5).data.map((v) => v / 8),
      [16, 8, 8, 1],
    );
    const y = tf.oneHot(
      tf.tensor1d(
        [...Array(16).keys()].map((i) => i % 2),
        "int32",
      ),
      2,
    );
    const { history } = await model.fit(x, y, { epochs: 5, shuffle: false, verbose: 0 });
    losses.push(history.loss as number[]);
    tf.dispose([x, y]);
    model.dispose();
  }
  const [cpu, wasm] = losses as [number[], number[]];
  cpu.forEach((loss, i) => assert.ok(Math.abs(loss - wasm[i]!) < 1e-4, `${loss} ${wasm[i]}`));
  assert.ok(wasm[4]! < wasm[0]!);
});

test.run();
