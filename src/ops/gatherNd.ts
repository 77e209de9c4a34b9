import * as tf from "@tensorflow/tfjs";
import { gatherNdGeometry, refuseTuple } from "../core/gatherNd.js";
import { sizeOf } from "../core/ndarray.js";
import { ScatterNdAdd } from "../kernels/scatterNdAdd.js";
import { hasKernel } from "../kernels/stock.js";
import { gather } from "./gather.js";
import { int32Indices } from "./indices.js";
import { withSaved } from "./withSaved.js";

/**
 * Picks by tuples of indices, as `tf.gather_nd` of TensorFlow: y[j..., :] = x[indices[j..., 0], ..., indices[j..., k - 1], :].
 * On every backend a tuple outside is an error, where tfjs reads garbage or zeros.
 *
 * @param x any shape of rank 1 or more, any dtype
 * @param indices whole numbers `[..., k]`, k from 0 to the rank of x
 * @returns `[..., rest of x's shape]`, x's dtype. Differentiable any number of times in x.
 * @throws IndexError with position and value of the first tuple outside; ShapeError for a k that is too large; DTypeError for
 *   indices that are no whole numbers
 * @source iNNvestigate utils.keras.backend.gather_nd
 */
export function gatherNd(x: tf.Tensor, indices: tf.TensorLike | tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const at = int32Indices("gatherNd", indices);
    const g = gatherNdGeometry("gatherNd", "x", x.shape, at.shape, {});
    if (hasKernel(ScatterNdAdd) && g.depth > 0 && sizeOf(g.result) > 0) {
      if (x.dtype !== "float32") return tf.gatherND(x, at);
      return withSaved(
        at,
        (t) => tf.gatherND(t, at),
        (dy, saved) => scatterNdAdd(dy, saved, x.shape),
      )(x);
    }
    // The tuples as places in x's rows laid out in one axis, which serves every depth.
    const values = at.dataSync() as Int32Array;
    const places = Int32Array.from({ length: g.count }, (_, j) => {
      const tuple = values.subarray(j * g.depth, (j + 1) * g.depth);
      if (tuple.some((index, k) => index < 0 || index >= (g.sizes[k] as number)))
        refuseTuple("gatherNd", { data: values, shape: at.shape, dtype: "int32" }, j, g, x.shape);
      return tuple.reduce((place, index, k) => place * (g.sizes[k] as number) + index, 0);
    });
    if (sizeOf(g.result) === 0) return tf.zeros(g.result, x.dtype);
    const rows = tf.reshape(x, [sizeOf(g.sizes), g.row]);
    return tf.reshape(gather(rows, 0, tf.tensor1d(places, "int32")), g.result);
  });
}

/** The adjoint of `gatherNd`, where our kernel is. float32. */
function scatterNdAdd(updates: tf.Tensor, indices: tf.Tensor, shape: number[]): tf.Tensor {
  return withSaved(
    indices,
    (t) => tf.engine().runKernel(ScatterNdAdd, { updates: t, indices }, { shape }) as tf.Tensor,
    (dy, saved) => gatherNd(dy, saved),
  )(updates);
}
