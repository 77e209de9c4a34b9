import * as tf from "@tensorflow/tfjs";
import { layWindows, type Windows } from "../core/windows.js";
import { extractPatches, foldPatches } from "../ops/extractConv2dPatches.js";
import { gradients } from "../ops/gradients.js";
import type { ActivationStep, MaxPool2dStep, OpaqueStep } from "./steps.js";

type NonlinearStep = ActivationStep | MaxPool2dStep | OpaqueStep;

interface Nonlinear<S extends NonlinearStep> {
  run(xs: readonly tf.Tensor[], step: S): tf.Tensor[];
  /** The vector-Jacobian product: one tensor an input. `rs` has null for an output that nothing depends on. */
  gradient(
    rs: readonly (tf.Tensor | null)[],
    step: S,
    xs: readonly tf.Tensor[],
    ys: readonly tf.Tensor[],
  ): tf.Tensor[];
}

const activation: Nonlinear<ActivationStep> = {
  run: ([z], step) => [step.apply(z as tf.Tensor)],
  gradient: ([r], step, [z]) => gradients((x) => step.apply(x as tf.Tensor), z as tf.Tensor, r as tf.Tensor),
};

const nonlinear: { readonly [K in NonlinearStep["kind"]]: Nonlinear<Extract<NonlinearStep, { kind: K }>> } = {
  activation,
  softmax: activation,
  maxPool2d: {
    run: ([x], { windows }) => {
      if (windows === null) return [tf.max(x as tf.Tensor, [1, 2], true)];
      const { kernelShape, strides, padding } = windows;
      return [
        tf.maxPool(
          x as tf.Tensor4D,
          kernelShape as [number, number],
          strides as [number, number],
          padding as "same" | "valid",
        ),
      ];
    },
    gradient: ([r], { windows }, [x]) => {
      const image = x as tf.Tensor4D;
      const [, h, w] = image.shape;
      return [
        routeToMaxima(
          r as tf.Tensor4D,
          image,
          layWindows("maxPool2d", h, w, windows ?? { kernelShape: [h, w] }),
        ),
      ];
    },
  },
  opaque: {
    run: (xs, step) => applyLayer(step, xs),
    gradient: (rs, step, xs, ys) => {
      const known = rs.map((r, i) => r ?? tf.zerosLike(ys[i] as tf.Tensor));
      return gradients((...leaves) => applyLayer(step, leaves), [...xs], known, { unconnected: "zero" });
    },
  },
};

export function runNonlinear(step: NonlinearStep, xs: readonly tf.Tensor[]): tf.Tensor[] {
  return entry(step).run(xs, step);
}

export function gradientOfNonlinear(
  step: NonlinearStep,
  rs: readonly (tf.Tensor | null)[],
  xs: readonly tf.Tensor[],
  ys: readonly tf.Tensor[],
): tf.Tensor[] {
  return entry(step).gradient(rs, step, xs, ys);
}

/** TypeScript does not see that a step and the entry of its own kind belong together. */
function entry(step: NonlinearStep): Nonlinear<NonlinearStep> {
  return nonlinear[step.kind] as Nonlinear<NonlinearStep>;
}

function applyLayer({ node }: OpaqueStep, xs: readonly tf.Tensor[]): tf.Tensor[] {
  const result = node.layer.apply(xs.length === 1 ? (xs[0] as tf.Tensor) : [...xs], { training: false });
  return (Array.isArray(result) ? result : [result]) as tf.Tensor[];
}

/** The lowest float32 that is not infinite: what padding counts as, so that it is never a maximum. */
const LOWEST = -3.4028234663852886e38;

/**
 * Gives each window's relevance to its largest pixel, the first of equals in row-major order, as TensorFlow does. (tfjs's
 * own kernels differ: on cpu the first, on wasm the last.)
 */
function routeToMaxima(r: tf.Tensor4D, x: tf.Tensor4D, windows: Windows): tf.Tensor {
  const [n, h, w, c] = x.shape;
  const { kernel, out } = windows;
  const pixels = kernel[0] * kernel[1];
  const patches = tf.reshape(extractPatches(x, windows), [n, out[0], out[1], pixels, c]);
  const inside = tf.reshape(extractPatches(tf.ones([1, h, w, 1]), windows), [1, out[0], out[1], pixels, 1]);
  const winner = tf.argMax(tf.add(patches, tf.mul(tf.sub(1, inside), LOWEST)), 3);
  const chosen = tf.transpose(tf.oneHot(tf.cast(winner, "int32"), pixels), [0, 1, 2, 4, 3]);
  const routed = tf.mul(tf.cast(chosen, "float32"), tf.expandDims(r, 3));
  return foldPatches(tf.reshape(routed, [n, out[0], out[1], pixels * c]), [n, h, w, c], windows);
}
