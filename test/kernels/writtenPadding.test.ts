import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ShapeError } from "../../src/errors.js";
import { installKernels } from "../../src/kernels/index.js";
import { randomArray } from "../support/arrays.js";
import { withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";

await tf.setBackend("wasm");
installKernels();

type Op = (x: tf.Tensor, filter: tf.Tensor, pad: number | "valid") => tf.Tensor;

/** Convolutions and pooling with windows and strides of their own along either side. */
function operations(kernel: [number, number], strides: [number, number]): Record<string, Op> {
  const even: [number, number] = [Math.max(...strides), Math.max(...strides)];
  const rounding = (pad: number | "valid") => (pad === "valid" ? undefined : "floor");
  return {
    conv2d: (x, filter, pad) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad, "NHWC", 1, rounding(pad)),
    depthwiseConv2d: (x, filter, pad) =>
      tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, even, pad, "NHWC", 1, rounding(pad)),
    maxPool: (x, _, pad) => tf.maxPool(x as tf.Tensor4D, kernel, strides, pad, rounding(pad)),
    avgPool: (x, _, pad) => tf.avgPool(x as tf.Tensor4D, kernel, strides, pad, rounding(pad)),
  };
}

/** Equal to float32's rounding of sums in different orders, relative to the largest value. */
function close(got: tf.Tensor, expected: tf.Tensor, what: string): void {
  const [a, b] = [got.dataSync(), expected.dataSync()] as [Float32Array, Float32Array];
  const largest = b.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  a.forEach((value, i) => assert.ok(Math.abs(value - b[i]!) <= 1e-5 * largest, `${what}: ${value}, ${b[i]}`));
}

const pair = (low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }));

test("padding given as a number is that padding on every side, also of windows that are not square; gradients too", () => {
  const property = fc.property(
    pair(4, 9),
    pair(1, 4),
    pair(1, 3),
    fc.integer({ min: 0, max: 2 }),
    (...drawn) => {
      const [size, kernel, strides, pad] = drawn;
      const shape: [number, number, number, number] = [2, ...size, 3];
      for (const [name, op] of Object.entries(operations(kernel, strides))) {
        // Averages do not count padding, which zeros around the image would be; a maximum may be below zero.
        if (name.endsWith("Pool") && pad > 0) continue;
        withoutLeak(() =>
          tf.tidy(() => {
            const x = tf.tensor4d(randomArray(shape, "float32", 1).data as Float32Array, shape);
            const filterShape: [number, number, number, number] = [...kernel, 3, 2];
            const filter = tf.tensor4d(
              randomArray(filterShape, "float32", 2).data as Float32Array,
              filterShape,
            );
            const around = (y: tf.Tensor) =>
              tf.pad(y, [
                [0, 0],
                [pad, pad],
                [pad, pad],
                [0, 0],
              ]);
            const numbered = (y: tf.Tensor) => op(y, filter, pad);
            const padded = (y: tf.Tensor) => op(around(y), filter, "valid");
            const [got, expected] = [numbered(x), padded(x)];
            assert.equal(got.shape, expected.shape, name);
            close(got, expected, name);
            const [dGot, dExpected] = [numbered, padded].map((f) =>
              tf.grad((y) => tf.sum(tf.square(f(y))))(x),
            ) as [tf.Tensor, tf.Tensor];
            close(dGot, dExpected, `gradient of ${name}`);
          }),
        );
      }
    },
  );
  fc.assert(property, { numRuns: 60 });
});

test("max pooling padded by a number never takes the padding", () => {
  const y = tf.tidy(() => tf.maxPool(tf.fill([1, 3, 5, 1], -2) as tf.Tensor4D, [2, 3], [1, 2], 1, "floor"));
  assert.equal(y.shape, [1, 4, 3, 1]);
  assert.ok(y.dataSync().every((value) => value === -2));
  y.dispose();
});

test("where no window fits there is no output, its gradient is zero, and larger windows still are refused", () => {
  const [x, filter] = [tf.ones([1, 2, 4, 2]), tf.ones([3, 3, 2, 1])];
  const bigger = tf.ones([4, 3, 2, 1]);
  for (const [name, op] of Object.entries(operations([3, 3], [1, 1]))) {
    withoutLeak(() =>
      tf.tidy(() => {
        assert.equal(op(x, filter, "valid").shape.slice(0, 3), [1, 0, 2], name);
        const dx = tf.grad((y: tf.Tensor) => op(y, filter, "valid"))(x);
        assert.ok(dx.dataSync().every((value) => value === 0));
      }),
    );
  }
  for (const op of Object.values(operations([4, 3], [1, 1]))) {
    throws(
      () => op(x, bigger, "valid"),
      ShapeError,
      /: expected windows of at most the padded image's size, got windows of \[4, 3\] over an image of \[2, 4\] with padding "valid"/,
    );
  }
  tf.dispose([x, filter, bigger]);
});

test.run();
