import type { LinearRule, Stabilizer } from "../reverse/index.js";

/** iNNvestigate's safe_divide: 1e-7 where a denominator is exactly zero. */
export const EXACT: Stabilizer = { kind: "exact", epsilon: 1e-7 };

/**
 * LRP-z: R_i = sum_j x_i w_ij / z_j R_j, z_j = sum_i x_i w_ij + b_j. With the bias it takes the share b_j / z_j.
 *
 * @source Bach et al. 2015, doi:10.1371/journal.pone.0130140; iNNvestigate ZRule, ZIgnoreBiasRule
 */
export function zRule({ bias }: { bias: boolean }): LinearRule {
  return [{ weight: 1, terms: [{ x: "all", w: "all" }], bias: bias ? "all" : "none", stabilizer: EXACT }];
}

/**
 * LRP-epsilon: as LRP-z with z_j + epsilon sign(z_j) below, sign(0) = 1: what is nearly zero no longer decides, and a
 * little relevance is absorbed.
 *
 * @source Bach et al. 2015, equation 58; iNNvestigate EpsilonRule
 */
export function epsilonRule({ epsilon, bias }: { epsilon: number; bias: boolean }): LinearRule {
  return [
    {
      weight: 1,
      terms: [{ x: "all", w: "all" }],
      bias: bias ? "all" : "none",
      stabilizer: { kind: "signed", epsilon },
    },
  ];
}
