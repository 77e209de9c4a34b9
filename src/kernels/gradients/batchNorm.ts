import * as tf from "@tensorflow/tfjs";
import { gradientOf, stockGradient } from "./registry.js";

/**
 * tf.batchNorm for its input: dx = dy scale / sqrt(variance + epsilon), with one pass over dy. (tfjs makes tensors of x's
 * size for the other inputs' gradients whether they are wanted or not.)
 */
export const batchNorm = gradientOf<{ varianceEpsilon: number }>(
  "FusedBatchNorm",
  { inputsToSave: ["x", "mean", "variance", "scale"] },
  (dy, saved, attributes) => {
    const [, , variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor | undefined];
    const others = (name: string) => () => {
      const gradients = stockGradient("FusedBatchNorm", dy, saved, attributes);
      return (gradients[name] as () => tf.Tensor)();
    };
    return {
      x: () => {
        const slope = tf.rsqrt(tf.add(variance, attributes.varianceEpsilon));
        return tf.mul(dy, scale == null ? slope : tf.mul(slope, scale));
      },
      mean: others("mean"),
      variance: others("variance"),
      scale: others("scale"),
      offset: others("offset"),
    };
  },
);
