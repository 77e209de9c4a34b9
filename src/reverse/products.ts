/** Relevance through products of two tensors, sums with weights, and the softmax that makes such weights. */
import * as tf from "@tensorflow/tfjs";
import { stabilise } from "../ops/stabilise.js";
import { gradientOfNonlinear } from "./nonlinear.js";
import { type HandedOn, sumPerSample } from "./rule.js";
import type { BilinearStep, SoftmaxStep, WeightedStep } from "./steps.js";

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
  return parts.map((part, i) =>
    (values ?? i) === i ? tf.mul(part, xs[i] as tf.Tensor) : tf.zerosLike(part),
  );
}

/** A sum of x with weights: R_x = x sum w R / stabilised(y). */
export function sharesOfWeighted(
  step: WeightedStep,
  xs: readonly tf.Tensor[],
  y: tf.Tensor,
  r: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  const [part] = gradientOfNonlinear(step, [tf.div(r, stabilise(y, epsilon))], xs, [y]);
  return tf.mul(part as tf.Tensor, xs[0] as tf.Tensor);
}

/**
 * A softmax s of z by its tangent at z, whose constant takes its share as a bias does:
 *
 *     R_i = z_i (R_i - s_i sum_k R_k)
 *
 * @source Achtibat et al. 2024, arXiv:2402.05602, proposition 3.1
 */
export function byTangent({ axis }: SoftmaxStep, z: tf.Tensor, s: tf.Tensor, r: tf.Tensor): HandedOn {
  const rz = tf.mul(z, tf.sub(r, tf.mul(s, tf.sum(r, axis, true))));
  return { inputs: [rz], taken: [sumPerSample(tf.sub(r, rz))] };
}
