import * as tf from "@tensorflow/tfjs";
import { ScatterAdd } from "../scatterAdd.js";
import { ScatterNdAdd } from "../scatterNdAdd.js";
import { hasKernel } from "../stock.js";
import { gradientOf, stockGradient } from "./registry.js";

interface GatherAttributes {
  axis: number;
  batchDims?: number;
}

/** Gradients of gathering: the adjoints, scatterAdd and scatterNdAdd. */
export const indexing: readonly tf.GradConfig[] = [
  // tfjs's own is wrong for negative axes and for batchDims of 2 and more.
  gradientOf<GatherAttributes>("GatherV2", { inputsToSave: ["x", "indices"] }, (dy, saved, attributes) => {
    if (!hasKernel(ScatterAdd)) return stockGradient("GatherV2", dy, saved, attributes);
    const [x, indices] = saved as [tf.Tensor, tf.Tensor];
    const axis = tf.util.parseAxisParam(attributes.axis, x.shape)[0] as number;
    const attrs = { shape: x.shape, axis, batchDims: attributes.batchDims ?? 0 };
    return {
      x: () => tf.engine().runKernel(ScatterAdd, { updates: dy, indices }, attrs),
      indices: () => tf.zeros(indices.shape),
    };
  }),
  // tfjs has none.
  gradientOf("GatherNd", { inputsToSave: ["params", "indices"] }, (dy, saved) => {
    const [x, indices] = saved as [tf.Tensor, tf.Tensor];
    return {
      params: () =>
        hasKernel(ScatterNdAdd)
          ? tf.engine().runKernel(ScatterNdAdd, { updates: dy, indices }, { shape: x.shape })
          : tf.scatterND(indices, dy, x.shape),
      indices: () => tf.zeros(indices.shape),
    };
  }),
  // tfjs lays the mask of negative ids wrongly over ids of rank 2 and more.
  gradientOf("UnsortedSegmentSum", { inputsToSave: ["segmentIds"] }, (dy, saved) => {
    const [ids] = saved as [tf.Tensor];
    return {
      x: () => {
        const rows = tf.gather(dy, tf.maximum(ids, tf.scalar(0, "int32")));
        const kept = tf.cast(tf.greaterEqual(ids, tf.scalar(0, "int32")), "float32");
        return tf.mul(rows, tf.reshape(kept, [...ids.shape, ...dy.shape.slice(1).map(() => 1)]));
      },
    };
  }),
  // So that gradients of gradients work.
  gradientOf<GatherAttributes>(
    ScatterAdd,
    { inputsToSave: ["indices"] },
    (dy, [indices], { axis, batchDims }) => ({
      updates: () => tf.gather(dy, indices as tf.Tensor, axis, batchDims),
      indices: () => tf.zerosLike(indices as tf.Tensor),
    }),
  ),
  gradientOf(ScatterNdAdd, { inputsToSave: ["indices"] }, (dy, [indices]) => ({
    updates: () => tf.gatherND(dy, indices as tf.Tensor),
    indices: () => tf.zerosLike(indices as tf.Tensor),
  })),
];
