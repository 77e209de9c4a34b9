import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, loadCore, ShapeError } from "../../src/core/index.js";
import { extractConv2dPatches } from "../../src/ops/index.js";
import { randomArray } from "../support/arrays.js";
import { backends, withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";

type Pair = [number, number];
interface Case {
  shape: [number, number, number, number];
  kernelShape: Pair;
  strides: Pair;
  rates: Pair;
  padding: "same" | "valid";
}
const cases: Case[] = [
  { shape: [2, 5, 6, 3], kernelShape: [3, 3], strides: [1, 1], rates: [1, 1], padding: "same" },
  { shape: [1, 7, 7, 2], kernelShape: [3, 2], strides: [2, 3], rates: [1, 1], padding: "same" },
  { shape: [1, 8, 7, 2], kernelShape: [2, 2], strides: [3, 2], rates: [2, 3], padding: "valid" },
  { shape: [3, 6, 5, 1], kernelShape: [5, 5], strides: [1, 1], rates: [1, 2], padding: "same" },
  { shape: [1, 9, 9, 1], kernelShape: [1, 1], strides: [4, 4], rates: [1, 1], padding: "same" },
  { shape: [1, 4, 4, 2], kernelShape: [4, 4], strides: [1, 1], rates: [1, 1], padding: "valid" },
];
const core = await loadCore();

for (const { backend, use } of backends) {
  test(`extractConv2dPatches and its gradient are the core's extractPatches and foldPatches (${backend})`, async () => {
    await use();
    for (const { shape, ...windows } of cases) {
      const { kernelShape, strides, rates, padding } = windows;
      const x = randomArray(shape, "float32", 1);
      const want = core.extractPatches(x, windows);
      const p = randomArray(want.shape, "float32", 2);
      withoutLeak(() =>
        tf.tidy(() => {
          const op = (t: tf.Tensor) =>
            extractConv2dPatches(t, kernelShape, strides, rates, padding.toUpperCase());
          const got = op(tf.tensor(x.data, shape));
          assert.equal(got.shape, want.shape);
          assert.equal(got.dataSync(), want.data);
          const gradient = tf.grad(op)(tf.tensor(x.data, shape), tf.tensor(p.data, want.shape as number[]));
          assert.equal(gradient.shape, shape);
          assert.equal(gradient.dataSync(), core.foldPatches(p, { imageShape: shape, ...windows }).data);
        }),
      );
    }
  });

  test(`patches of int32 and bool tensors keep their dtype and values (${backend})`, async () => {
    await use();
    for (const dtype of ["int32", "bool"] as const) {
      const x = randomArray([1, 5, 5, 2], dtype, 3);
      // On cpu and webgl tfjs keeps int32 in 24 bits here and there; small ones are enough for where values go.
      if (dtype === "int32") x.data.set(x.data.map((v) => v % 1000));
      const want = core.extractPatches(x, { kernelShape: [3, 3], strides: [2, 2], padding: "same" });
      tf.tidy(() => {
        const got = extractConv2dPatches(
          tf.tensor(x.data, [1, 5, 5, 2], dtype),
          [3, 3],
          [2, 2],
          [1, 1],
          "same",
        );
        assert.is(got.dtype, dtype);
        assert.equal([...got.dataSync()], [...want.data]);
      });
    }
  });

  test(`a channels-first image gives the same patches, channels last (${backend})`, async () => {
    await use();
    tf.tidy(() => {
      const x = tf.tensor(randomArray([1, 5, 5, 3], "float32", 4).data, [1, 5, 5, 3]);
      const last = extractConv2dPatches(x, [3, 3], [1, 1], [1, 1], "same");
      const first = extractConv2dPatches(
        tf.transpose(x, [0, 3, 1, 2]),
        [3, 3],
        [1, 1],
        [1, 1],
        "same",
        "channelsFirst",
      );
      assert.equal(first.dataSync(), last.dataSync());
    });
  });

  test(`patches times kernel is the convolution, and a kernel larger than the image gives none (${backend})`, async () => {
    await use();
    tf.tidy(() => {
      const x = tf.tensor4d(randomArray([2, 6, 6, 3], "float32", 5).data, [2, 6, 6, 3]);
      const kernel = tf.tensor4d(randomArray([3, 3, 3, 4], "float32", 6).data, [3, 3, 3, 4]);
      const patches = extractConv2dPatches(x, [3, 3], [2, 2], [1, 1], "same");
      const product = tf.matMul(tf.reshape(patches, [18, 27]), tf.reshape(kernel, [27, 4]));
      assert.equal(product.dataSync(), tf.conv2d(x, kernel, 2, "same").dataSync());
      assert.equal(extractConv2dPatches(x, [9, 9], [1, 1], [1, 1], "valid").shape, [2, 0, 0, 243]);
    });
  });

  test(`the gradient has a gradient: patches of a square, twice (${backend})`, async () => {
    await use();
    tf.tidy(() => {
      // y = sum(patches(x)^2) counts x^2 as often as x is read: the first derivative is 2 count x, the second 2 count.
      const first = tf.grad((x: tf.Tensor) =>
        tf.square(extractConv2dPatches(x, [3, 3], [1, 1], [1, 1], "same")),
      );
      const second = tf.grad((x: tf.Tensor) => first(x));
      assert.equal([...second(tf.ones([1, 3, 3, 1])).dataSync()], [8, 12, 8, 12, 18, 12, 8, 12, 8]);
    });
  });
}

test("bad arguments are named", () => {
  tf.tidy(() => {
    const x = tf.zeros([1, 4, 4, 1]);
    throws(
      () => extractConv2dPatches(tf.zeros([4, 4, 1]), [3, 3], [1, 1], [1, 1], "same"),
      ShapeError,
      "extractConv2dPatches: expected x of rank 4, got shape [4, 4, 1]",
    );
    throws(
      () => extractConv2dPatches(x, [3, 0], [1, 1], [1, 1], "same"),
      ArgumentError,
      "extractConv2dPatches: expected kernelShape to be two whole numbers from 1, got [3, 0]",
    );
    throws(
      () => extractConv2dPatches(x, [3, 3], [1, 1], [1, 1], "full"),
      ArgumentError,
      'extractConv2dPatches: expected padding "same" or "valid", got "full"',
    );
    throws(
      () => extractConv2dPatches(x, [3, 3], [1, 1], [1, 1], "same", "NCHW" as "channelsFirst"),
      ArgumentError,
      'extractConv2dPatches: expected dataFormat "channelsLast" or "channelsFirst", got "NCHW"',
    );
  });
});

test.run();
