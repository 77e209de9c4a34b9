import * as tf from "@tensorflow/tfjs";
import { type Composite, epsilonRule, gradientComposite, lrpComposite, zRule } from "../rules/index.js";
import type { OptionValues } from "./options.js";
import type { AnalyzerInfo, OptionInfo } from "./types.js";

/** How a method differs from the others: what the engine runs with. */
export interface Method {
  readonly composite: Composite;
  /** What relevance starts with at a chosen neuron: 1, or the neuron's value. */
  readonly head: "one" | "value";
  /** Whether the relevance of inputs and biases adds up to what was put in. */
  readonly complete: boolean;
  /** Makes the relevance of an input from what arrived there. Runs in a tidy. */
  readonly finish?: (arrived: tf.Tensor, x: tf.Tensor) => tf.Tensor;
}

export interface MethodEntry extends AnalyzerInfo {
  readonly make: (options: OptionValues) => Method;
}

/** Options that every method has. */
const COMMON: readonly OptionInfo[] = [
  {
    name: "neuronSelectionMode",
    type: "string",
    default: "max_activation",
    choices: ["max_activation", "index", "all"],
    description: "which output to explain where a call names none",
  },
  {
    name: "disableModelChecks",
    type: "boolean",
    default: false,
    description: "explain a model that ends in a softmax all the same",
  },
];

const POSTPROCESS: OptionInfo = {
  name: "postprocess",
  type: "string",
  default: null,
  choices: [null, "abs", "square"],
  description: "what to make of the gradient",
};

const BIAS: OptionInfo = {
  name: "bias",
  type: "boolean",
  default: true,
  description: "count the biases in the denominators, so that they take their share",
};

const postprocess: Readonly<Record<string, (gradient: tf.Tensor) => tf.Tensor>> = {
  abs: tf.abs,
  square: tf.square,
};

function postprocessed(gradient: tf.Tensor, { postprocess: name }: OptionValues): tf.Tensor {
  return postprocess[name as string]?.(gradient) ?? gradient;
}

/** Every method, in the order in which they are listed. */
export const METHODS: readonly MethodEntry[] = [
  {
    name: "gradient",
    family: "function",
    summary: "how the output changes with each input: d f / d x",
    options: [POSTPROCESS, ...COMMON],
    source: "Simonyan et al. 2013, arXiv:1312.6034; iNNvestigate gradient",
    make: (options) => ({
      composite: gradientComposite,
      head: "one",
      complete: false,
      finish: (gradient) => postprocessed(gradient, options),
    }),
  },
  {
    name: "input_t_gradient",
    family: "function",
    summary: "input times gradient: x * d f / d x",
    options: [POSTPROCESS, ...COMMON],
    source: "Shrikumar et al. 2016, arXiv:1605.01713; iNNvestigate input_t_gradient",
    make: (options) => ({
      composite: gradientComposite,
      head: "one",
      complete: false,
      finish: (gradient, x) => tf.mul(x, postprocessed(gradient, options)),
    }),
  },
  {
    name: "lrp.z",
    family: "relevance",
    summary: "layer-wise relevance propagation, each input in proportion to what it contributed: x w / z",
    options: [BIAS, ...COMMON],
    source: "Bach et al. 2015, doi:10.1371/journal.pone.0130140; iNNvestigate lrp.z",
    make: ({ bias }) => ({
      composite: lrpComposite(zRule({ bias: bias as boolean })),
      head: "value",
      complete: true,
    }),
  },
  {
    name: "lrp.epsilon",
    family: "relevance",
    summary: "as lrp.z, with epsilon added to the denominators, which damps what is nearly zero",
    options: [
      { name: "epsilon", type: "number", default: 1e-7, description: "added to |z|; above 0" },
      BIAS,
      ...COMMON,
    ],
    source: "Bach et al. 2015, equation 58; iNNvestigate lrp.epsilon",
    make: ({ epsilon, bias }) => ({
      composite: lrpComposite(epsilonRule({ epsilon: epsilon as number, bias: bias as boolean })),
      head: "value",
      complete: true,
    }),
  },
];
