import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { resample } from "../../src/layers/resample.js";

await tf.setBackend("cpu");

test("cubic resampling is TensorFlow's, which tells distances in steps of 1/1024", () => {
  // tf.image.resize(..., method="bicubic") of TensorFlow 2.21; without the steps the values are off by up to 1e-3.
  const recorded: Record<number, number[]> = {
    7: [
      1.174482822418213, -1.0769641399383545, -0.6617538332939148, 4, 1.3416366577148438, 1.3689013719558716,
      3.145402669906616,
    ],
    3: [-0.0331190824508667, 4, 2.190715789794922],
  };
  for (const [length, want] of Object.entries(recorded)) {
    const y = tf.tidy(() =>
      resample(tf.tensor([1, -2, 4, 0.5, 3], [1, 5, 1, 1]), 1, Number(length), "bicubic"),
    );
    // float32: one part in 10^7 of values up to 4.
    y.dataSync().forEach((value, i) =>
      assert.ok(Math.abs(value - want[i]!) < 1e-6, `${length}: ${value}, ${want[i]}`),
    );
    y.dispose();
  }
});

test.run();
