import type { Bound, LinearRule, Stabilizer, Term } from "../reverse/index.js";

/** iNNvestigate's safe_divide: 1e-7 where a denominator is exactly zero. */
const EXACT: Stabilizer = { kind: "exact", epsilon: 1e-7 };

export interface RuleOptions {
  /** Whether the bias counts in the denominator, and so takes its share. */
  bias?: boolean;
  /** Default: 1e-7 where a denominator is exactly 0. */
  stabilizer?: Stabilizer;
}

/** x w over itself: the terms of LRP-z and of what differs from it in the denominator only. */
const PLAIN: readonly Term[] = [{ x: "all", w: "all" }];

/**
 * LRP-z: R_i = sum_j x_i w_ij / z_j R_j, z_j = sum_i x_i w_ij + b_j. With the bias it takes the share b_j / z_j.
 *
 * @source Bach et al. 2015, doi:10.1371/journal.pone.0130140; iNNvestigate ZRule, ZIgnoreBiasRule
 */
export function zRule({ bias = true, stabilizer = EXACT }: RuleOptions = {}): LinearRule {
  return [{ weight: 1, terms: PLAIN, bias: bias ? "all" : "none", stabilizer }];
}

/**
 * LRP-epsilon: as LRP-z with z_j + epsilon sign(z_j) below, sign(0) = 1: what is nearly zero no longer decides, and a
 * little relevance is absorbed.
 *
 * @source Bach et al. 2015, equation 58; iNNvestigate EpsilonRule
 */
export function epsilonRule({ epsilon, bias = true }: { epsilon: number; bias?: boolean }): LinearRule {
  return zRule({ bias, stabilizer: { kind: "signed", epsilon } });
}

/**
 * LRP-epsilon with epsilon = factor times the standard deviation of the layer's input.
 *
 * @param over the whole batch, as SIGNXAI does, or each sample by itself
 * @source Gumpfer et al. 2023, doi:10.1016/j.inffus.2023.101883; SIGNXAI StdxEpsilonRule
 */
export function deviationRule({
  factor,
  over = "batch",
  bias = true,
}: {
  factor: number;
  over?: "batch" | "sample";
  bias?: boolean;
}): LinearRule {
  return zRule({ bias, stabilizer: { kind: "deviation", factor, over } });
}

/** R_i = sum_j w_ij² / sum_i w_ij² R_j. @source Montavon et al. 2017, arXiv:1512.02479; iNNvestigate WSquareRule */
export function wSquareRule({ bias = false, stabilizer = EXACT }: RuleOptions = {}): LinearRule {
  return [{ weight: 1, terms: [{ x: "ones", w: "squared" }], bias: bias ? "squared" : "none", stabilizer }];
}

/** Each input that reaches an output gets an equal part of its relevance. @source iNNvestigate FlatRule */
export function flatRule({ stabilizer = EXACT }: Pick<RuleOptions, "stabilizer"> = {}): LinearRule {
  return [{ weight: 1, terms: [{ x: "ones", w: "ones" }], bias: "none", stabilizer }];
}

/** What speaks for an output: x+ w+ and x- w-. */
const FOR: readonly Term[] = [
  { x: "positive", w: "positive" },
  { x: "negative", w: "negative" },
];
/** What speaks against it: x+ w- and x- w+. */
const AGAINST: readonly Term[] = [
  { x: "positive", w: "negative" },
  { x: "negative", w: "positive" },
];

export interface AlphaBetaOptions extends RuleOptions {
  alpha: number;
  beta: number;
  /** iNNvestigate adds the whole bias to both denominators, in place of its positive and its negative part. */
  wholeBias?: boolean;
}

/**
 * LRP-alpha-beta: alpha times the shares of what speaks for an output (x+ w+ + x- w- + b+), less beta times the shares of
 * what speaks against it (x+ w- + x- w+ + b-).
 *
 * @source Bach et al. 2015, equation 60; iNNvestigate AlphaBetaRule (whose bias is wrong); zennit AlphaBeta
 */
export function alphaBetaRule({
  alpha,
  beta,
  bias = true,
  stabilizer = EXACT,
  wholeBias = false,
}: AlphaBetaOptions): LinearRule {
  const part = (own: "positive" | "negative") => (!bias ? "none" : wholeBias ? "all" : own);
  return [
    { weight: alpha, terms: FOR, bias: part("positive"), stabilizer } as const,
    { weight: -beta, terms: AGAINST, bias: part("negative"), stabilizer } as const,
  ].filter(({ weight }) => weight !== 0);
}

/** LRP-z+ that does not look at the signs of x: x w+ over itself. @source iNNvestigate ZPlusFastRule */
export function zPlusFastRule({ stabilizer = EXACT }: Pick<RuleOptions, "stabilizer"> = {}): LinearRule {
  return [{ weight: 1, terms: [{ x: "all", w: "positive" }], bias: "none", stabilizer }];
}

export interface AlphaBetaXOptions {
  /** Weights of x+ w+ and of x- w-. */
  alpha: readonly [number, number];
  /** Weights of x+ w- and of x- w+, to be taken away. */
  beta: readonly [number, number];
  /** iNNvestigate weighs x- w- with beta[1]. */
  betaForNegatives?: boolean;
}

/**
 * Each of the four parts of x w by its own denominator:
 * R = alpha0 r(x+ w+) + alpha1 r(x- w-) - beta0 r(x+ w-) - beta1 r(x- w+), each with the bias of its weight's sign.
 *
 * @source iNNvestigate AlphaBetaXRule (whose x- w- has the weight beta1)
 */
export function alphaBetaXRule({ alpha, beta, betaForNegatives = false }: AlphaBetaXOptions): LinearRule {
  const part = (weight: number, x: "positive" | "negative", w: "positive" | "negative") => ({
    weight,
    terms: [{ x, w }],
    bias: w,
    stabilizer: EXACT,
  });
  return [
    part(alpha[0], "positive", "positive"),
    part(betaForNegatives ? beta[1] : alpha[1], "negative", "negative"),
    part(-beta[0], "positive", "negative"),
    part(-beta[1], "negative", "positive"),
  ].filter(({ weight }) => weight !== 0);
}

/**
 * z^B, for inputs known to lie in [low, high]: x w - low w+ - high w- over itself.
 *
 * @source Montavon et al. 2017, arXiv:1512.02479; iNNvestigate BoundedRule, zennit ZBox
 */
export function boundedRule({
  low,
  high,
  stabilizer = EXACT,
}: {
  low: Bound;
  high: Bound;
  stabilizer?: Stabilizer;
}): LinearRule {
  return [
    {
      weight: 1,
      terms: [
        { x: "all", w: "all" },
        { x: { constant: low }, w: "positive", coefficient: -1 },
        { x: { constant: high }, w: "negative", coefficient: -1 },
      ],
      bias: "none",
      stabilizer,
    },
  ];
}

/**
 * SIGN: R_i = sign(x_i) sum_j w_ij / z_j R_j, with sign(x) = -1 below mu and 1 from mu on: an input near zero counts as much
 * as a large one.
 *
 * @source Gumpfer et al. 2023, doi:10.1016/j.inffus.2023.101883; SIGNXAI SIGNRule, SIGNmuRule
 */
export function signRule({ mu = 0, bias = true }: { mu?: Bound; bias?: boolean } = {}): LinearRule {
  return [
    {
      weight: 1,
      terms: [{ x: "all", w: "all", factor: { signFrom: mu } }],
      bias: bias ? "all" : "none",
      stabilizer: EXACT,
    },
  ];
}

/**
 * LRP-gamma for inputs of both signs: where an output is positive, what speaks for it counts 1 + gamma times
 * (x+ (w + gamma w+) + x- (w + gamma w-) + b + gamma b+); where it is negative the mirror of that.
 *
 * @source Montavon et al. 2019, doi:10.1007/978-3-030-28954-6_10; zennit Gamma
 */
export function gammaRule({
  gamma,
  bias = true,
  stabilizer = { kind: "signed", epsilon: 1e-6 },
}: RuleOptions & { gamma: number }): LinearRule {
  const positive = { gamma, of: "positive" } as const;
  const negative = { gamma, of: "negative" } as const;
  return [
    {
      weight: 1,
      terms: [
        { x: "positive", w: positive },
        { x: "negative", w: negative },
      ],
      bias: bias ? positive : "none",
      stabilizer,
      when: "positive",
    },
    {
      weight: 1,
      terms: [
        { x: "positive", w: negative },
        { x: "negative", w: positive },
      ],
      bias: bias ? negative : "none",
      stabilizer,
      when: "negative",
    },
  ];
}
