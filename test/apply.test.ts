import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { apply } from "../src/apply.js";
import { broadcastNpTensorsToKerasTensors } from "../src/broadcast.js";
import { ArgumentError, DisposedError, ShapeError } from "../src/errors.js";
import { withoutLeak } from "./support/backends.js";
import { throws } from "./support/throws.js";

await tf.setBackend("cpu");
const l = tf.layers;

test("apply takes a tensor or a list and gives a list, eager and symbolic", () => {
  const x = tf.tensor2d([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  assert.equal(
    apply(l.dropout({ rate: 0.5 }), x).map((y) => y.shape),
    [[3, 2]],
  );
  assert.equal(
    apply(l.activation({ activation: "linear" }), [x]).map((y) => [...y.dataSync()]),
    [[1, 2, 3, 4, 5, 6]],
  );
  assert.equal([...apply(l.add(), [x, x])[0]!.dataSync()], [2, 4, 6, 8, 10, 12]);
  const [a, b] = [tf.input({ shape: [2] }), tf.input({ shape: [2] })];
  assert.equal(
    apply(l.concatenate(), [a, b]).map((y) => y.shape),
    [[null, 4]],
  );
  const sequence = tf.input({ shape: [3, 2] });
  const states = apply(l.lstm({ units: 2, returnState: true }), sequence);
  assert.is(states.length, 3);
  assert.is(apply(l.simpleRNN({ units: 2 }), [sequence, a]).length, 1);
  const two = tf.model({ inputs: [a, b], outputs: [l.add().apply([a, b]) as tf.SymbolicTensor, a] });
  assert.is(apply(two, [x, x]).length, 2);
});

test("apply refuses several tensors for a layer that takes one, none, mixtures and what is no tensor", () => {
  const x = tf.ones([1, 2]);
  for (const layer of [
    l.dense({ units: 1, name: "one" }),
    l.flatten({ name: "one" }),
    l.activation({ activation: "relu", name: "one" }),
  ]) {
    withoutLeak(() =>
      throws(
        () => apply(layer, [x, x]),
        ArgumentError,
        `apply: layer "one" (${layer.getClassName()}) takes a single tensor, got 2`,
      ),
    );
  }
  const input = tf.input({ shape: [2] });
  const model = tf.model({
    inputs: input,
    outputs: l.dense({ units: 1 }).apply(input) as tf.SymbolicTensor,
    name: "m",
  });
  throws(
    () => apply(model, [x, x]),
    ArgumentError,
    /^apply: layer "m" \(\w+\) takes a single tensor, got 2$/,
  );
  const add = l.add({ name: "add" });
  throws(
    () => apply(add, []),
    ArgumentError,
    'apply: expected at least one tensor for layer "add" (Add), got none',
  );
  throws(
    () => apply<tf.Tensor | tf.SymbolicTensor>(add, [x, input]),
    ArgumentError,
    'apply: expected tensors or symbolic tensors for layer "add" (Add), got 1 of the one and 1 of the other',
  );
  throws(
    () => apply(add, [3 as never]),
    ArgumentError,
    'apply: expected tensors for layer "add" (Add), got 3',
  );
  throws(() => apply({} as never, x), ArgumentError, "apply: expected a layer, got an object of Object");
  throws(() => apply(add, x), ArgumentError, 'apply: layer "add" (Add) takes at least two tensors, got 1');
  const gone = tf.layers.dense({ units: 1, name: "gone" });
  gone.apply(x);
  gone.dispose();
  throws(() => apply(gone, x), DisposedError, 'apply: layer "gone" (Dense) is disposed');
});

test("a layer of no known class takes what it says, or anything", () => {
  class Sum extends l.Layer {
    static readonly className = "ApplySum";
    override call(xs: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.addN([xs].flat());
    }
  }
  const x = tf.ones([1, 2]);
  assert.equal([...apply(new Sum({}), [x, x, x])[0]!.dataSync()], [3, 3]);
});

const inputs = () => [tf.input({ shape: [2, 3] }), tf.input({ shape: [3] })];
const read = (array: { shape: readonly number[] }) =>
  array instanceof tf.Tensor ? [...array.dataSync()] : [...(array as unknown as { data: Float32Array }).data];

test("one array goes to every shape, with unknown dimensions as 1", () => {
  const arrays = broadcastNpTensorsToKerasTensors(inputs(), 5);
  assert.equal(
    arrays.map((a) => a.shape),
    [
      [1, 2, 3],
      [1, 3],
    ],
  );
  assert.equal(arrays.map(read), [Array(6).fill(5), [5, 5, 5]]);
  const row = broadcastNpTensorsToKerasTensors(inputs(), {
    data: Int32Array.of(1, 2, 3),
    shape: [3],
    dtype: "int32",
  });
  assert.equal(row.map(read), [
    [1, 2, 3, 1, 2, 3],
    [1, 2, 3],
  ]);
  assert.equal(
    row.map((a) => a.dtype),
    ["int32", "int32"],
  );
});

test("a list has one array for each; numbers in lists, arrays and tensors can be mixed; a tensor gives a tensor", () => {
  const x = tf.tensor2d([[1], [2]]);
  const [a, b] = broadcastNpTensorsToKerasTensors(inputs(), [x, [7, 8, 9]]);
  assert.instance(a, tf.Tensor);
  assert.equal([a!, b!].map(read), [
    [1, 1, 1, 2, 2, 2],
    [7, 8, 9],
  ]);
  assert.is(b instanceof tf.Tensor, false);
  // A bare symbolic tensor takes numbers in lists as one array.
  assert.equal(broadcastNpTensorsToKerasTensors(inputs()[1]!, [7, 8, 9]).map(read), [[7, 8, 9]]);
  assert.equal(broadcastNpTensorsToKerasTensors(inputs()[0]!, [[1], [2]]).map(read), [[1, 1, 1, 2, 2, 2]]);
  assert.equal(broadcastNpTensorsToKerasTensors(inputs()[0]!, [x]).map(read), [[1, 1, 1, 2, 2, 2]]);
});

test("broadcasting is numpy's, for every pair of small shapes", () => {
  const sizes = [1, 2, 3];
  for (const from of [[], [1], [3], [2, 3], [2, 1], [1, 3], [1, 2, 3]]) {
    for (const h of sizes) {
      const size = from.reduce((p, n) => p * n, 1);
      const data = Float32Array.from({ length: size }, (_, i) => i + 1);
      const target = tf.input({ shape: [h, 3] });
      const fits = from.every((n, i) => n === 1 || n === [1, h, 3][3 - from.length + i]);
      const run = () => broadcastNpTensorsToKerasTensors(target, { data, shape: from, dtype: "float32" });
      if (!fits) throws(run, ShapeError, /does not broadcast to \[1, \d, 3\]/);
      else {
        const want = tf.tidy(() => [...tf.broadcastTo(tf.tensor(data, from), [1, h, 3]).dataSync()]);
        assert.equal(read(run()[0]!), want);
      }
    }
  }
});

test("another length, shapes that do not fit and what is no array are refused, and nothing stays", () => {
  const who = "broadcastNpTensorsToKerasTensors: ";
  const x = tf.zeros([4]);
  withoutLeak(() => {
    throws(
      () => broadcastNpTensorsToKerasTensors(inputs(), [1]),
      ArgumentError,
      `${who}expected one array for each of 2 kerasTensors, got 1`,
    );
    throws(
      () => broadcastNpTensorsToKerasTensors(inputs(), [1, 2, 3]),
      ArgumentError,
      `${who}expected one array for each of 2 kerasTensors, got 3`,
    );
    const [first] = inputs();
    throws(
      () => broadcastNpTensorsToKerasTensors([first!], [x]),
      ShapeError,
      `${who}npTensors[0] of shape [4] does not broadcast to [1, 2, 3], the shape of "${first!.name}"`,
    );
    throws(
      () => broadcastNpTensorsToKerasTensors(first!, [[1, 2], [3]]),
      ArgumentError,
      `${who}npTensors: expected a number, lists of numbers of equal length, an NdArray or a tf.Tensor`,
    );
    throws(
      () => broadcastNpTensorsToKerasTensors(first!, "x" as never),
      ArgumentError,
      /^broadcastNpTensorsToKerasTensors: expected npTensors to be a Float32Array/,
    );
    throws(
      () => broadcastNpTensorsToKerasTensors([x as never], 1),
      ArgumentError,
      /expected symbolic tensors, got/,
    );
  });
});

test.run();
