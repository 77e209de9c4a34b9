import * as tf from "@tensorflow/tfjs";
import { GraphError, ShapeError } from "../errors.js";
import { CONVOLUTIONS, type Program } from "../reverse/index.js";
import type { ActivationMap } from "./method.js";

/** Grad-CAM: relu(sum_k a_k A_k) with a_k the mean gradient of channel k; without relu where told so. */
export function gradCam(rectify: boolean): ActivationMap["combine"] {
  return (activations, gradients) => {
    const weights = tf.mean(gradients, places(activations), true);
    const map = tf.sum(tf.mul(activations, weights), -1, true);
    return rectify ? tf.relu(map) : map;
  };
}

/**
 * Grad-CAM++: the gradients are weighted by place before they are added up, with
 * alpha = g² / (2 g² + g³ sum A), and only positive ones count.
 */
export function gradCamPlusPlus(activations: tf.Tensor, gradients: tf.Tensor): tf.Tensor {
  const squared = tf.square(gradients);
  const total = tf.sum(activations, places(activations), true);
  const below = tf.add(tf.mul(squared, 2), tf.mul(tf.mul(squared, gradients), total));
  const alpha = tf.where(tf.equal(below, 0), tf.zerosLike(below), tf.div(squared, below));
  const weights = tf.sum(tf.mul(alpha, tf.relu(gradients)), places(activations), true);
  return tf.relu(tf.sum(tf.mul(activations, weights), -1, true));
}

function places(x: tf.Tensor): number[] {
  return Array.from({ length: x.rank - 2 }, (_, i) => i + 1);
}

/** A map `[n, h, w, 1]` or `[n, w, 1]` at the size of an input `[n, H, W, C]` or `[n, W, C]`. */
export function resizeMap(
  who: string,
  map: tf.Tensor,
  x: tf.Tensor,
  how: "bilinear" | "nearest" | "none",
): tf.Tensor {
  if (how === "none") return map;
  if (map.rank !== x.rank) {
    throw new ShapeError(
      `${who}: a map of shape [${map.shape.join(", ")}] has no counterpart in an input of shape [${x.shape.join(", ")}]: pass { resize: "none" }`,
    );
  }
  const series = map.rank === 3;
  const images = (series ? tf.expandDims(map, 1) : map) as tf.Tensor4D;
  const size: [number, number] = series
    ? [1, x.shape[1] as number]
    : [x.shape[1] as number, x.shape[2] as number];
  const resized =
    how === "bilinear"
      ? tf.image.resizeBilinear(images, size, false, true)
      : tf.image.resizeNearestNeighbor(images, size);
  return series ? tf.squeeze(resized, [1]) : resized;
}

/** The output of the last convolution, behind the normalisation and activation that follow it alone. */
export function lastMap(who: string, { steps, outputs }: Program): number {
  const at = steps.findLastIndex(({ kind }) => (CONVOLUTIONS as readonly string[]).includes(kind));
  const step = steps[at];
  if (step === undefined)
    throw new GraphError(`${who}: the model has no convolution: name a layer with places, { layer }`);
  let id = step.node.outputs[0] as number;
  for (;;) {
    const users = steps.filter((user) => user.inputs.includes(id));
    const [next] = users;
    const follows =
      users.length === 1 &&
      next !== undefined &&
      !outputs.includes(id) &&
      ["scale", "activation", "identity"].includes(next.kind);
    if (!follows) return id;
    id = next.outputs[0] as number;
  }
}
