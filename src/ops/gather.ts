import * as tf from "@tensorflow/tfjs";
import { gatherGeometry, refuseIndex } from "../core/gather.js";
import { sizeOf } from "../core/ndarray.js";
import { ScatterAdd } from "../kernels/scatterAdd.js";
import { hasKernel } from "../kernels/stock.js";
import { int32Indices } from "./indices.js";
import { withSaved } from "./withSaved.js";

/**
 * Picks along an axis, as `tf.gather` of TensorFlow: y[..., j..., ...] = x[..., indices[j...], ...]. On every backend an
 * index outside is an error, where tfjs reads garbage or zeros.
 *
 * @param x any shape of rank 1 or more, any dtype
 * @param axis the axis that indices point into; negative ones count from the end
 * @param indices whole numbers of any shape, scalar and empty included
 * @returns x's shape with indices' in place of the axis; x's dtype. Differentiable any number of times in x.
 * @throws IndexError with position and value of the first index outside; ArgumentError for an axis that x does not have;
 *   DTypeError for indices that are no whole numbers
 * @source iNNvestigate utils.keras.backend.gather
 */
export function gather(x: tf.Tensor, axis: number, indices: tf.TensorLike | tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const at = int32Indices("gather", indices);
    const g = gatherGeometry("gather", "x", x.shape, at.shape, { axis });
    if (!hasKernel(ScatterAdd)) {
      const values = at.dataSync() as Int32Array;
      const bad = values.findIndex((index) => index < 0 || index >= g.size);
      if (bad >= 0)
        refuseIndex("gather", "indices", { data: values, shape: at.shape, dtype: "int32" }, bad, g.size);
    }
    if (sizeOf(g.result) === 0) return tf.zeros(g.result, x.dtype);
    const positive = axis < 0 ? axis + x.rank : axis;
    if (x.dtype !== "float32") return gatherAnything(x, at, positive);
    return withSaved(
      at,
      (t) => gatherAnything(t, at, positive),
      (dy, saved) => scatterAdd(dy, saved, x.shape, positive),
    )(x);
  });
}

/** Backends gather float32 and int32 alike; bool goes as int32 where the kernel is not ours. */
function gatherAnything(x: tf.Tensor, indices: tf.Tensor, axis: number): tf.Tensor {
  if (x.dtype !== "bool" || hasKernel(ScatterAdd)) return tf.gather(x, indices, axis);
  return tf.cast(tf.gather(tf.cast(x, "int32"), indices, axis), "bool");
}

/** The adjoint of `gather`: adds each row to where it was read, in a tensor of this shape. float32. */
export function scatterAdd(
  updates: tf.Tensor,
  indices: tf.Tensor,
  shape: readonly number[],
  axis: number,
): tf.Tensor {
  return withSaved(
    indices,
    (t) => forwardScatterAdd(t, indices, shape, axis),
    (dy, saved) => gather(dy, axis, saved),
  )(updates);
}

function forwardScatterAdd(updates: tf.Tensor, indices: tf.Tensor, shape: readonly number[], axis: number) {
  if (hasKernel(ScatterAdd))
    return tf
      .engine()
      .runKernel(ScatterAdd, { updates, indices }, { shape: [...shape], axis, batchDims: 0 }) as tf.Tensor;
  if (updates.size === 0) return tf.zeros([...shape]);
  // The axis first, so that each index has one row.
  const [outer, row] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
  const rows = tf.reshape(tf.transpose(tf.reshape(updates, [outer, indices.size, row]), [1, 0, 2]), [
    indices.size,
    outer * row,
  ]);
  const size = shape[axis] as number;
  const sums = tf.scatterND(tf.reshape(indices, [indices.size, 1]), rows, [size, outer * row]);
  return tf.reshape(tf.transpose(tf.reshape(sums, [size, outer, row]), [1, 0, 2]), [...shape]);
}
