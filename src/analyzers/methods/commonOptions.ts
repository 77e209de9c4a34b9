import * as tf from "@tensorflow/tfjs";
import type { OptionValues } from "../options.js";
import type { OptionInfo } from "../types.js";

/** Options that every method has. */
export const COMMON: readonly OptionInfo[] = [
  {
    name: "neuronSelectionMode",
    type: "string",
    default: "max_activation",
    choices: ["max_activation", "index", "all"],
    description: "which output to explain where a call names none",
  },
  {
    name: "output",
    type: "value",
    default: null,
    description: "of a model with several outputs the one to explain: its name or its place from 0",
  },
  {
    name: "stopAt",
    type: "string",
    default: null,
    description: "the layer at whose output to stop: its relevance is given in place of the input's",
  },
  {
    name: "headRelevance",
    type: "string",
    default: null,
    choices: [null, "one", "value"],
    description: "what a chosen output starts with: 1, or its value; the method's own way if null",
  },
  {
    name: "batchSize",
    type: "number",
    default: 32,
    from: 1,
    integer: true,
    description: "how many samples to explain at once, which bounds the memory",
  },
  {
    name: "compat",
    type: "string",
    default: null,
    choices: [null, "innvestigate"],
    description: "the numbers of another library where it is known to be wrong",
  },
  {
    name: "disableModelChecks",
    type: "boolean",
    default: false,
    description: "explain a model that ends in a softmax all the same",
  },
  {
    name: "reverseClipValues",
    type: "value",
    default: null,
    description: "[low, high]: clip relevance to this everywhere on the way",
  },
  {
    name: "reverseProjectBottleneckLayers",
    type: "value",
    default: false,
    description:
      "true: where all relevance passes one tensor, divide it by its largest magnitude; [low, high]: map it there",
  },
  {
    name: "reverseCheckFinite",
    type: "boolean",
    default: false,
    description: "look for NaN and infinities at each step of the way",
  },
];

export const POSTPROCESS: OptionInfo = {
  name: "postprocess",
  type: "string",
  default: null,
  choices: [null, "abs", "square"],
  description: "what to make of the gradient",
};

const functions: Readonly<Record<string, (gradient: tf.Tensor) => tf.Tensor>> = {
  abs: tf.abs,
  square: tf.square,
};

/** The gradient as the option `postprocess` wants it. */
export function postprocessed(gradient: tf.Tensor, { postprocess }: OptionValues): tf.Tensor {
  return functions[postprocess as string]?.(gradient) ?? gradient;
}

export const BIAS: OptionInfo = {
  name: "bias",
  type: "boolean",
  default: true,
  description: "count the biases in the denominators, so that they take their share",
};

export const SEED: OptionInfo = {
  name: "seed",
  type: "number",
  default: 0,
  from: 0,
  integer: true,
  description: "of the random numbers: the same seed gives the same result",
};

export const isCompat = ({ compat }: OptionValues): boolean => compat === "innvestigate";
