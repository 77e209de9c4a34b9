import type * as tf from "@tensorflow/tfjs";
import { gatherGeometry } from "../core/gather.js";
import { Gather } from "../layers/Gather.js";
import * as ops from "../ops/index.js";
import { applySymbolic, isSymbolic } from "./symbolic.js";

/**
 * Picks along an axis, as `tf.gather` of TensorFlow: y[..., j..., ...] = x[..., indices[j...], ...]. On every backend an
 * index outside is an error, where tfjs reads garbage or zeros.
 *
 * @param x any shape of rank 1 or more, any dtype; a tensor, or a symbolic one
 * @param axis the axis that indices point into; negative ones count from the end
 * @param indices whole numbers of any shape, scalar and empty included; a symbolic tensor makes the result one
 * @returns x's shape with indices' in place of the axis; x's dtype. Differentiable any number of times in x.
 * @throws IndexError with position and value of the first index outside; ArgumentError for an axis that x does not have;
 *   DTypeError for indices that are no whole numbers
 * @source iNNvestigate utils.keras.backend.gather
 * @example gather(tf.tensor2d([[1, 2], [3, 4]]), 1, [1, 1, 0])  // [[2, 2, 1], [4, 4, 3]]
 */
export function gather(x: tf.Tensor, axis: number, indices: tf.TensorLike | tf.Tensor): tf.Tensor;
export function gather(
  x: tf.Tensor | tf.SymbolicTensor,
  axis: number,
  indices: tf.TensorLike | tf.Tensor | tf.SymbolicTensor,
): tf.SymbolicTensor;
export function gather(
  x: tf.Tensor | tf.SymbolicTensor,
  axis: number,
  indices: tf.TensorLike | tf.Tensor | tf.SymbolicTensor,
): tf.Tensor | tf.SymbolicTensor {
  if (!isSymbolic(x) && !isSymbolic(indices)) return ops.gather(x, axis, indices);
  return withIndices("gather", indices, (at) => {
    // Unknown sizes are nobody's fault.
    gatherGeometry(
      "gather",
      "x",
      x.shape.map((n) => n ?? 1),
      at.shape.map((n) => n ?? 1),
      { axis },
    );
    return applySymbolic(new Gather({ axis }), [x, at])[0] as tf.SymbolicTensor;
  });
}

/** Runs `use` with indices as a tensor: a new one goes again, as constants are copied. */
export function withIndices(
  who: string,
  indices: tf.TensorLike | tf.Tensor | tf.SymbolicTensor,
  use: (indices: tf.Tensor | tf.SymbolicTensor) => tf.SymbolicTensor,
): tf.SymbolicTensor {
  if (isSymbolic(indices)) return use(indices);
  const at = ops.int32Indices(who, indices);
  try {
    return use(at);
  } finally {
    if (at !== indices) at.dispose();
  }
}
