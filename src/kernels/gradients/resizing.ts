import * as tf from "@tensorflow/tfjs";
import { ScatterAdd } from "../scatterAdd.js";
import { hasKernel } from "../stock.js";
import { gradientOf, stockGradient } from "./registry.js";

interface ResizeAttributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

/** Gradients of resized images: tfjs's do not know of half-pixel centres. */
export const resizing: readonly tf.GradConfig[] = [
  // On wasm tfjs's own gives each pixel the gradient of another one.
  gradientOf<ResizeAttributes>(
    "ResizeNearestNeighbor",
    { inputsToSave: ["images"] },
    (dy, saved, attributes) => {
      if (!hasKernel(ScatterAdd)) return stockGradient("ResizeNearestNeighbor", dy, saved, attributes);
      const [images] = saved as [tf.Tensor];
      const along = (updates: tf.Tensor, axis: 1 | 2): tf.Tensor => {
        const [old, length] = [images.shape[axis] as number, dy.shape[axis] as number];
        const indices = tf.tensor1d(nearestPixels(old, length, attributes), "int32");
        const shape = updates.shape.map((n, i) => (i === axis ? old : n));
        return tf.engine().runKernel(ScatterAdd, { updates, indices }, { shape, axis, batchDims: 0 });
      };
      return { images: () => along(along(dy, 1), 2) };
    },
  ),
  gradientOf<ResizeAttributes>("ResizeBilinear", { inputsToSave: ["images"] }, (dy, saved, attributes) => {
    if (!attributes.halfPixelCenters) return stockGradient("ResizeBilinear", dy, saved, attributes);
    const [images] = saved as [tf.Tensor4D];
    const [n, h, w, c] = images.shape;
    const [, newH, newW] = dy.shape as [number, number, number, number];
    return {
      images: () => {
        const rows = tf.matMul(bilinear(h, newH), tf.reshape(dy, [n, newH, newW * c]), true);
        const pixels = tf.matMul(bilinear(w, newW), tf.reshape(rows, [n * h, newW, c]), true);
        return tf.reshape(pixels, [n, h, w, c]);
      },
    };
  }),
];

/** The old pixel that each new one along an axis is, as tfjs's forward kernels choose it. */
function nearestPixels(
  old: number,
  length: number,
  { alignCorners, halfPixelCenters }: ResizeAttributes,
): number[] {
  const corners = alignCorners && length > 1 ? 1 : 0;
  const scale = (old - corners) / (length - corners);
  return Array.from({ length }, (_, i) => {
    const at = scale * (halfPixelCenters ? i + 0.5 : i);
    return Math.max(0, Math.min(old - 1, alignCorners ? Math.round(at) : Math.floor(at)));
  });
}

/** `[1, length, old]`: what of each old pixel along an axis is in each new one, with half-pixel centres. */
function bilinear(old: number, length: number): tf.Tensor3D {
  const weights = new Float32Array(length * old);
  for (let i = 0; i < length; i++) {
    const at = (old / length) * (i + 0.5) - 0.5;
    const before = Math.max(0, Math.floor(at));
    const behind = Math.min(old - 1, Math.ceil(at));
    // At the border both are one pixel, which gets all.
    const part = before === behind ? 0 : at - before;
    weights[i * old + before] = 1 - part;
    if (part > 0) weights[i * old + behind] = part;
  }
  return tf.tensor3d(weights, [1, length, old]);
}
