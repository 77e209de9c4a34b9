/** Relevance through what attention is made of: products of two tensors, and the softmax between them. */
import * as tf from "@tensorflow/tfjs";
import { stabilise } from "../ops/stabilise.js";
import { gradientOfNonlinear } from "./nonlinear.js";
import { type HandedOn, sumPerSample } from "./rule.js";
import type { BilinearStep, SoftmaxStep } from "./steps.js";

/**
 * A product y = a b gives each factor what it contributed, a sum over the terms a b of y:
 *
 *     R_a = a sum_b b R / (2 stabilised(y)),  R_b likewise
 *
 * @param values the place of the factor that takes all, the other counting as a constant; null: half to either
 * @source Achtibat et al. 2024, arXiv:2402.05602, equation 13 (halves); Ali et al. 2022, arXiv:2202.07304 (constants)
 */
export function sharesOfProduct(
  step: BilinearStep,
  xs: readonly tf.Tensor[],
  y: tf.Tensor,
  r: tf.Tensor,
  values: 0 | 1 | null,
  epsilon: number,
): tf.Tensor[] {
  const s = tf.div(r, stabilise(y, epsilon));
  const parts = gradientOfNonlinear(step, [values === null ? tf.div(s, 2) : s], xs, [y]);
  return parts.map((part, i) => {
    const takes = i < 2 && (values ?? i) === i;
    return takes ? tf.mul(part, xs[i] as tf.Tensor) : tf.zerosLike(part);
  });
}

/**
 * A softmax s of z by its tangent at z, whose constant takes its share as a bias does:
 *
 *     R_i = z_i (R_i - s_i sum_k R_k)
 *
 * @source Achtibat et al. 2024, arXiv:2402.05602, proposition 3.1
 */
export function byTangent(
  { axis }: SoftmaxStep,
  [z, ...masks]: readonly tf.Tensor[],
  s: tf.Tensor,
  r: tf.Tensor,
): HandedOn {
  const rz = tf.mul(z as tf.Tensor, tf.sub(r, tf.mul(s, tf.sum(r, axis, true))));
  return {
    inputs: [rz, ...masks.map((mask) => tf.zeros(mask.shape))],
    taken: [sumPerSample(tf.sub(r, rz))],
  };
}
