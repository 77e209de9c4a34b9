import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, GraphError, ShapeError } from "../../src/errors.js";
import { gradients } from "../../src/ops/index.js";
import { backends, withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";

for (const { backend, use } of backends) {
  test(`gradients adds known . dy/dx over the ys, one gradient an x (${backend})`, async () => {
    await use();
    const [a, b] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    const known = [tf.tensor1d([1, 10]), tf.scalar(2)];
    const before = tf.memory().numTensors;
    const got = gradients((x, y) => [tf.mul(x!, y!), tf.sum(tf.square(x!))], [a, b], known);
    assert.is(tf.memory().numTensors, before + 2);
    assert.equal([...got[0]!.dataSync()], [3 + 2 * 2 * 1, 40 + 2 * 2 * 2]);
    assert.equal([...got[1]!.dataSync()], [1, 20]);
  });

  test(`an x that no y depends on is an error, or zeros when asked for; nothing leaks (${backend})`, async () => {
    await use();
    withoutLeak(() => {
      const [a, b] = [tf.tensor1d([1, 2]), tf.zeros([3, 1])];
      const one = tf.ones([2]);
      const scalar = tf.scalar(1);
      withoutLeak(() =>
        throws(
          () => gradients((x) => tf.square(x!), [a, b], one),
          GraphError,
          "gradients: no y depends on xs[1], a tensor of shape [3, 1]",
        ),
      );
      const [da, db] = gradients((x) => tf.square(x!), [a, b], one, { unconnected: "zero" });
      assert.equal([...da!.dataSync()], [2, 4]);
      assert.equal([...db!.dataSync()], [0, 0, 0]);
      withoutLeak(() =>
        throws(
          () => gradients((x) => [x!, x!], a, one),
          ArgumentError,
          "gradients: expected one knownY for each of 2 ys, got 1",
        ),
      );
      withoutLeak(() =>
        throws(
          () => gradients((x) => x!, a, scalar),
          ShapeError,
          "gradients: knownYs[0] has shape [], its y has [2]",
        ),
      );
      tf.dispose([a, b, one, scalar, da!, db!]);
    });
  });
}

test("a gradient that the backend lacks a kernel for leaves nothing behind (tfjs itself leaks there)", async () => {
  await backends[1]!.use();
  const x = tf.ones<tf.Rank.R4>([1, 4, 4, 2]);
  const filter = tf.ones<tf.Rank.R4>([2, 2, 2, 1]);
  const known = tf.ones([1, 3, 3, 2]);
  const f = () => tf.square(tf.depthwiseConv2d(x, filter, 1, "valid"));
  withoutLeak(() =>
    throws(
      () => gradients(f, x, known),
      Error,
      /^Kernel 'DepthwiseConv2dNativeBackpropInput' not registered/,
    ),
  );
  tf.dispose([x, filter, known]);
});

test("an x that is listed twice has its whole gradient twice, in tensors of their own", () => {
  const x = tf.tensor1d([1, 2]);
  const [first, second] = gradients((a) => tf.square(a!), [x, x], tf.onesLike(x)) as [tf.Tensor, tf.Tensor];
  first.dispose();
  assert.equal([...second.dataSync()], [2, 4]);
  tf.dispose([x, second]);
});

test.run();
