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

/** A map `[n, ..., 1]` of one to three dimensions at the size of an input `[n, ..., C]` of as many. */
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
  const resized = (images: tf.Tensor, size: [number, number]): tf.Tensor =>
    how === "bilinear"
      ? tf.image.resizeBilinear(images as tf.Tensor4D, size, false, true)
      : tf.image.resizeNearestNeighbor(images as tf.Tensor4D, size);
  const [n, ...places] = x.shape.slice(0, -1) as [number, ...number[]];
  const [depth, height, width] = [1, 1, ...places].slice(-3) as [number, number, number];
  const [d, h, w] = [1, 1, ...map.shape.slice(1, -1)].slice(-3) as [number, number, number];
  // Plane by plane, then along the planes.
  const planes = resized(tf.reshape(map, [n * d, h, w, 1]), [height, width]);
  const whole =
    d === depth ? planes : resized(tf.reshape(planes, [n, d, height * width, 1]), [depth, height * width]);
  return tf.reshape(whole, [n, ...places, 1]);
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
