import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NonFiniteError } from "../../src/errors.js";
import { assertFinite, isNotFinite, toFloatX } from "../../src/ops/index.js";
import { backends, withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";

for (const { backend, use } of backends) {
  test(`isNotFinite is true for NaN and both infinities only, and never for int32 and bool (${backend})`, async () => {
    await use();
    withoutLeak(() =>
      tf.tidy(() => {
        const x = tf.tensor1d([
          0,
          Number.NaN,
          3.4e38,
          Number.POSITIVE_INFINITY,
          -0,
          Number.NEGATIVE_INFINITY,
          1e-45,
        ]);
        const mask = isNotFinite(x);
        assert.is(mask.dtype, "bool");
        assert.equal([...mask.dataSync()], [0, 1, 0, 1, 0, 1, 0]);
        // The bits of 0x7f800000 are an infinity in float32 and an ordinary number in int32.
        assert.equal([...isNotFinite(tf.tensor1d([0x7f800000], "int32")).dataSync()], [0]);
        assert.equal([...isNotFinite(tf.tensor1d([true, false], "bool")).dataSync()], [0, 0]);
      }),
    );
  });

  test(`assertFinite returns x itself, or names the first offender, its value and how many there are (${backend})`, async () => {
    await use();
    withoutLeak(() => {
      const good = tf.ones([2, 2]);
      assert.is(assertFinite(good), good);
      const bad = tf.tensor2d([1, 2, 3, Number.NEGATIVE_INFINITY, Number.NaN, 6], [2, 3]);
      throws(
        () => assertFinite(bad, "relevance"),
        NonFiniteError,
        "relevance: expected finite numbers, got 2 of 6 that are not; the first is -Infinity at [1, 0]",
      );
      tf.dispose([good, bad]);
    });
  });
}

test("toFloatX casts int32 and bool, and returns float32 as it is", () => {
  tf.tidy(() => {
    const x = tf.ones([2]);
    assert.is(toFloatX(x), x);
    assert.is(toFloatX(tf.tensor1d([1, 2], "int32")).dtype, "float32");
    assert.equal([...toFloatX(tf.tensor1d([true], "bool")).dataSync()], [1]);
  });
});

test.run();
