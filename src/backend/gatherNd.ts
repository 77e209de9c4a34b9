import type * as tf from "@tensorflow/tfjs";
import { gatherNdGeometry } from "../core/gatherNd.js";
import { ShapeError } from "../errors.js";
import { GatherNd } from "../layers/GatherNd.js";
import * as ops from "../ops/index.js";
import { withIndices } from "./gather.js";
import { applySymbolic, isSymbolic } from "./symbolic.js";

/**
 * Picks by tuples of indices, as `tf.gather_nd` of TensorFlow: y[j..., :] = x[indices[j..., 0], ..., indices[j..., k - 1], :].
 * On every backend a tuple outside is an error, where tfjs reads garbage or zeros.
 *
 * @param x any shape of rank 1 or more, any dtype; a tensor, or a symbolic one
 * @param indices whole numbers `[..., k]`, k from 0 to the rank of x; a symbolic tensor makes the result one
 * @returns `[..., rest of x's shape]`, x's dtype. Differentiable any number of times in x.
 * @throws IndexError with position and value of the first tuple outside; ShapeError for a k that is too large or not known;
 *   DTypeError for indices that are no whole numbers
 * @source iNNvestigate utils.keras.backend.gather_nd
 * @example gatherNd(tf.tensor2d([[1, 2], [3, 4]]), [[0, 1], [1, 0]])  // [2, 3]
 */
export function gatherNd(x: tf.Tensor, indices: tf.TensorLike | tf.Tensor): tf.Tensor;
export function gatherNd(
  x: tf.Tensor | tf.SymbolicTensor,
  indices: tf.TensorLike | tf.Tensor | tf.SymbolicTensor,
): tf.SymbolicTensor;
export function gatherNd(
  x: tf.Tensor | tf.SymbolicTensor,
  indices: tf.TensorLike | tf.Tensor | tf.SymbolicTensor,
): tf.Tensor | tf.SymbolicTensor {
  if (!isSymbolic(x) && !isSymbolic(indices)) return ops.gatherNd(x, indices);
  return withIndices("gatherNd", indices, (at) => {
    if (at.shape.at(-1) == null)
      throw new ShapeError(
        `gatherNd: expected indices whose last axis is known, got [${at.shape.join(", ")}]`,
      );
    gatherNdGeometry(
      "gatherNd",
      "x",
      x.shape.map((n) => n ?? 1),
      at.shape.map((n) => n ?? 1),
      {},
    );
    return applySymbolic(new GatherNd({}), [x, at])[0] as tf.SymbolicTensor;
  });
}
