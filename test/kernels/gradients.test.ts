import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installKernels, uninstallKernels } from "../../src/kernels/index.js";
import { randomArray } from "../support/arrays.js";
import { withoutLeak } from "../support/backends.js";

type Fn = (...xs: tf.Tensor[]) => tf.Tensor;

const random = (shape: number[], seed: number) => tf.tensor(randomArray(shape, "float32", seed).data, shape);

/** Against central differences in a direction; float32, so a few in a thousand. */
function assertSlope(fn: Fn, shapes: number[][], what: string): void {
  withoutLeak(() =>
    tf.tidy(() => {
      const xs = shapes.map((shape, i) => random(shape, i + 1));
      const y = fn(...xs);
      const dy = random(y.shape, 10);
      const gradients = tf.grads(fn)(xs, dy);
      const step = 1e-2;
      xs.forEach((x, i) => {
        const direction = random(x.shape, 20 + i);
        const along = (s: number) =>
          tf.sum(tf.mul(fn(...xs.with(i, tf.add(x, tf.mul(direction, s)))), dy)).dataSync()[0]!;
        const slope = (along(step) - along(-step)) / (2 * step);
        const got = tf.sum(tf.mul(gradients[i]!, direction)).dataSync()[0]!;
        assert.ok(
          Math.abs(got - slope) <= 1e-2 * Math.max(1, Math.abs(slope)),
          `${what}: ${got}, expected ${slope}`,
        );
      });
    }),
  );
}

const indices = (values: number[], shape: number[]) => () => tf.tensor(values, shape, "int32");
const picks = indices([2, 0, 2, 1], [2, 2]);
const tuples = indices([0, 1, 2, 3, 0, 1], [3, 2]);

/** Smooth where they are measured, so that differences are slopes. */
const cases: [what: string, fn: Fn, shapes: number[][]][] = [
  ["gather axis 0", (x) => tf.gather(x!, picks()), [[3, 4]]],
  ["gather axis -1", (x) => tf.gather(x!, picks(), -1), [[2, 5, 3]]],
  ["gather with batchDims", (x) => tf.gather(x!, picks(), 1, 1), [[2, 3, 4]]],
  ["gatherND", (x) => tf.gatherND(x!, tuples()), [[3, 4, 2]]],
  ["tile of rank 5", (x) => tf.tile(x!, [2, 1, 3, 1, 2]), [[1, 2, 2, 1, 3]]],
  ["squaredDifference, broadcast", (a, b) => tf.squaredDifference(a!, b!), [[3, 4], [4]]],
  [
    "mirrorPad reflect",
    (x) =>
      tf.mirrorPad(
        x!,
        [
          [2, 1],
          [0, 2],
        ],
        "reflect",
      ),
    [[3, 4]],
  ],
  [
    "mirrorPad symmetric",
    (x) =>
      tf.mirrorPad(
        x!,
        [
          [2, 1],
          [1, 3],
        ],
        "symmetric",
      ),
    [[3, 4]],
  ],
  ["stridedSlice", (x) => tf.stridedSlice(x!, [1, 4], [3, 0], [1, -2]), [[4, 5]]],
  [
    "stridedSlice that adds and takes axes",
    (x) => tf.stridedSlice(x!, [0, 1, 1], [1, 2, 4], [1, 1, 1], 0, 0, 0, 1, 2),
    [[4, 5]],
  ],
  ["max", (x) => tf.max(x!, 1), [[3, 4]]],
  ["min of all", (x) => tf.min(x!), [[3, 4]]],
  ["div, broadcast", (a, b) => tf.div(a!, tf.add(tf.square(b!), 1)), [[2, 3], [3]]],
  [
    "divNoNan",
    (a, b) => tf.divNoNan(a!, tf.add(tf.square(b!), 1)),
    [
      [2, 3],
      [2, 3],
    ],
  ],
  [
    "batchNorm",
    (x, s) => tf.batchNorm(x as tf.Tensor4D, tf.ones([3]), tf.fill([3], 2), tf.zeros([3]), s as tf.Tensor1D),
    [[2, 2, 2, 3], [3]],
  ],
  [
    "a dilated convolution",
    (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same", "NHWC", 2),
    [
      [1, 6, 5, 3],
      [3, 2, 3, 4],
    ],
  ],
  [
    "a dilated depthwise convolution",
    (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "valid", "NHWC", [2, 3]),
    [
      [1, 7, 8, 3],
      [2, 2, 3, 2],
    ],
  ],
  [
    "attention by einsum",
    (q, k, v) => tf.einsum("bhqk,bkhd->bqhd", tf.softmax(tf.einsum("bqhd,bkhd->bhqk", q!, k!)), v!),
    [
      [1, 3, 2, 4],
      [1, 5, 2, 4],
      [1, 5, 2, 4],
    ],
  ],
];

for (const backend of ["wasm", "cpu"]) {
  for (const [what, fn, shapes] of cases) {
    // Our kernels take dilations; tfjs's on cpu do not, and say so.
    if (backend === "cpu" && what.includes("dilated")) continue;
    test(`the gradient of ${what} is its slope (${backend})`, async () => {
      await tf.setBackend("wasm");
      installKernels();
      await tf.setBackend(backend);
      assertSlope(fn, shapes, what);
    });
  }

  test(`where there is no slope, the gradient is TensorFlow's (${backend})`, async () => {
    await tf.setBackend("wasm");
    installKernels();
    await tf.setBackend(backend);
    const gradient = (fn: Fn, values: number[], dy = values.map(() => 1)) =>
      tf.tidy(() => [
        ...tf
          .grad(fn as (x: tf.Tensor) => tf.Tensor)(tf.tensor1d(values), tf.tensor1d(dy))
          .dataSync(),
      ]);
    assert.equal(
      gradient((x) => tf.abs(x!), [-2, 0, 3]),
      [-1, 0, 1],
    );
    assert.equal(
      gradient((x) => tf.relu(x!), [-1, 0, 1e-40, 2]),
      [0, 0, 1, 1],
    );
    assert.equal(
      gradient((x) => tf.relu6(x!), [-1, 0, 3, 6, 7]),
      [0, 0, 1, 0, 0],
    );
    assert.equal(
      gradient((x) => tf.clipByValue(x!, -1, 1), [-2, -1, 0, 1, 2]),
      [0, 1, 1, 1, 0],
    );
    assert.equal(
      gradient((x) => tf.sqrt(x!), [0, 4], [0, 1]),
      [0, 0.25],
    );
    const max = tf.tidy(() => [
      ...tf
        .grad((x: tf.Tensor) => tf.max(x))(tf.tensor1d([1, 3, 3]), tf.scalar(3))
        .dataSync(),
    ]);
    assert.equal(max, [0, 1.5, 1.5]);
    const quotient = tf.tidy(() => [
      ...tf
        .grad((b: tf.Tensor) => tf.divNoNan(tf.tensor1d([1, 2]), b))(tf.tensor1d([0, 2]))
        .dataSync(),
    ]);
    assert.equal(quotient, [0, -0.5]);
  });
}

test("uninstalling puts tfjs's own gradients back, and takes those away that it lacks", async () => {
  await tf.setBackend("wasm");
  uninstallKernels();
  const names = ["Relu6", "GatherV2", "Tile", "FusedBatchNorm", "Einsum", "GatherNd", "StridedSlice"];
  const before = names.map((name) => tf.getGradient(name));
  installKernels();
  names.forEach((name, i) => assert.is.not(tf.getGradient(name), before[i]));
  uninstallKernels();
  names.forEach((name, i) => assert.is(tf.getGradient(name), before[i]));
});

test.run();
