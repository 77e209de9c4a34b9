import * as tf from "@tensorflow/tfjs";

/** Projects each sample by its largest magnitude, into [-1, 1] or another range; a sample of zeros stays. */
export function projected(r: tf.Tensor, range: readonly [number, number] | null): tf.Tensor {
  const axes = Array.from({ length: r.rank - 1 }, (_, i) => i + 1);
  const largest = tf.max(tf.abs(r), axes, true);
  const one = tf.div(r, tf.add(largest, tf.cast(tf.equal(largest, 0), "float32")));
  if (range === null) return one;
  return tf.add(tf.mul(tf.add(one, 1), (range[1] - range[0]) / 2), range[0]);
}
