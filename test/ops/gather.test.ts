import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadCore } from "../../src/core/index.js";
import { ArgumentError, DTypeError, IndexError, ShapeError } from "../../src/errors.js";
import { gather, gatherNd } from "../../src/ops/index.js";
import { randomArray } from "../support/arrays.js";
import { backends, withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";

const core = await loadCore();
const dtypes = ["float32", "int32", "bool"] as const;
const ints = (values: number[], shape: number[]) =>
  ({ data: Int32Array.from(values), shape, dtype: "int32" }) as const;

for (const { backend, use } of backends) {
  test(`gather and its gradient are the core's gather and scatterAdd, for all dtypes (${backend})`, async () => {
    await use();
    for (const [shape, axis, indices] of [
      [[3, 4], 0, ints([2, 0, 2], [3])],
      [[3, 4], -1, ints([3, 0, 0, 1], [2, 2])],
      [[2, 3, 4], 1, ints([1], [])],
      [[5], 0, ints([], [0])],
      [[2, 0, 3], 0, ints([1, 1], [2])],
      [[2, 3, 2, 2], 2, ints([1, 1, 0], [3, 1])],
    ] as const) {
      for (const dtype of dtypes) {
        const x = randomArray([...shape], dtype, 1);
        const want = core.gather(x, indices, { axis });
        withoutLeak(() =>
          tf.tidy(() => {
            const at = tf.tensor(indices.data, [...indices.shape], "int32");
            const got = gather(tf.tensor(x.data, [...shape], dtype), axis, at);
            assert.equal([got.shape, got.dtype], [want.shape, dtype]);
            assert.equal([...got.dataSync()], [...want.data]);
            if (dtype !== "float32" || want.data.length === 0) return;
            const dy = randomArray([...want.shape], "float32", 2);
            const dx = tf.grad((t: tf.Tensor) => gather(t, axis, at))(
              tf.tensor(x.data, [...shape]),
              tf.tensor(dy.data, [...want.shape]),
            );
            const sums = core.scatterAdd(dy, indices, { shape, axis });
            sums.data.forEach((v, i) => assert.ok(Math.abs(v - dx.dataSync()[i]!) < 1e-5));
          }),
        );
      }
    }
  });

  test(`gatherNd and its gradient are the core's gatherNd and scatterNdAdd, for all dtypes and depths (${backend})`, async () => {
    await use();
    for (const [shape, indices] of [
      [[3, 4], ints([2, 3, 0, 1, 2, 3], [3, 2])],
      [[3, 4], ints([2, 0, 2, 2], [2, 2, 1])],
      [[2, 3], ints([], [2, 0])],
      [[2, 3, 2], ints([1, 2, 1], [1, 3])],
      [[2, 3], ints([], [0, 1])],
    ] as const) {
      for (const dtype of dtypes) {
        const x = randomArray([...shape], dtype, 1);
        const want = core.gatherNd(x, indices, {});
        withoutLeak(() =>
          tf.tidy(() => {
            const at = tf.tensor(indices.data, [...indices.shape], "int32");
            const got = gatherNd(tf.tensor(x.data, [...shape], dtype), at);
            assert.equal([got.shape, got.dtype], [want.shape, dtype]);
            assert.equal([...got.dataSync()], [...want.data]);
            if (dtype !== "float32" || want.data.length === 0) return;
            const dy = randomArray([...want.shape], "float32", 2);
            const dx = tf.grad((t: tf.Tensor) => gatherNd(t, at))(
              tf.tensor(x.data, [...shape]),
              tf.tensor(dy.data, [...want.shape]),
            );
            const sums = core.scatterNdAdd(dy, indices, { shape });
            sums.data.forEach((v, i) => assert.ok(Math.abs(v - dx.dataSync()[i]!) < 1e-5));
          }),
        );
      }
    }
  });

  test(`plain arrays are indices too, and the gradient of the gradient is a gather again (${backend})`, async () => {
    await use();
    withoutLeak(() =>
      tf.tidy(() => {
        const x = tf.tensor1d([1, 2, 3]);
        assert.equal([...gather(x, 0, [2, 0]).dataSync()], [3, 1]);
        assert.equal([...gatherNd(x, [[1]]).dataSync()], [2]);
        for (const pick of [
          (t: tf.Tensor) => gather(t, 0, [2, 2]),
          (t: tf.Tensor) => gatherNd(t, [[2], [2]]),
        ]) {
          const cubes = (t: tf.Tensor) => tf.sum(tf.pow(pick(t), 3));
          const slopes = tf.grad((t: tf.Tensor) => tf.sum(tf.grad(cubes)(t)))(x);
          // d^2/dx^2 of 2 x^3 at 3.
          assert.equal([...slopes.dataSync()].map(Math.round), [0, 0, 36]);
        }
      }),
    );
  });

  test(`indices outside, of another kind, and axes that are not there are refused, and nothing stays (${backend})`, async () => {
    await use();
    const x = tf.ones([3, 4]);
    const refused = (call: () => void, type: new (...args: never[]) => Error, message: string) =>
      withoutLeak(() => throws(call, type, message));
    refused(() => gather(x, 1, [0, 4]), IndexError, "gather: indices[1] = 4 is outside [0, 4)");
    refused(() => gather(x, 0, [-1]), IndexError, "gather: indices[0] = -1 is outside [0, 3)");
    refused(
      () =>
        gatherNd(x, [
          [0, 0],
          [2, 4],
        ]),
      IndexError,
      "gatherNd: indices[1] = [2, 4] is outside shape [3, 4]",
    );
    refused(
      () => gather(x, 2, [0]),
      ArgumentError,
      "gather: axis 2 is none of x, which has rank 2 (shape [3, 4])",
    );
    refused(
      () => gather(x, 0, [0.5]),
      DTypeError,
      "gather: expected indices that are whole numbers, got 0.5",
    );
    refused(
      () => gatherNd(x, [[0, 0, 0]]),
      ShapeError,
      "gatherNd: expected the last axis of indices to be at most 2, got 3 (x [3, 4], indices [1, 3])",
    );
    x.dispose();
  });
}

test.run();
