import * as tf from "@tensorflow/tfjs";
import { MaskGradient } from "../maskGradient.js";
import { hasKernel } from "../stock.js";
import { gradientOf } from "./registry.js";

/** Where a function has slope 1; elsewhere it is flat. */
interface Slope {
  /** The floats from `low` to `high`, both included: what our kernel takes. */
  low: number;
  high: number;
  /** The same as a mask, for the backends without our kernel, of which not all know the smallest floats. */
  inside: (x: tf.Tensor) => tf.Tensor;
}

/** The float32 next to 0, and the one next below 6. */
const ABOVE_ZERO = 2 ** -149;
const BELOW_SIX = 6 - 2 ** -21;

const RELU: Slope = { low: ABOVE_ZERO, high: Number.POSITIVE_INFINITY, inside: (x) => tf.greater(x, 0) };
const RELU6: Slope = {
  low: ABOVE_ZERO,
  high: BELOW_SIX,
  inside: (x) => tf.logicalAnd(tf.greater(x, 0), tf.less(x, 6)),
};
const clip = (low: number, high: number): Slope => ({
  low,
  high,
  inside: (x) => tf.logicalAnd(tf.greaterEqual(x, low), tf.lessEqual(x, high)),
});

/**
 * Functions that are the identity between two bounds and flat outside, in one pass. As in TensorFlow relu is flat at 0 and
 * relu6 at 6 too (where tfjs has slope 1), while clipping passes at its bounds.
 */
export const bounds: readonly tf.GradConfig[] = [
  gradientOf("Relu", { inputsToSave: ["x"] }, (dy, [x]) => ({ x: () => masked(dy, x as tf.Tensor, RELU) })),
  gradientOf("Relu6", { inputsToSave: ["x"] }, (dy, [x]) => ({ x: () => masked(dy, x as tf.Tensor, RELU6) })),
  gradientOf<{ clipValueMin: number; clipValueMax: number }>(
    "ClipByValue",
    { inputsToSave: ["x"] },
    (dy, [x], { clipValueMin, clipValueMax }) => ({
      x: () => masked(dy, x as tf.Tensor, clip(clipValueMin, clipValueMax)),
    }),
  ),
];

/** dy where the slope is 1, else 0. Its own gradient is the same again. */
function masked(dy: tf.Tensor, x: tf.Tensor, slope: Slope): tf.Tensor {
  const op = tf.customGrad((gradient) => ({
    value: mask(gradient as tf.Tensor, x, slope),
    gradFunc: (ddx: tf.Tensor) => masked(ddx, x, slope),
  }));
  return op(dy);
}

function mask(dy: tf.Tensor, x: tf.Tensor, { low, high, inside }: Slope): tf.Tensor {
  return hasKernel(MaskGradient) && x.dtype === "float32"
    ? tf.engine().runKernel(MaskGradient, { x, dy }, { low, high })
    : tf.where(inside(x), dy, tf.zerosLike(dy));
}
