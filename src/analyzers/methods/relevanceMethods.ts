import type { LowerOptions } from "../../reverse/index.js";
import {
  type AttentionRules,
  completeAlphaBeta,
  deepTaylorComposite,
  excitationComposite,
  innvestigateComposite,
  presetRules,
  type RuleList,
  type RuleSpec,
  readBound,
  ruleComposite,
  ruleNames,
  withAttention,
  zennitComposite,
} from "../../rules/index.js";
import type { Method, MethodEntry } from "../method.js";
import type { OptionValues } from "../options.js";
import type { OptionInfo } from "../types.js";
import { BIAS, COMMON, isCompat } from "./commonOptions.js";

const RULE_FORM = `a rule's name, { "rule": name, parameters } or [low, high]`;

const INPUT_RULE: OptionInfo = {
  name: "inputLayerRule",
  type: "value",
  default: null,
  description: `the rule of the layers that see the input: ${RULE_FORM}`,
};
const FUSE: OptionInfo = {
  name: "bnLayerFuseMode",
  type: "string",
  default: "one_linear",
  choices: ["one_linear", "two_linear"],
  description: "batch normalisation as one linear step, or as two: normalise, then scale and shift",
};
const ATTENTION: OptionInfo = {
  name: "attention",
  type: "string",
  default: null,
  choices: [null, "attnlrp", "constant"],
  description:
    "how relevance passes attention, other softmaxes and products of two tensors: through all of it, or through the values alone, as if attention's weights were constants; null: refused",
};
const LAYER_RULES: readonly OptionInfo[] = [
  INPUT_RULE,
  {
    name: "untilLayerIdx",
    type: "number",
    default: null,
    from: 0,
    integer: true,
    description: "the last place in model.layers to which untilLayerRule goes",
  },
  {
    name: "untilLayerRule",
    type: "value",
    default: null,
    description: `the rule of the layers up to untilLayerIdx: ${RULE_FORM}`,
  },
  {
    name: "bnLayerRule",
    type: "value",
    default: null,
    description: `the rule of batch normalisation: ${RULE_FORM}; null: the method's own`,
  },
  FUSE,
  ATTENTION,
];
const EPSILON = (value: number): OptionInfo => ({
  name: "epsilon",
  type: "number",
  default: value,
  above: 0,
  description: "added to |z|; above 0",
});

const BACH = "Bach et al. 2015, doi:10.1371/journal.pone.0130140";

/** What iNNvestigate's dispatch makes of a rule and the options that all its LRP methods have. */
function lrp(
  who: string,
  options: OptionValues,
  rule: RuleList,
  bnRule: RuleSpec | null,
  {
    complete = true,
    untilLayerRule = null as RuleSpec | null,
    inputLayerRule = null as RuleSpec | null,
  } = {},
): Method {
  const compat = isCompat(options);
  const inputRule = (options.inputLayerRule as RuleSpec | null | undefined) ?? inputLayerRule;
  const method: Method = {
    composite: innvestigateComposite(who, {
      rule,
      inputLayerRule: inputRule,
      untilLayerIdx: (options.untilLayerIdx as number | null | undefined) ?? null,
      untilLayerRule: (options.untilLayerRule as RuleSpec | null | undefined) ?? untilLayerRule,
      bnLayerRule: (options.bnLayerRule as RuleSpec | null | undefined) ?? bnRule,
      bnLayerFuseMode: options.bnLayerFuseMode as "one_linear" | "two_linear",
      compat,
    }),
    lowering: loweringOf(options),
    head: "value",
    complete,
    wholeBatch: usesDeviation(rule) || usesDeviation(inputRule),
  };
  return passingAttention(method, options);
}

function loweringOf(options: OptionValues): LowerOptions {
  const compat = isCompat(options);
  return {
    batchNormalization: !compat && options.bnLayerFuseMode === "two_linear" ? "two" : "one",
    separable: compat ? "oneAlways" : "one",
  };
}

/** The method with the rules of attention that the option wants, if it wants any. */
function passingAttention(method: Method, { attention }: OptionValues): Method {
  if (attention == null) return method;
  return {
    ...method,
    composite: withAttention(method.composite, attention as AttentionRules),
    lowering: { ...method.lowering, attention: true },
  };
}

/** Whether a rule takes the deviation over the batch, so that samples must stay together. */
function usesDeviation(rule: unknown): boolean {
  return JSON.stringify(rule ?? null).includes("StdxEpsilon");
}

/** An entry of one fixed rule, which batch normalisation gets as well. */
function fixed(name: string, summary: string, source: string, rule: string, complete: boolean): MethodEntry {
  return {
    name,
    family: "relevance",
    summary,
    options: [...LAYER_RULES, ...COMMON],
    source,
    make: (options) => lrp(name, options, rule, rule, { complete }),
  };
}

function preset(letter: "a" | "b", more: "" | "_flat" | "_flat_until_idx"): MethodEntry {
  const name = `lrp.sequential_preset_${letter}${more}`;
  const convolution = letter === "a" ? "Alpha1Beta0" : "Alpha2Beta1";
  const where = { "": "", _flat: ", flat at the input", _flat_until_idx: ", flat for the first layers" }[
    more
  ];
  const until: OptionInfo[] =
    more === "_flat_until_idx"
      ? LAYER_RULES.map((option) =>
          option.name === "untilLayerIdx" ? { ...option, required: true as const } : option,
        )
      : [...LAYER_RULES];
  return {
    name,
    family: "relevance",
    summary: `epsilon for dense layers, alpha ${letter === "a" ? "1 beta 0" : "2 beta 1"} for convolutions${where}`,
    options: [EPSILON(0.1), ...until, ...COMMON],
    source: `Kohlbrenner et al. 2020, arXiv:1910.09840; iNNvestigate ${name}`,
    make: (options) =>
      lrp(name, options, presetRules(options.epsilon as number, convolution), "AlphaBetaX2m100", {
        complete: false,
        inputLayerRule: more === "_flat" ? "Flat" : null,
        untilLayerRule: more === "_flat_until_idx" ? "Flat" : null,
      }),
  };
}

const STABLE_EPSILON: OptionInfo = EPSILON(1e-6);
const CANONIZE: OptionInfo = {
  name: "canonize",
  type: "boolean",
  default: true,
  description: "fold batch normalisation into the layer before it; what is left passes relevance on",
};
const ARRAY_FORM = "a number, or an array that broadcasts to a sample";
const LOW: OptionInfo = {
  name: "low",
  type: "value",
  default: null,
  required: true,
  description: `the lowest value that an input can have: ${ARRAY_FORM}`,
};
const HIGH: OptionInfo = {
  name: "high",
  type: "value",
  default: null,
  required: true,
  description: `the highest value that an input can have: ${ARRAY_FORM}`,
};

function zennit(
  name: string,
  summary: string,
  own: readonly OptionInfo[],
  composite: (options: OptionValues) => Method["composite"],
  complete = false,
): MethodEntry {
  return {
    name,
    family: "relevance",
    summary,
    options: [...own, CANONIZE, ...(name.startsWith("lrp") ? [ATTENTION] : []), ...COMMON],
    source: `zennit composites (${name})`,
    make: (options) => {
      const lowering = { canonize: options.canonize as boolean, separable: "two" } as const;
      return passingAttention({ composite: composite(options), lowering, head: "value", complete }, options);
    },
  };
}

const ALPHA2_BETA1: RuleSpec = { rule: "AlphaBeta", alpha: 2, beta: 1 };

/** Methods that hand the output's value back to the inputs. */
export const relevanceMethods: readonly MethodEntry[] = [
  {
    name: "lrp",
    family: "relevance",
    summary: "layer-wise relevance propagation with rules of your choice",
    options: [
      {
        name: "rule",
        type: "value",
        default: null,
        required: true,
        description: `of dense layers and convolutions: ${RULE_FORM}, or a list of [class names ("*": any), rule]; rules are ${ruleNames.join(", ")}`,
      },
      {
        name: "dialect",
        type: "string",
        default: "innvestigate",
        choices: ["innvestigate", "zennit"],
        description: "how the rest is done: sums, batch normalisation and stabilizers as in which library",
      },
      ...LAYER_RULES,
      ...COMMON,
    ],
    source: `${BACH}; iNNvestigate lrp`,
    make: (options) =>
      options.dialect === "zennit"
        ? passingAttention(
            {
              composite: ruleComposite("lrp", options.rule as RuleSpec),
              lowering: { canonize: true, separable: "two" },
              head: "value",
              complete: false,
              wholeBatch: usesDeviation(options.rule),
            },
            options,
          )
        : lrp("lrp", options, options.rule as RuleList, null, { complete: false }),
  },
  {
    name: "lrp.z",
    family: "relevance",
    summary: "layer-wise relevance propagation, each input in proportion to what it contributed: x w / z",
    options: [BIAS, ...LAYER_RULES, ...COMMON],
    source: `${BACH}; iNNvestigate lrp.z`,
    make: (options) => {
      const rule = options.bias ? "Z" : "ZIgnoreBias";
      return lrp("lrp.z", options, rule, rule);
    },
  },
  fixed(
    "lrp.z_IB",
    "as lrp.z without the biases in the denominators",
    `${BACH}; iNNvestigate 1 lrp.z_IB`,
    "ZIgnoreBias",
    true,
  ),
  {
    name: "lrp.epsilon",
    family: "relevance",
    summary: "as lrp.z, with epsilon added to the denominators, which damps what is nearly zero",
    options: [EPSILON(1e-7), BIAS, ...LAYER_RULES, ...COMMON],
    source: "Bach et al. 2015, equation 58; iNNvestigate lrp.epsilon",
    make: (options) => {
      const rule: RuleSpec = {
        rule: "Epsilon",
        epsilon: options.epsilon as number,
        bias: options.bias as boolean,
      };
      return lrp("lrp.epsilon", options, rule, rule);
    },
  },
  {
    name: "lrp.epsilon_IB",
    family: "relevance",
    summary: "as lrp.epsilon without the biases in the denominators",
    options: [EPSILON(1e-7), ...LAYER_RULES, ...COMMON],
    source: "Bach et al. 2015, equation 58; iNNvestigate 1 lrp.epsilon_IB",
    make: (options) => {
      const rule: RuleSpec = { rule: "EpsilonIgnoreBias", epsilon: options.epsilon as number };
      return lrp("lrp.epsilon_IB", options, rule, rule);
    },
  },
  {
    name: "lrp.stdxepsilon",
    family: "relevance",
    summary: "lrp.epsilon with epsilon a part of the standard deviation of each layer's input over the batch",
    options: [
      {
        name: "stdfactor",
        type: "number",
        default: 0.25,
        from: 0,
        description: "how many standard deviations epsilon is",
      },
      BIAS,
      ...LAYER_RULES,
      ...COMMON,
    ],
    source: "Gumpfer et al. 2023, doi:10.1016/j.inffus.2023.101883; SIGNXAI lrp.stdxepsilon",
    make: (options) => {
      const rule: RuleSpec = {
        rule: "StdxEpsilon",
        stdfactor: options.stdfactor as number,
        bias: options.bias as boolean,
      };
      return lrp("lrp.stdxepsilon", options, rule, rule);
    },
  },
  fixed(
    "lrp.w_square",
    "each input in proportion to its squared weight",
    "Montavon et al. 2017, arXiv:1512.02479; iNNvestigate lrp.w_square",
    "WSquare",
    false,
  ),
  fixed("lrp.flat", "equal parts to all inputs of each output", "iNNvestigate lrp.flat", "Flat", false),
  {
    name: "lrp.alpha_beta",
    family: "relevance",
    summary: "alpha times what speaks for an output, less beta times what speaks against it",
    options: [
      {
        name: "alpha",
        type: "number",
        default: null,
        description: "from 1; alpha - beta = 1, so that one of them is enough; none: 2 and 1",
      },
      { name: "beta", type: "number", default: null, description: "from 0" },
      BIAS,
      ...LAYER_RULES,
      ...COMMON,
    ],
    source: "Bach et al. 2015, equation 60; iNNvestigate lrp.alpha_beta (whose bias is wrong)",
    make: (options) => {
      const [given, other] = [options.alpha as number | null, options.beta as number | null];
      const { alpha, beta } = completeAlphaBeta(
        "lrp.alpha_beta",
        given === null && other === null ? 2 : given,
        other,
      );
      const rule: RuleSpec = { rule: "AlphaBeta", alpha, beta, bias: options.bias as boolean };
      return lrp("lrp.alpha_beta", options, rule, rule, { complete: false });
    },
  },
  ...(
    [
      ["lrp.alpha_2_beta_1", "Alpha2Beta1"],
      ["lrp.alpha_2_beta_1_IB", "Alpha2Beta1IgnoreBias"],
      ["lrp.alpha_1_beta_0", "Alpha1Beta0"],
      ["lrp.alpha_1_beta_0_IB", "Alpha1Beta0IgnoreBias"],
    ] as const
  ).map(([name, rule]) =>
    fixed(
      name,
      `lrp.alpha_beta with ${name.includes("2_beta") ? "alpha 2 and beta 1" : "alpha 1 and beta 0"}${name.endsWith("IB") ? ", biases ignored" : ""}`,
      `Bach et al. 2015, equation 60; iNNvestigate ${name}`,
      rule,
      false,
    ),
  ),
  fixed(
    "lrp.z_plus",
    "only what speaks for an output, biases ignored",
    "Montavon et al. 2017, arXiv:1512.02479; iNNvestigate lrp.z_plus",
    "ZPlus",
    false,
  ),
  fixed(
    "lrp.z_plus_fast",
    "as lrp.z_plus for inputs without negative values",
    "iNNvestigate lrp.z_plus_fast",
    "ZPlusFast",
    false,
  ),
  preset("a", ""),
  preset("b", ""),
  preset("a", "_flat"),
  preset("b", "_flat"),
  preset("b", "_flat_until_idx"),
  {
    name: "lrp.rule_until_index",
    family: "relevance",
    summary: "one rule for the first layers, preset b with flat input for the rest",
    options: [EPSILON(0.1), ...LAYER_RULES, ...COMMON],
    source: "SIGNXAI lrp.rule_until_index",
    make: (options) =>
      lrp(
        "lrp.rule_until_index",
        { ...options, untilLayerIdx: options.untilLayerIdx ?? 0 },
        presetRules(options.epsilon as number, "Alpha2Beta1"),
        "AlphaBetaX2m100",
        { complete: false, untilLayerRule: "Flat", inputLayerRule: "Flat" },
      ),
  },
  ...(
    [
      ["lrp.sign", "SIGN", []],
      [
        "lrp.sign_mu",
        "SIGNmu",
        [
          {
            name: "mu",
            type: "value",
            default: 0,
            description: `what an input must reach to count as positive: ${ARRAY_FORM}`,
          },
        ],
      ],
    ] as const
  ).map(
    ([name, rule, own]): MethodEntry => ({
      name,
      family: "relevance",
      summary: "lrp.z whose last step gives an input its sign in place of its value",
      options: [...own, BIAS, ...LAYER_RULES.slice(1), ...COMMON],
      source: `Gumpfer et al. 2023, doi:10.1016/j.inffus.2023.101883; SIGNXAI ${name}`,
      make: (options) => {
        const z = options.bias ? "Z" : "ZIgnoreBias";
        const sign = rule === "SIGN" ? rule : { rule, mu: options.mu };
        return lrp(name, options, z, z, { complete: false, inputLayerRule: sign });
      },
    }),
  ),
  zennit(
    "lrp.gamma",
    "what agrees with an output's sign counts 1 + gamma times",
    [{ name: "gamma", type: "number", default: 0.25, from: 0, description: "0 is lrp.z" }, BIAS],
    ({ gamma, bias }) => ruleComposite("lrp.gamma", { rule: "Gamma", gamma, bias }),
  ),
  zennit(
    "lrp.epsilon_plus",
    "epsilon for dense layers, z+ for convolutions",
    [STABLE_EPSILON],
    ({ epsilon }) =>
      zennitComposite("lrp.epsilon_plus", { epsilon: epsilon as number, convolution: "ZPlus" }),
  ),
  zennit(
    "lrp.epsilon_plus_flat",
    "epsilon for dense layers, z+ for convolutions, flat for the first layer",
    [STABLE_EPSILON],
    ({ epsilon }) =>
      zennitComposite("lrp.epsilon_plus_flat", {
        epsilon: epsilon as number,
        convolution: "ZPlus",
        flat: true,
      }),
  ),
  zennit(
    "lrp.epsilon_alpha2_beta1",
    "epsilon for dense layers, alpha 2 beta 1 for convolutions",
    [STABLE_EPSILON],
    ({ epsilon }) =>
      zennitComposite("lrp.epsilon_alpha2_beta1", { epsilon: epsilon as number, convolution: ALPHA2_BETA1 }),
  ),
  zennit(
    "lrp.epsilon_alpha2_beta1_flat",
    "epsilon for dense layers, alpha 2 beta 1 for convolutions, flat for the first layer",
    [STABLE_EPSILON],
    ({ epsilon }) =>
      zennitComposite("lrp.epsilon_alpha2_beta1_flat", {
        epsilon: epsilon as number,
        convolution: ALPHA2_BETA1,
        flat: true,
      }),
  ),
  zennit(
    "lrp.epsilon_gamma_box",
    "epsilon for dense layers, gamma for convolutions, z^B for the first of them",
    [
      LOW,
      HIGH,
      STABLE_EPSILON,
      { name: "gamma", type: "number", default: 0.25, from: 0, description: "of convolutions" },
    ],
    ({ epsilon, gamma, low, high }) =>
      zennitComposite("lrp.epsilon_gamma_box", {
        epsilon: epsilon as number,
        convolution: { rule: "Gamma", gamma },
        box: { low: low as number, high: high as number },
      }),
  ),
  zennit("excitation_backprop", "z+; the gradient where there are no weights", [], () =>
    excitationComposite("excitation_backprop"),
  ),
  {
    name: "deep_taylor",
    family: "relevance",
    summary: "deep Taylor decomposition of a network of relu",
    options: [...COMMON],
    source: "Montavon et al. 2017, arXiv:1512.02479; iNNvestigate deep_taylor",
    make: (options) => ({
      composite: deepTaylorComposite({ bounds: null, compat: isCompat(options) }),
      lowering: loweringOf(options),
      head: "rectified",
      complete: false,
    }),
  },
  {
    name: "deep_taylor.bounded",
    family: "relevance",
    summary: "deep Taylor decomposition with the bounds of the input known",
    options: [LOW, HIGH, ...COMMON],
    source: "Montavon et al. 2017, arXiv:1512.02479; iNNvestigate deep_taylor.bounded",
    make: (options) => {
      const low = readBound("deep_taylor.bounded: low", options.low);
      const high = readBound("deep_taylor.bounded: high", options.high);
      return {
        composite: deepTaylorComposite({ bounds: { low, high }, compat: isCompat(options) }),
        lowering: loweringOf(options),
        head: "rectified",
        complete: false,
      };
    },
  },
];
