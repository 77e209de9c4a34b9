import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { gradientComposite, readBound, rectifiedComposite } from "../../rules/index.js";
import { boundAsTensor } from "../boundAsTensor.js";
import type { Method, MethodEntry } from "../method.js";
import { mixedSeed, normalNoise } from "../noise.js";
import type { OptionValues } from "../options.js";
import { NEED_TWO, quadratures } from "../quadrature.js";
import type { OptionInfo } from "../types.js";
import { COMMON, isCompat, POSTPROCESS, postprocessed, SEED } from "./commonOptions.js";

const GRADIENT = { composite: gradientComposite, head: "one", complete: false } as const;

const plainGradient = (options: OptionValues): Method => ({
  ...GRADIENT,
  finish: (gradient) => postprocessed(gradient, options),
});

const NOISE: readonly OptionInfo[] = [
  {
    name: "augmentByN",
    type: "number",
    default: 64,
    from: 1,
    integer: true,
    description: "how many noisy copies of the input",
  },
  {
    name: "noiseScale",
    type: "number",
    default: 1,
    from: 0,
    description: "standard deviation of the noise",
  },
  {
    name: "noise",
    type: "string",
    default: "absolute",
    choices: ["absolute", "relative"],
    description: "relative: noiseScale counts in ranges (largest less smallest value) of each sample",
  },
  SEED,
  POSTPROCESS,
];

/** Gradients at inputs with noise; each sample of a batch gets the same noise, so that its batch does not matter. */
function noisy(reduce: "mean" | "squares" | "variance"): (options: OptionValues) => Method {
  return (options) => {
    const { augmentByN: count, noise, seed } = options as { augmentByN: number; noise: string; seed: number };
    // iNNvestigate ignores its noise_scale.
    const scale = isCompat(options) ? 1 : (options.noiseScale as number);
    const withNoise = (x: tf.Tensor, pass: number, input: number) => {
      const shape = [1, ...x.shape.slice(1)];
      const size = shape.reduce((a, b) => a * b, 1);
      const normal = tf.tensor(normalNoise(mixedSeed(seed, pass, input), size), shape);
      const axes = shape.map((_, axis) => axis).slice(1);
      const range = noise === "relative" ? tf.sub(tf.max(x, axes, true), tf.min(x, axes, true)) : 1;
      return tf.add(x, tf.mul(tf.mul(normal, scale), range));
    };
    return {
      ...plainGradient(options),
      passes: {
        count,
        inputs: (xs, pass) => xs.map((x, i) => withNoise(x, pass, i)),
        weight: () => 1 / count,
        reduce,
      },
    };
  };
}

function integrated(options: OptionValues): Method {
  const { steps, method } = options as { steps: number; method: string };
  if (NEED_TWO.includes(method) && steps < 2)
    throw new ArgumentError(
      `integrated_gradients: expected steps from 2 for method "${method}", got ${steps}`,
    );
  const { points, weights } = (quadratures[method] as (n: number) => { points: number[]; weights: number[] })(
    steps,
  );
  const reference = readBound("integrated_gradients: referenceInputs", options.referenceInputs);
  const from = (x: tf.Tensor) => boundAsTensor("integrated_gradients: referenceInputs", reference, x);
  return {
    ...plainGradient(options),
    complete: options.postprocess === null,
    passes: {
      count: points.length,
      inputs: (xs, pass) =>
        xs.map((x) => tf.add(from(x), tf.mul(tf.sub(x, from(x)), points[pass] as number))),
      weight: (pass) => weights[pass] as number,
      reduce: "mean",
      finish: (mean, x) => tf.mul(tf.sub(x, from(x)), mean),
      baseline: (xs) => xs.map((x) => tf.add(tf.zerosLike(x), from(x))),
    },
  };
}

const OTHERS: OptionInfo = {
  name: "otherActivations",
  type: "string",
  default: "refuse",
  choices: ["refuse", "gradient"],
  description:
    "activations other than relu: refuse the model, as iNNvestigate, or pass the gradient, as zennit",
};

const rectified =
  (guided: boolean) =>
  ({ otherActivations }: OptionValues): Method => ({
    composite: rectifiedComposite({ guided, others: otherActivations as "refuse" | "gradient" }),
    head: "value",
    complete: false,
  });

const gradientEntry = (name: string, more: string): MethodEntry => ({
  name,
  family: "function",
  summary: `how the output changes with each input: d f / d x${more}`,
  options: [POSTPROCESS, ...COMMON],
  source: `Simonyan et al. 2013, arXiv:1312.6034; iNNvestigate ${name}`,
  make: plainGradient,
});

/** Methods that look at the function: gradients of some kind. */
export const functionMethods: readonly MethodEntry[] = [
  gradientEntry("gradient", ""),
  gradientEntry("gradient.baseline", " (another name of gradient)"),
  {
    name: "input_t_gradient",
    family: "function",
    summary: "input times gradient: x * d f / d x",
    options: [POSTPROCESS, ...COMMON],
    source: "Shrikumar et al. 2016, arXiv:1605.01713; iNNvestigate input_t_gradient",
    make: (options) => ({
      ...GRADIENT,
      finish: (gradient, x) => tf.mul(x, postprocessed(gradient, options)),
    }),
  },
  {
    name: "integrated_gradients",
    family: "function",
    summary: "the gradient's mean on the way from a reference to the input, times that way",
    options: [
      {
        name: "steps",
        type: "number",
        default: 64,
        from: 1,
        integer: true,
        description: "points on the way",
      },
      {
        name: "method",
        type: "string",
        default: "left",
        choices: Object.keys(quadratures),
        description:
          "where the points lie and what they count; left is iNNvestigate's, gausslegendre the most exact",
      },
      {
        name: "referenceInputs",
        type: "value",
        default: 0,
        description: "where the way begins: a number, or an array that broadcasts to a sample",
      },
      POSTPROCESS,
      ...COMMON,
    ],
    source: "Sundararajan et al. 2017, arXiv:1703.01365; iNNvestigate integrated_gradients",
    make: integrated,
  },
  {
    name: "smoothgrad",
    family: "function",
    summary: "the mean of gradients at copies of the input with noise",
    options: [...NOISE, ...COMMON],
    source: "Smilkov et al. 2017, arXiv:1706.03825; iNNvestigate smoothgrad (which ignores noise_scale)",
    make: noisy("mean"),
  },
  {
    name: "smoothgrad_sq",
    family: "function",
    summary: "the mean of squared gradients at copies of the input with noise",
    options: [...NOISE, ...COMMON],
    source: "Hooker et al. 2019, arXiv:1806.10758; captum NoiseTunnel smoothgrad_sq",
    make: noisy("squares"),
  },
  {
    name: "vargrad",
    family: "function",
    summary: "the variance of gradients at copies of the input with noise",
    options: [...NOISE, ...COMMON],
    source: "Adebayo et al. 2018, arXiv:1810.03292; captum NoiseTunnel vargrad",
    make: noisy("variance"),
  },
  {
    name: "deconvnet",
    family: "signal",
    summary: "the gradient, of which only what is positive passes each relu, whatever the relu did",
    options: [OTHERS, ...COMMON],
    source: "Zeiler, Fergus 2014, arXiv:1311.2901; iNNvestigate deconvnet",
    make: rectified(false),
  },
  {
    name: "guided_backprop",
    family: "signal",
    summary: "the gradient, of which only what is positive passes each relu",
    options: [OTHERS, ...COMMON],
    source: "Springenberg et al. 2015, arXiv:1412.6806; iNNvestigate guided_backprop",
    make: rectified(true),
  },
];

/** Methods that do not look at the model: what others are compared with. */
export const controlMethods: readonly MethodEntry[] = [
  {
    name: "input",
    family: "signal",
    summary: "the input itself",
    options: COMMON,
    source: "iNNvestigate input",
    make: () => ({ ...GRADIENT, misledBySoftmax: false, signal: (x) => tf.clone(x) }),
  },
  {
    name: "random",
    family: "signal",
    summary: "the input with normal noise",
    options: [
      { name: "stddev", type: "number", default: 1, from: 0, description: "standard deviation of the noise" },
      SEED,
      ...COMMON,
    ],
    source: "iNNvestigate random",
    make: ({ stddev, seed }) => ({
      ...GRADIENT,
      misledBySoftmax: false,
      signal: (x, input) => {
        const shape = [1, ...x.shape.slice(1)];
        const size = shape.reduce((a, b) => a * b, 1);
        const noise = tf.tensor(normalNoise(mixedSeed(seed as number, input), size), shape);
        return tf.add(x, tf.mul(noise, stddev as number));
      },
    }),
  },
];
