import { type Bound, type Rule, SUMS } from "../reverse/index.js";
import {
  CONVOLUTIONS,
  type Composite,
  gradientComposite,
  KERNEL_STEPS,
  lrpComposite,
  PASS,
} from "./composite.js";
import { namedRule, type RuleSpec } from "./namedRules.js";

const shares = (who: string, spec: RuleSpec): Rule => ({
  kind: "shares",
  shares: namedRule(who, spec, { zennit: true }),
});

const NORM: RuleSpec = { rule: "Epsilon", epsilon: 1e-6 };

/** zennit's base map: activations pass, sums and average pooling by Norm, batch normalisation (what is not folded) passes. */
function withBaseMap(who: string, kernels: Composite): Composite {
  return lrpComposite({ kernels, normalization: PASS, sums: shares(who, NORM), epsilon: 1e-6 });
}

/** One rule for every dense layer and convolution. */
export function ruleComposite(who: string, rule: RuleSpec): Composite {
  return withBaseMap(who, [{ on: KERNEL_STEPS, rule: shares(who, rule) }]);
}

export interface ZennitOptions {
  readonly epsilon: number;
  /** The rule of convolutions. */
  readonly convolution: RuleSpec;
  /** The rule of the first dense layer or convolution. */
  readonly flat?: boolean;
  /** Bounds of the input: the first convolution by z^B. */
  readonly box?: { readonly low: Bound; readonly high: Bound };
}

/** Epsilon for dense layers, another rule for convolutions, perhaps one of its own for the first. */
export function zennitComposite(who: string, { epsilon, convolution, flat, box }: ZennitOptions): Composite {
  return withBaseMap(who, [
    ...(flat ? [{ on: KERNEL_STEPS, first: true, rule: shares(who, "Flat") } as const] : []),
    ...(box
      ? [{ on: CONVOLUTIONS, first: true, rule: shares(who, { rule: "Bounded", ...box }) } as const]
      : []),
    { on: CONVOLUTIONS, rule: shares(who, convolution) },
    { on: ["dense"], rule: shares(who, { rule: "Epsilon", epsilon }) },
  ]);
}

/**
 * Excitation backprop: z+ for kernel layers, the gradient for all else but sums.
 *
 * @source Zhang et al. 2016, arXiv:1608.00507; zennit ExcitationBackprop
 */
export function excitationComposite(who: string): Composite {
  const zPlus = shares(who, "ZPlus");
  return [
    { on: KERNEL_STEPS, rule: zPlus },
    { on: SUMS, rule: shares(who, NORM) },
    ...gradientComposite.map(({ on, rule }) => ({
      on: on.filter((kind) => !["recurrent", "opaque", "multiply"].includes(kind)),
      rule,
    })),
  ];
}
