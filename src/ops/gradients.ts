import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, GraphError, ShapeError } from "../errors.js";
import { engineGradients } from "./tape.js";

export interface GradientsOptions {
  /** What an x that no y depends on gives: a GraphError (default) or zeros. */
  unconnected?: "error" | "zero";
}

/**
 * Vector-Jacobian product: for each x the sum over the ys of knownY . dy/dx. Every x is a leaf: no gradient flows from
 * one into another.
 *
 * @param f gives the ys (one tensor or a list) for the xs; it must not use random numbers or change anything
 * @param xs float32 tensors, one or a list
 * @param knownYs one tensor a y, of its shape
 * @returns one gradient an x, of its shape
 * @throws ArgumentError where the numbers of ys and knownYs differ, ShapeError where their shapes do, GraphError for an x
 *   that no y depends on. Nothing stays allocated then.
 * @source iNNvestigate utils.keras.backend.gradients
 * @example const [dx] = gradients((x) => tf.square(x), x, tf.onesLike(x));
 */
export function gradients(
  f: (...xs: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  xs: tf.Tensor | tf.Tensor[],
  knownYs: tf.Tensor | tf.Tensor[],
  { unconnected = "error" }: GradientsOptions = {},
): tf.Tensor[] {
  const leaves = Array.isArray(xs) ? xs : [xs];
  const cotangents = Array.isArray(knownYs) ? knownYs : [knownYs];
  return tf.tidy(() => {
    const weightedSum = () => {
      const result = f(...leaves);
      const ys = Array.isArray(result) ? result : [result];
      if (ys.length !== cotangents.length) {
        throw new ArgumentError(
          `gradients: expected one knownY for each of ${ys.length} ys, got ${cotangents.length}`,
        );
      }
      const terms = ys.map((y, i) => {
        const known = cotangents[i] as tf.Tensor;
        if (show(known.shape) !== show(y.shape)) {
          throw new ShapeError(
            `gradients: knownYs[${i}] has shape ${show(known.shape)}, its y has ${show(y.shape)}`,
          );
        }
        return tf.sum(tf.mul(y, known));
      });
      return tf.addN(terms) as tf.Scalar;
    };
    // Not tf.grads, which throws for an x without a path before we can name it.
    const grads = engineGradients(weightedSum, leaves);
    return leaves.map((x, i) => {
      const gradient = grads[i];
      // Of an x that is listed again it is the same tensor.
      if (gradient != null) return leaves.indexOf(x) < i ? tf.clone(gradient) : gradient;
      if (unconnected === "zero") return tf.zerosLike(x);
      throw new GraphError(`gradients: no y depends on xs[${i}], a tensor of shape ${show(x.shape)}`);
    });
  });
}
