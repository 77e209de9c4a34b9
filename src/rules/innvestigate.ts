import * as tf from "@tensorflow/tfjs";
import { weightOf } from "../layers/internals.js";
import type { LinearRule, Rule, Step, StepWeights } from "../reverse/index.js";
import {
  ACTIVATIONS,
  CONVOLUTIONS,
  type Composite,
  type CompositeEntry,
  KERNEL_STEPS,
  lrpComposite,
  PASS,
  RELUS,
} from "./composite.js";
import { alphaBetaRule, boundedRule, zRule } from "./lrp.js";
import { type Dialect, namedRule, type RuleSpec } from "./namedRules.js";

/** A rule for all kernel layers; or pairs of class names (`["*"]`: any) and rules, of which the first that fits is taken; or one for dense layers and one for convolutions. */
export type RuleList =
  | RuleSpec
  | { readonly dense: RuleSpec; readonly convolution: RuleSpec }
  | readonly (readonly [readonly string[], RuleSpec])[];

export interface InnvestigateOptions {
  readonly rule: RuleList;
  readonly inputLayerRule?: RuleSpec | null;
  readonly untilLayerIdx?: number | null;
  readonly untilLayerRule?: RuleSpec | null;
  /** Null: iNNvestigate's special rule, which is Z. */
  readonly bnLayerRule?: RuleSpec | null;
  readonly bnLayerFuseMode?: "one_linear" | "two_linear";
  readonly compat?: boolean;
}

/**
 * iNNvestigate's dispatch of LRP: the input layer's rule, then that of the first layers, then the given ones for kernel
 * layers; batch normalisation by its own; sums and average pooling by Z.
 *
 * @source iNNvestigate analyzer/relevance_based/relevance_analyzer.py
 */
export function innvestigateComposite(who: string, options: InnvestigateOptions): Composite {
  const { rule, inputLayerRule, untilLayerIdx, untilLayerRule, bnLayerRule, bnLayerFuseMode } = options;
  const dialect: Dialect = { compat: options.compat ?? false };
  const first: CompositeEntry[] = [];
  if (inputLayerRule != null) {
    const shares = namedRule(`${who}: inputLayerRule`, inputLayerRule, dialect);
    first.push({ on: KERNEL_STEPS, input: true, rule: { kind: "shares", shares } });
  }
  if (untilLayerIdx != null && untilLayerRule != null) {
    const shares = namedRule(`${who}: untilLayerRule`, untilLayerRule, dialect);
    first.push({ on: KERNEL_STEPS, untilLayer: untilLayerIdx, rule: { kind: "shares", shares } });
  }
  const normalization = namedRule(`${who}: bnLayerRule`, bnLayerRule ?? "Z", dialect);
  return lrpComposite({
    first,
    kernels: kernelEntries(who, rule, dialect),
    normalization:
      dialect.compat && bnLayerRule != null
        ? asInnvestigate(normalization, bnLayerFuseMode ?? "one_linear")
        : { kind: "shares", shares: normalization },
    sums: { kind: "shares", shares: zRule() },
    epsilon: 1e-7,
    activationLayers: dialect.compat ? "gradient" : "pass",
  });
}

function kernelEntries(who: string, rule: RuleList, dialect: Dialect): Composite {
  if (typeof rule === "object" && "dense" in rule) {
    const { dense, convolution } = rule as { dense: RuleSpec; convolution: RuleSpec };
    const shares = (spec: RuleSpec) =>
      ({ kind: "shares", shares: namedRule(`${who}: rule`, spec, dialect) }) as const;
    return [
      { on: ["dense"], rule: shares(dense) },
      { on: CONVOLUTIONS, rule: shares(convolution) },
    ];
  }
  if (!isList(rule)) {
    return [{ on: KERNEL_STEPS, rule: { kind: "shares", shares: namedRule(`${who}: rule`, rule, dialect) } }];
  }
  return rule.map(([classes, spec], i): CompositeEntry => {
    const shares = namedRule(`${who}: rule[${i}]`, spec, dialect);
    return {
      on: KERNEL_STEPS,
      ...(classes.includes("*") ? {} : { classes }),
      rule: { kind: "shares", shares },
    };
  });
}

function isList(rule: RuleList): rule is readonly (readonly [readonly string[], RuleSpec])[] {
  return Array.isArray(rule) && rule.every((entry) => Array.isArray(entry) && Array.isArray(entry[0]));
}

/** The rules of the presets: epsilon for dense layers, alpha-beta for convolutions. */
export function presetRules(epsilon: number, convolution: "Alpha1Beta0" | "Alpha2Beta1"): RuleList {
  return { dense: { rule: "Epsilon", epsilon }, convolution };
}

/**
 * Batch normalisation as iNNvestigate's fused layer has it: k = gamma / sqrt(variance² + epsilon), and a shift without
 * gamma. For `compat` only.
 */
function asInnvestigate(shares: LinearRule, mode: "one_linear" | "two_linear"): Rule {
  const weights = ({ node: { layer } }: Step): StepWeights[] => {
    const read = (field: string) => weightOf(layer, field);
    const slope = () =>
      tf.div(
        1,
        tf.sqrt(tf.add(tf.square(read("movingVariance") as tf.Tensor), layer.getConfig().epsilon as number)),
      );
    const shift = () => tf.neg(tf.mul(read("movingMean") as tf.Tensor, slope()));
    const gamma = () => read("gamma") ?? tf.onesLike(read("movingMean") as tf.Tensor);
    const stage = (kernel: () => tf.Tensor, bias: () => tf.Tensor | null): StepWeights => ({
      kernels: () => [kernel()],
      bias,
    });
    return mode === "one_linear"
      ? [
          stage(
            () => tf.mul(slope(), gamma()),
            () => tf.add(shift(), read("beta") ?? 0),
          ),
        ]
      : [stage(slope, shift), stage(gamma, () => read("beta"))];
  };
  return { kind: "sharesOf", shares, weights };
}

/**
 * Deep Taylor decomposition of networks of relu: z+ for kernel layers, at the input z^B where its bounds are known; what
 * has no weights by the gradient.
 *
 * @source Montavon et al. 2017, arXiv:1512.02479; iNNvestigate DeepTaylor, BoundedDeepTaylor
 */
export function deepTaylorComposite({
  bounds,
  compat,
}: {
  bounds: Parameters<typeof boundedRule>[0] | null;
  compat: boolean;
}): Composite {
  const bounded: Composite =
    bounds === null
      ? []
      : [{ on: KERNEL_STEPS, input: true, rule: { kind: "shares", shares: boundedRule(bounds) } }];
  return [
    ...bounded,
    {
      on: KERNEL_STEPS,
      rule: { kind: "shares", shares: alphaBetaRule({ alpha: 1, beta: 0, bias: false }) },
    },
    // W² of one weight is 1: all passes.
    { on: ["scale"], rule: compat ? { kind: "gradient" } : PASS },
    { on: ACTIVATIONS, activations: [...RELUS, "linear"], ownLayer: false, rule: PASS },
    { on: ACTIVATIONS, activations: [...RELUS, "linear"], rule: { kind: "gradient" } },
    { on: ["softmax"], last: true, rule: PASS },
    {
      on: [
        "add",
        "averagePool2d",
        "averagePool3d",
        "maxPool2d",
        "maxPool3d",
        "concatenate",
        "reshape",
        "permute",
        "upsample",
        "move",
        "identity",
      ],
      rule: { kind: "gradient" },
    },
    { on: ["embedding"], rule: { kind: "sumLast" } },
  ];
}
