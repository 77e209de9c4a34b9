import * as tf from "@tensorflow/tfjs";
import { layWindows, type WindowOptions, type Windows } from "../core/windows.js";
import { ExtractPatches } from "../kernels/extractPatches.js";
import { MaskGradient } from "../kernels/maskGradient.js";
import { extractPatches, foldPatches } from "../ops/extractConv2dPatches.js";
import { gradients } from "../ops/gradients.js";
import { sameRank, sumTo } from "./linear.js";
import type {
  ActivationStep,
  ExtremumStep,
  LayerNormalizationStep,
  NonlinearStep,
  OpaqueStep,
  RecurrentStep,
  Step,
} from "./steps.js";
import { asColumns, asPlanes, stagesOf } from "./volumes.js";

type Pair = [number, number];
type Shape5D = [number, number, number, number, number];

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

/** The gradient for the first tensors, as many as `of`; what comes after them is masks. */
function gradientOfFirst(
  step: { apply(...xs: [tf.Tensor, tf.Tensor, ...tf.Tensor[]]): tf.Tensor },
  xs: readonly tf.Tensor[],
  r: tf.Tensor,
  of: number,
): tf.Tensor[] {
  const masks = xs.slice(of);
  const run = (...leaves: tf.Tensor[]) =>
    step.apply(...([...leaves, ...masks] as [tf.Tensor, tf.Tensor, ...tf.Tensor[]]));
  // A step may take the same tensor twice: each place has a gradient of its own.
  const places = xs.slice(0, of).map((x) => tf.clone(x));
  return gradients(run, places, r);
}

const activation: Nonlinear<ActivationStep> = {
  run: ([z], step) => [step.apply(z as tf.Tensor)],
  gradient: ([r], step, [z]) =>
    step.activation === "relu"
      ? [behindRelu(r as tf.Tensor, z as tf.Tensor)]
      : gradients((x) => step.apply(x as tf.Tensor), z as tf.Tensor, r as tf.Tensor),
};

/** A layer as tfjs runs and differentiates it. */
const whole: Nonlinear<RecurrentStep | OpaqueStep> = {
  run: (xs, step) => applyLayer(step, xs),
  gradient: (rs, step, xs, ys) => {
    const known = rs.map((r, i) => r ?? tf.zerosLike(ys[i] as tf.Tensor));
    // A layer may take the same tensor several times (attention does): each place has a gradient of its own.
    const places = xs.slice(0, step.carried).map((x) => tf.clone(x));
    const masks = xs.slice(places.length);
    const run = (...leaves: tf.Tensor[]) => applyLayer(step, [...leaves, ...masks]);
    return gradients(run, places, known, { unconnected: "zero" });
  },
};

const nonlinear: { readonly [K in NonlinearStep["kind"]]: Nonlinear<Extract<NonlinearStep, { kind: K }>> } = {
  activation,
  softmax: {
    run: ([z, ...masks], step) => [step.apply(z as tf.Tensor, ...masks)],
    gradient: ([r], step, xs) => gradientOfFirst(step, xs, r as tf.Tensor, 1),
  },
  maxPool2d: {
    run: ([x], { windows }) => [largest(x as tf.Tensor4D, windows)],
    gradient: ([r], { windows }, [x], [y]) => [
      toLargest(r as tf.Tensor4D, x as tf.Tensor4D, y as tf.Tensor4D, windows),
    ],
  },
  maxPool3d: {
    run: ([x], { windows }) => {
      const { planes, depth } = stagesOf(windows);
      const [n, , , , c] = (x as tf.Tensor).shape as Shape5D;
      const flat = largest(asPlanes(x as tf.Tensor), planes);
      const [, h, w] = flat.shape;
      return [tf.reshape(largest(asColumns(flat, n), depth), [n, -1, h, w, c])];
    },
    gradient: ([r], { windows }, [x]) => {
      const { planes, depth } = stagesOf(windows);
      const [n, d, h, w, c] = (x as tf.Tensor).shape as Shape5D;
      const [, od, oh, ow] = (r as tf.Tensor).shape as Shape5D;
      const images = asPlanes(x as tf.Tensor);
      const flat = largest(images, planes);
      const columns = asColumns(flat, n);
      const top = tf.reshape(r as tf.Tensor, [n, od, oh * ow, c]) as tf.Tensor4D;
      const middle = toLargest(top, columns, largest(columns, depth), depth);
      const back = toLargest(tf.reshape(middle, [n * d, oh, ow, c]), images, flat, planes);
      return [tf.reshape(back, [n, d, h, w, c])];
    },
  },
  layerNormalization: {
    run: ([x], step) => {
      const { normal } = normalised(x as tf.Tensor, step);
      const scaled = times(normal, step.gamma());
      const beta = step.beta();
      return [beta === null ? scaled : tf.add(scaled, beta)];
    },
    gradient: ([r], step, [x]) => {
      const { normal, deviation } = normalised(x as tf.Tensor, step);
      const axes = [...step.axes];
      const s = times(r as tf.Tensor, step.gamma());
      const along = tf.mul(normal, tf.mean(tf.mul(s, normal), axes, true));
      return [tf.div(tf.sub(tf.sub(s, tf.mean(s, axes, true)), along), deviation)];
    },
  },
  multiply: {
    run: (xs) => [sameRank(xs).reduce((a, b) => tf.mul(a, b))],
    gradient: ([r], _step, xs) => {
      const same = sameRank(xs);
      return xs.map((x, i) => {
        const others = same.filter((_, k) => k !== i).reduce((a, b) => tf.mul(a, b), r as tf.Tensor);
        return sumTo(others, x.shape);
      });
    },
  },
  extremum: {
    run: (xs, step) => [sameRank(xs).reduce((a, b) => more(a, b, step))],
    gradient: ([r], _step, xs, [y]) => {
      let left = tf.onesLike(y as tf.Tensor);
      return sameRank(xs).map((x, i) => {
        const chosen = tf.mul(left, tf.cast(tf.equal(x, y as tf.Tensor), "float32"));
        left = tf.sub(left, chosen);
        return sumTo(tf.mul(r as tf.Tensor, chosen), xs[i]?.shape as number[]);
      });
    },
  },
  bilinear: {
    run: ([a, b, ...masks], step) => [step.apply(a as tf.Tensor, b as tf.Tensor, ...masks)],
    gradient: ([r], step, xs) => gradientOfFirst(step, xs, r as tf.Tensor, 2),
  },
  weighted: {
    run: ([x, ...masks], step) => [step.apply(x as tf.Tensor, ...masks)],
    gradient: ([r], step, xs) => gradientOfFirst(step, xs, r as tf.Tensor, 1),
  },
  mask: { run: (xs, step) => [step.apply(...xs)], gradient: () => [] },
  embedding: {
    run: (xs, step) => applyLayer(step, xs),
    // Token numbers have no derivative.
    gradient: (_rs, _step, xs) => xs.map((x) => tf.zerosLike(x)),
  },
  recurrent: whole,
  opaque: whole,
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

/**
 * Layer normalisation's rule of relevance: mean and deviation count as constants, so that the layer is linear, and each
 * input takes its share of gamma (x - mean) / deviation + beta:
 *
 *     R_i = x_i (s_i - mean(s)),  s = gamma / deviation R / stabilised(y)
 *
 * @source Ali et al. 2022, arXiv:2202.07304 (the deviation is held constant)
 */
export function shareOfNormalization(
  step: LayerNormalizationStep,
  x: tf.Tensor,
  quotient: tf.Tensor,
): tf.Tensor {
  const { deviation } = normalised(x, step);
  const s = tf.div(times(quotient, step.gamma()), deviation);
  return tf.mul(x, tf.sub(s, tf.mean(s, [...step.axes], true)));
}

/** The gradient of relu: r where z is above 0. */
export function behindRelu(r: tf.Tensor, z: tf.Tensor): tf.Tensor {
  if (tf.getKernel(MaskGradient, tf.getBackend()) == null)
    return tf.mul(r, tf.cast(tf.greater(z, 0), "float32"));
  // The smallest float32 above 0: what is at least that is above 0.
  return tf.engine().runKernel(MaskGradient, { x: z, dy: r }, { low: 1.401298464324817e-45, high: Infinity });
}

/** TypeScript does not see that a step and the entry of its own kind belong together. */
function entry(step: NonlinearStep): Nonlinear<NonlinearStep> {
  return nonlinear[step.kind] as Nonlinear<NonlinearStep>;
}

function applyLayer({ node, carried }: Step, all: readonly tf.Tensor[]): tf.Tensor[] {
  const xs = all.slice(0, carried);
  const mask = all[xs.length];
  const kwargs = { training: false, ...(mask === undefined ? {} : { mask }) };
  const result = node.layer.apply(xs.length === 1 ? (xs[0] as tf.Tensor) : xs, kwargs);
  return (Array.isArray(result) ? result : [result]) as tf.Tensor[];
}

function normalised(x: tf.Tensor, { axes, epsilon }: LayerNormalizationStep) {
  const { mean, variance } = tf.moments(x, [...axes], true);
  const deviation = tf.sqrt(tf.add(variance, epsilon));
  return { normal: tf.div(tf.sub(x, mean), deviation), deviation };
}

function times(x: tf.Tensor, factor: tf.Tensor | null): tf.Tensor {
  return factor === null ? x : tf.mul(x, factor);
}

function more(a: tf.Tensor, b: tf.Tensor, { largest }: ExtremumStep): tf.Tensor {
  return largest ? tf.maximum(a, b) : tf.minimum(a, b);
}

function largest(x: tf.Tensor4D, windows: WindowOptions | null): tf.Tensor4D {
  if (windows === null) return tf.max(x, [1, 2], true);
  const { kernelShape, strides, padding } = windows;
  return tf.maxPool(x, kernelShape as Pair, strides as Pair, padding as "same" | "valid");
}

/**
 * Gives each window's relevance to its largest pixel, the first of equals in row-major order, as TensorFlow does. tfjs's
 * own kernel does so on cpu and ours on wasm; the WASM backend's own takes the last.
 */
function toLargest(
  r: tf.Tensor4D,
  x: tf.Tensor4D,
  y: tf.Tensor4D,
  windows: WindowOptions | null,
): tf.Tensor4D {
  const [, h, w] = x.shape;
  const backend = tf.getBackend();
  if (windows !== null && (backend === "cpu" || tf.getKernel(ExtractPatches, backend) != null)) {
    const { kernelShape, strides, padding } = windows;
    return tf.engine().runKernel("MaxPoolGrad", { dy: r, input: x, output: y }, {
      filterSize: kernelShape,
      strides,
      pad: padding,
    } as unknown as tf.NamedAttrMap) as tf.Tensor4D;
  }
  return routeToMaxima(r, x, layWindows("maxPool2d", h, w, windows ?? { kernelShape: [h, w] }));
}

/** The lowest float32 that is not infinite: what padding counts as, so that it is never a maximum. */
const LOWEST = -3.4028234663852886e38;

function routeToMaxima(r: tf.Tensor4D, x: tf.Tensor4D, windows: Windows): tf.Tensor4D {
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
