import { ArgumentError } from "../errors.js";
import type { Bound, LinearRule, Stabilizer } from "../reverse/index.js";
import { readBound } from "./bounds.js";
import * as lrp from "./lrp.js";

/**
 * A rule of relevance by name: `"Epsilon"`, with parameters `{ rule: "Epsilon", epsilon: 0.1 }`, or `[low, high]` for
 * `{ rule: "Bounded", low, high }`.
 */
export type RuleSpec =
  | string
  | readonly [Bound, Bound]
  | { readonly rule: string; readonly [name: string]: unknown };

/** How two libraries differ in the same rules. */
export interface Dialect {
  /** iNNvestigate's numbers where it is wrong. */
  readonly compat?: boolean;
  /** zennit's stabilizer, and its bias in WSquare. */
  readonly zennit?: boolean;
}

interface Parameters {
  number(name: string, fallback: number, least?: number): number;
  boolean(name: string, fallback: boolean): boolean;
  bound(name: string, fallback: Bound): Bound;
  pair(name: string): [number, number];
}

type Make = (parameters: Parameters, dialect: Dialect) => LinearRule;

const ZENNIT: Stabilizer = { kind: "signed", epsilon: 1e-6 };
const stabilized = ({ zennit }: Dialect) => (zennit ? { stabilizer: ZENNIT } : {});

const alphaBeta =
  (fixed: { alpha?: number; beta?: number; bias?: boolean } = {}): Make =>
  (p, dialect) => {
    const { alpha, beta } =
      fixed.alpha === undefined ? readAlphaBeta(p) : (fixed as { alpha: number; beta: number });
    return lrp.alphaBetaRule({
      alpha,
      beta,
      bias: fixed.bias ?? p.boolean("bias", true),
      wholeBias: dialect.compat ?? false,
      ...stabilized(dialect),
    });
  };

const alphaBetaX =
  (alpha?: [number, number], beta?: [number, number]): Make =>
  (p, { compat = false }) =>
    lrp.alphaBetaXRule({
      alpha: alpha ?? p.pair("alpha"),
      beta: beta ?? p.pair("beta"),
      betaForNegatives: compat,
    });

const rules: Readonly<Record<string, { parameters: readonly string[]; make: Make }>> = {
  Z: { parameters: ["bias"], make: (p, d) => lrp.zRule({ bias: p.boolean("bias", true), ...stabilized(d) }) },
  ZIgnoreBias: { parameters: [], make: (_p, d) => lrp.zRule({ bias: false, ...stabilized(d) }) },
  Epsilon: {
    parameters: ["epsilon", "bias"],
    make: (p) => lrp.epsilonRule({ epsilon: p.number("epsilon", 1e-7, 0), bias: p.boolean("bias", true) }),
  },
  EpsilonIgnoreBias: {
    parameters: ["epsilon"],
    make: (p) => lrp.epsilonRule({ epsilon: p.number("epsilon", 1e-7, 0), bias: false }),
  },
  StdxEpsilon: {
    parameters: ["stdfactor", "bias"],
    make: (p) => lrp.deviationRule({ factor: p.number("stdfactor", 0.25, 0), bias: p.boolean("bias", true) }),
  },
  WSquare: {
    parameters: ["bias"],
    make: (p, d) => lrp.wSquareRule({ bias: p.boolean("bias", d.zennit ?? false), ...stabilized(d) }),
  },
  Flat: { parameters: [], make: (_p, d) => lrp.flatRule(stabilized(d)) },
  AlphaBeta: { parameters: ["alpha", "beta", "bias"], make: alphaBeta() },
  AlphaBetaIgnoreBias: { parameters: ["alpha", "beta"], make: alphaBeta({ bias: false }) },
  Alpha2Beta1: { parameters: [], make: alphaBeta({ alpha: 2, beta: 1, bias: true }) },
  Alpha2Beta1IgnoreBias: { parameters: [], make: alphaBeta({ alpha: 2, beta: 1, bias: false }) },
  Alpha1Beta0: { parameters: [], make: alphaBeta({ alpha: 1, beta: 0, bias: true }) },
  Alpha1Beta0IgnoreBias: { parameters: [], make: alphaBeta({ alpha: 1, beta: 0, bias: false }) },
  AlphaBetaX: { parameters: ["alpha", "beta"], make: alphaBetaX() },
  AlphaBetaX1000: { parameters: [], make: alphaBetaX([1, 0], [0, 0]) },
  AlphaBetaX1010: { parameters: [], make: alphaBetaX([1, 0], [0, -1]) },
  AlphaBetaX1001: { parameters: [], make: alphaBetaX([1, 1], [0, 0]) },
  AlphaBetaX2m100: { parameters: [], make: alphaBetaX([2, 0], [1, 0]) },
  ZPlus: {
    parameters: ["bias"],
    make: (p, d) =>
      lrp.alphaBetaRule({ alpha: 1, beta: 0, bias: p.boolean("bias", d.zennit ?? false), ...stabilized(d) }),
  },
  ZPlusFast: { parameters: [], make: (_p, d) => lrp.zPlusFastRule(stabilized(d)) },
  Bounded: {
    parameters: ["low", "high"],
    make: (p, d) => lrp.boundedRule({ low: p.bound("low", -1), high: p.bound("high", 1), ...stabilized(d) }),
  },
  SIGN: { parameters: ["bias"], make: (p) => lrp.signRule({ bias: p.boolean("bias", true) }) },
  SIGNmu: {
    parameters: ["mu", "bias"],
    make: (p) => lrp.signRule({ mu: p.bound("mu", 0), bias: p.boolean("bias", true) }),
  },
  Gamma: {
    parameters: ["gamma", "bias"],
    make: (p) => lrp.gammaRule({ gamma: p.number("gamma", 0.25, 0), bias: p.boolean("bias", true) }),
  },
};

/** The names that rules go by. */
export const ruleNames: readonly string[] = Object.keys(rules);

/**
 * A rule by name, with its parameters.
 *
 * @param what for messages: `lrp: input_layer_rule`
 * @throws ArgumentError for an unknown name or parameter, or a value out of range
 */
export function namedRule(what: string, spec: RuleSpec, dialect: Dialect = {}): LinearRule {
  const { rule: name, ...given } = asRecord(what, spec);
  const entry = rules[name];
  if (entry === undefined) {
    throw new ArgumentError(
      `${what}: unknown rule ${JSON.stringify(name)}; there are ${ruleNames.join(", ")}`,
    );
  }
  for (const parameter of Object.keys(given)) {
    if (!entry.parameters.includes(parameter)) {
      const there = entry.parameters.length > 0 ? `it has ${entry.parameters.join(", ")}` : "it has none";
      throw new ArgumentError(`${what}: rule ${name} has no parameter "${parameter}"; ${there}`);
    }
  }
  return entry.make(parametersOf(`${what}: rule ${name}`, given), dialect);
}

function asRecord(what: string, spec: RuleSpec): { rule: string; [name: string]: unknown } {
  if (typeof spec === "string") return { rule: spec };
  if (Array.isArray(spec) && spec.length === 2) return { rule: "Bounded", low: spec[0], high: spec[1] };
  if (typeof spec === "object" && spec !== null && "rule" in spec && typeof spec.rule === "string")
    return { ...spec };
  throw new ArgumentError(
    `${what}: expected a rule's name, { rule, ...parameters } or [low, high], got ${JSON.stringify(spec)}`,
  );
}

function parametersOf(what: string, given: Record<string, unknown>): Parameters {
  const refuse = (name: string, expected: string): never => {
    throw new ArgumentError(
      `${what}: expected ${name} to be ${expected}, got ${JSON.stringify(given[name])}`,
    );
  };
  return {
    number(name, fallback, least) {
      const value = given[name] ?? fallback;
      if (typeof value !== "number" || !Number.isFinite(value)) return refuse(name, "a number");
      if (least !== undefined && value < least) return refuse(name, `a number from ${least}`);
      return value;
    },
    boolean(name, fallback) {
      const value = given[name] ?? fallback;
      return typeof value === "boolean" ? value : refuse(name, "true or false");
    },
    bound: (name, fallback) => readBound(`${what}: ${name}`, given[name] ?? fallback),
    pair(name) {
      const value = given[name];
      const ok = Array.isArray(value) && value.length === 2 && value.every((n) => typeof n === "number");
      return ok ? (value as [number, number]) : refuse(name, "a list of two numbers");
    },
  };
}

function readAlphaBeta(p: Parameters): { alpha: number; beta: number } {
  const [alpha, beta] = [p.number("alpha", Number.MIN_VALUE), p.number("beta", Number.MIN_VALUE)];
  return completeAlphaBeta(
    "AlphaBeta",
    alpha === Number.MIN_VALUE ? null : alpha,
    beta === Number.MIN_VALUE ? null : beta,
  );
}

/**
 * alpha and beta, of which one follows from the other: alpha - beta = 1, alpha >= 1, beta >= 0.
 *
 * @throws ArgumentError where both are missing, or do not go together
 */
export function completeAlphaBeta(
  who: string,
  alpha: number | null,
  beta: number | null,
): { alpha: number; beta: number } {
  if (alpha === null && beta === null)
    throw new ArgumentError(`${who}: expected alpha or beta, or both with alpha - beta = 1`);
  const full = { alpha: alpha ?? (beta as number) + 1, beta: beta ?? (alpha as number) - 1 };
  if (!(full.alpha >= 1 && full.beta >= 0 && Math.abs(full.alpha - full.beta - 1) < 1e-9)) {
    throw new ArgumentError(
      `${who}: expected alpha >= 1, beta >= 0 and alpha - beta = 1, got alpha ${full.alpha} and beta ${full.beta}`,
    );
  }
  return full;
}
