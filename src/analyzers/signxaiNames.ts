import * as tf from "@tensorflow/tfjs";
import type { Method } from "./method.js";

/** What a finished attribution is multiplied with. */
export type AttributionFactor =
  | { readonly kind: "input" }
  /** -1 below mu, 1 from mu on. */
  | { readonly kind: "sign"; readonly mu: number };

export interface ParsedName {
  /** The method of this library. */
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly factors: readonly AttributionFactor[];
}

/** Prefixes of SIGNXAI's LRP names: the rule of the layers that see the input. */
const INPUT_RULES: Readonly<Record<string, unknown>> = {
  lrp: null,
  lrpsign: "SIGN",
  lrpz: "Z",
  w2lrp: "WSquare",
  flatlrp: "Flat",
  // The range of ImageNet's pixels less their means, as VGG16 takes them.
  zblrp: [-123.68, 151.061],
};

/** Names of SIGNXAI that are other names of methods here, with what it calls them by. */
const ALIASES: Readonly<Record<string, Omit<ParsedName, "factors">>> = {
  grad_cam_timeseries: { method: "grad_cam", options: { resize: "bilinear" } },
  grad_cam_VGG16ILSVRC: { method: "grad_cam", options: { layer: "block5_conv3" } },
  "lrp.std_x_epsilon": { method: "lrp.stdxepsilon", options: {} },
  "lrp.sequential_composite_a": { method: "lrp.sequential_preset_a", options: {} },
  "lrp.sequential_composite_b": { method: "lrp.sequential_preset_b", options: {} },
  "lrp.sequential_composite_a_flat": { method: "lrp.sequential_preset_a_flat", options: {} },
  "lrp.sequential_composite_b_flat": { method: "lrp.sequential_preset_b_flat", options: {} },
  "lrp.sequential_composite_b_flat_until_idx": {
    method: "lrp.sequential_preset_b_flat_until_idx",
    options: {},
  },
};

/** A number as the names write it: `0_25` is 0.25, `neg_0_5` is -0.5. */
const NUMBER = "(?:neg_)?\\d+(?:_\\d+)?";

function readNumber(text: string): number {
  const digits = text.replace(/^neg_/, "").replace("_", ".");
  return Number(digits) * (text.startsWith("neg_") ? -1 : 1);
}

/**
 * A method's name in SIGNXAI's grammar: `base[_param_value][_x_input][_x_sign[_mu[_neg]_V]]`, as
 * `lrpsign_epsilon_0_25_std_x` or `gradient_x_sign_mu_neg_0_5`. The prefix of an LRP name is the rule at the input.
 *
 * @param known the names of this library's methods
 * @returns null where the name is not of that grammar
 * @source SIGNXAI utils and methods (the original wrappers: the newer ones multiply the finished map instead)
 */
export function parseSignxaiName(name: string, known: readonly string[]): ParsedName | null {
  const suffix = new RegExp(`^(.*?)(_x_input)?(?:(_x_sign)(?:_mu_(${NUMBER}))?)?$`).exec(name);
  if (suffix === null) return null;
  const [, base = "", input, sign, mu] = suffix;
  const factors: AttributionFactor[] = [];
  if (input !== undefined) factors.push({ kind: "input" });
  if (sign !== undefined) factors.push({ kind: "sign", mu: mu === undefined ? 0 : readNumber(mu) });
  const parsed =
    factors.length > 0 && base in GRADIENTS && known.includes(base)
      ? { method: base, options: GRADIENTS[base] as Readonly<Record<string, unknown>> }
      : parseBase(base, known);
  return parsed && { ...parsed, factors };
}

function parseBase(base: string, known: readonly string[]): Omit<ParsedName, "factors"> | null {
  if (known.includes(base)) return { method: base, options: {} };
  return ALIASES[base] ?? parseLrp(base) ?? parseGradient(base, known);
}

function parseLrp(base: string): Omit<ParsedName, "factors"> | null {
  const parts = new RegExp(`^(lrpsign|lrpz|w2lrp|flatlrp|zblrp|lrp)_(.+?)(?:_mu_(${NUMBER}))?$`).exec(base);
  if (parts === null) return null;
  const [, prefix = "", rest = "", mu] = parts;
  if (mu !== undefined && prefix !== "lrpsign") return null;
  const rule = mu === undefined ? INPUT_RULES[prefix] : { rule: "SIGNmu", mu: readNumber(mu) };
  const rules = rule === null ? {} : { inputLayerRule: rule };
  const found = lrpRule(rest, prefix === "lrp");
  return found && { method: found.method, options: { ...found.options, ...rules } };
}

/** @param plain without a rule at the input, for which alone some rules have a name */
function lrpRule(rest: string, plain: boolean): Omit<ParsedName, "factors"> | null {
  const epsilon = new RegExp(`^epsilon_(${NUMBER})(_std_x)?$`).exec(rest);
  if (epsilon !== null) {
    const value = readNumber(epsilon[1] as string);
    return epsilon[2] === undefined
      ? { method: "lrp.epsilon", options: { epsilon: value } }
      : { method: "lrp.stdxepsilon", options: { stdfactor: value } };
  }
  const alphaBeta = /^alpha_(\d+)_beta_(\d+)$/.exec(rest);
  if (alphaBeta !== null)
    return {
      method: "lrp.alpha_beta",
      options: { alpha: Number(alphaBeta[1]), beta: Number(alphaBeta[2]) },
    };
  const gamma = new RegExp(`^gamma(?:_(${NUMBER}))?$`).exec(rest);
  if (gamma !== null && plain) {
    return { method: "lrp.gamma", options: gamma[1] === undefined ? {} : { gamma: readNumber(gamma[1]) } };
  }
  const named: Readonly<Record<string, string>> = {
    z: "lrp.z",
    flat: "lrp.flat",
    w_square: "lrp.w_square",
    z_plus: "lrp.z_plus",
    epsilon: "lrp.epsilon",
    sequential_composite_a: "lrp.sequential_preset_a",
    sequential_composite_b: "lrp.sequential_preset_b",
  };
  const method = named[rest];
  return method === undefined ? null : { method, options: {} };
}

/** SIGNXAI's own defaults: 50 noisy samples with deviation 0.2, 50 steps. */
const NOISY = { augmentByN: 50, noiseScale: 0.2 };
const GRADIENTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  smoothgrad: NOISY,
  vargrad: NOISY,
  integrated_gradients: { steps: 50 },
};
const PARAMETERS: Readonly<Record<string, string>> = {
  steps: "steps",
  noise: "noiseScale",
  samples: "augmentByN",
};

/** `smoothgrad_noise_0_1_samples_20`, `integrated_gradients_steps_50`. */
function parseGradient(base: string, known: readonly string[]): Omit<ParsedName, "factors"> | null {
  const parts = new RegExp(
    `^(smoothgrad|vargrad|integrated_gradients)((?:_(?:steps|noise|samples)_${NUMBER})+)$`,
  ).exec(base);
  if (parts === null) return null;
  const [, method = "", parameters = ""] = parts;
  if (!known.includes(method)) return null;
  const given = [
    ...parameters.matchAll(new RegExp(`_(steps|noise|samples)_(${NUMBER}?)(?=_[a-z]|$)`, "g")),
  ].map(([, name = "", value = ""]): [string, number] => [PARAMETERS[name] as string, readNumber(value)]);
  return { method, options: { ...GRADIENTS[method], ...Object.fromEntries(given) } };
}

/** A method whose result is multiplied with the input, its sign, or both. */
export function withFactors(method: Method, factors: readonly AttributionFactor[]): Method {
  if (factors.length === 0) return method;
  const factorsOf = (x: tf.Tensor) =>
    factors.map((factor) =>
      factor.kind === "input" ? x : tf.sub(tf.mul(tf.cast(tf.greaterEqual(x, factor.mu), "float32"), 2), 1),
    );
  const times = (r: tf.Tensor, x: tf.Tensor) => factorsOf(x).reduce((product, f) => tf.mul(product, f), r);
  const { passes, signal } = method;
  const plain: Method = { ...method, complete: false, timesInput: true };
  if (signal) return { ...plain, signal: (x, i) => times(signal(x, i), x) };
  if (passes) {
    const finish = (mean: tf.Tensor, x: tf.Tensor, i: number) =>
      times(passes.finish?.(mean, x, i) ?? mean, x);
    return { ...plain, passes: { ...passes, finish } };
  }
  if (method.map) return { ...plain, after: times };
  return { ...plain, finish: (r, x, i) => times(method.finish?.(r, x, i) ?? r, x) };
}
