import * as tf from "@tensorflow/tfjs";
import { gradientOf, sumTo } from "./registry.js";

interface MatMulAttributes {
  transposeA: boolean;
  transposeB: boolean;
}

/** Gradients of operations of two tensors that may broadcast, where tfjs forgets to add up over what was broadcast. */
export const broadcasts: readonly tf.GradConfig[] = [
  chosen("Maximum", tf.greaterEqual, tf.less),
  chosen("Minimum", tf.lessEqual, tf.greater),
  gradientOf("SquaredDifference", { inputsToSave: ["a", "b"] }, (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const twice = () => tf.mul(dy, tf.mul(tf.sub(a, b), 2));
    return { a: () => sumTo(twice(), a.shape), b: () => tf.neg(sumTo(twice(), b.shape)) };
  }),
  gradientOf<MatMulAttributes>(
    "BatchMatMul",
    { inputsToSave: ["a", "b"] },
    (dy, saved, { transposeA, transposeB }) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      return {
        a: () =>
          sumTo(
            transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB),
            a.shape,
          ),
        b: () =>
          sumTo(
            transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false),
            b.shape,
          ),
      };
    },
  ),
];

type Comparison = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** Of equal ones the first operand takes all, as in TensorFlow. */
function chosen(kernelName: string, first: Comparison, second: Comparison): tf.GradConfig {
  return gradientOf(kernelName, { inputsToSave: ["a", "b"] }, (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const part = (takes: Comparison) => tf.mul(dy, tf.cast(takes(a, b), "float32"));
    return { a: () => sumTo(part(first), a.shape), b: () => sumTo(part(second), b.shape) };
  });
}
