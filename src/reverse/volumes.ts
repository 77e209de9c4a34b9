import * as tf from "@tensorflow/tfjs";
import type { WindowOptions } from "../core/windows.js";
import type { Windows3d } from "./steps.js";

/**
 * A window over a volume is one over its planes and then one over the depth: the mean of real pixels and the largest of
 * a window both come apart so. Volumes are `[n, d, h, w, c]`.
 */
export interface Stages {
  /** Over `[n d, h, w, c]`. */
  readonly planes: WindowOptions;
  /** Over `[n, d, h w, c]`, h and w being those behind the first stage. */
  readonly depth: WindowOptions;
}

export function stagesOf({ kernelShape: k, strides: s, padding }: Windows3d): Stages {
  return {
    planes: { kernelShape: [k[1], k[2]], strides: [s[1], s[2]], padding },
    depth: { kernelShape: [k[0], 1], strides: [s[0], 1], padding },
  };
}

/** `[n, d, h, w, c]` as images, one a plane. */
export function asPlanes(x: tf.Tensor): tf.Tensor4D {
  const [n, d, h, w, c] = x.shape as number[] as [number, number, number, number, number];
  return tf.reshape(x, [n * d, h, w, c]);
}

/** Planes `[n d, h, w, c]` as images of `[n, d, h w, c]`, for windows over the depth. */
export function asColumns(planes: tf.Tensor, n: number): tf.Tensor4D {
  const [nd, h, w, c] = planes.shape as number[] as [number, number, number, number];
  return tf.reshape(planes, [n, nd / n, h * w, c]);
}
