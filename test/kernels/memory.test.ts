import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OutOfMemoryError } from "../../src/errors.js";
import { init } from "../../src/kernels/index.js";

await init();

const backend = tf.backend() as unknown as tf.KernelBackend & {
  wasm: { asm: { memory: WebAssembly.Memory } };
};
const held = () => [tf.memory().numTensors, tf.memory().numDataBuffers, backend.numDataIds()];

const x = tf.ones<tf.Rank.R4>([1, 6, 6, 4]);
const w = tf.ones<tf.Rank.R4>([3, 3, 4, 4]);
const v = tf.ones<tf.Rank.R4>([3, 3, 4, 1]);
const volume = tf.ones<tf.Rank.R5>([1, 2, 3, 2, 2]);
const cube = tf.ones<tf.Rank.R5>([2, 2, 2, 2, 2]);
const slopes = tf.ones([6, 1, 1]);
const small = tf.ones([4, 4]);
const picks = tf.tensor1d([0, 1], "int32");
const tuples = tf.tensor2d([0, 1], [1, 2], "int32");
const gradient = (fn: (t: tf.Tensor) => tf.Tensor, at: tf.Tensor) => () =>
  tf.tidy(() => void tf.grad(fn)(at));

const calls: Record<string, () => void> = {
  gather: () => tf.gather(small, picks).dispose(),
  gatherND: () => tf.gatherND(small, tuples).dispose(),
  tile: () => tf.tile(small, [2, 3]).dispose(),
  transpose: () => tf.transpose(x, [3, 1, 0, 2]).dispose(),
  clone: () => tf.clone(small).dispose(),
  sum: () => tf.sum(x, [0, 1]).dispose(),
  isFinite: () => tf.isFinite(small).dispose(),
  isNaN: () => tf.isNaN(small).dispose(),
  isInf: () => tf.isInf(small).dispose(),
  "matMul, b transposed": () => tf.matMul(small, small, false, true).dispose(),
  "matMul, a transposed": () => tf.matMul(small, small, true, false).dispose(),
  unsortedSegmentSum: () => tf.unsortedSegmentSum(small, segments, 2).dispose(),
  einsum: () => tf.einsum("ij,jk->ki", small, small).dispose(),
  "gradient of gather": gradient((t) => tf.gather(t, picks), small),
  "gradient of gatherND": gradient((t) => tf.gatherND(t, tuples), small),
  "gradient of conv2d for x": gradient((t) => tf.conv2d(t as tf.Tensor4D, w, 1, "same"), x),
  "gradient of conv2d for x, strides": gradient((t) => tf.conv2d(t as tf.Tensor4D, w, 2, "same"), x),
  "gradient of conv2d for w": gradient((t) => tf.conv2d(x, t as tf.Tensor4D, 1, "same"), w),
  "gradient of depthwiseConv2d for x": gradient((t) => tf.depthwiseConv2d(t as tf.Tensor4D, v, 1, "same"), x),
  "gradient of depthwiseConv2d for w": gradient((t) => tf.depthwiseConv2d(x, t as tf.Tensor4D, 1, "same"), v),
  "gradient of maxPool": gradient((t) => tf.maxPool(t as tf.Tensor4D, 2, 2, "same"), x),
  "gradient of avgPool": gradient((t) => tf.avgPool(t as tf.Tensor4D, 2, 2, "same"), x),
  "gradient of conv3d for x": gradient((t) => tf.conv3d(t as tf.Tensor5D, cube, 1, "same"), volume),
  "gradient of conv3d for w": gradient((t) => tf.conv3d(volume, t as tf.Tensor5D, 1, "same"), cube),
  "gradient of maxPool3d": gradient((t) => tf.maxPool3d(t as tf.Tensor5D, 2, 1, "same"), volume),
  "gradient of avgPool3d": gradient((t) => tf.avgPool3d(t as tf.Tensor5D, 2, 1, "same"), volume),
  prelu: () => tf.prelu(x, slopes).dispose(),
  "gradient of relu": gradient((t) => tf.relu(t), x),
};
const segments = tf.tensor1d([0, 1, 1, 0], "int32");

for (const [name, call] of Object.entries(calls)) {
  test(`10,000 calls of ${name} leave nothing`, () => {
    for (let i = 0; i < 100; i++) call();
    const before = held();
    const { byteLength } = backend.wasm.asm.memory.buffer;
    for (let i = 0; i < 10_000; i++) call();
    assert.equal(held(), before);
    assert.is(backend.wasm.asm.memory.buffer.byteLength, byteLength);
  });
}

test("memory past 2 GB is read and written, and what does not fit into 4 GB is an error that spoils nothing", () => {
  const before = held();
  // 2.4 GB of bool, and a tensor behind them.
  const low = tf.zeros([1_200_000_000], "bool");
  const high = tf.zeros([1_200_000_000], "bool");
  const offset = (t: tf.Tensor) =>
    (backend as unknown as { dataIdMap: { get(id: object): { memoryOffset: number } } }).dataIdMap.get(
      t.dataId,
    ).memoryOffset;
  tf.tidy(() => {
    const far = tf.tile(tf.tensor2d([1, 2, 3, 4], [2, 2]), [2, 400_000]);
    assert.ok(offset(far) > 2 ** 31, `${offset(far)}`);
    assert.equal(
      [...tf.slice(tf.gather(far, tf.tensor1d([1], "int32")), [0, 799_998], [1, 2]).dataSync()],
      [3, 4],
    );
    assert.is(tf.sum(far).dataSync()[0], 10 * 800_000);
    const big = tf.ones([40_000, 100]);
    const known = tf.tensor1d([1, 2, 3]);
    assert.throws(
      () => tf.tile(big, [200, 1]),
      (error: unknown) =>
        error instanceof OutOfMemoryError &&
        /no memory for a tensor of shape \[8000000, 100\]/.test(error.message),
    );
    assert.equal([...known.dataSync()], [1, 2, 3]);
    assert.is(tf.sum(big).dataSync()[0], 4_000_000);
    assert.equal([...tf.exp(tf.tensor1d([0])).dataSync()], [1]);
  });
  tf.dispose([low, high]);
  assert.equal(held(), before);
});

test.run();
