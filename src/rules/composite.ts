import type * as tf from "@tensorflow/tfjs";
import { UnsupportedLayerError } from "../errors.js";
import {
  CHOICES,
  CONVOLUTIONS,
  KERNEL_STEPS,
  MOVES,
  nameOf,
  type Program,
  type Rule,
  type Step,
  type StepKind,
  SUMS,
} from "../reverse/index.js";
import { type Place, placesOf } from "./places.js";

/** One line of a composite: to which steps a rule goes. All that is given must hold. */
export interface CompositeEntry {
  readonly on: readonly StepKind[];
  /** Class names of layers: `["Conv2D"]`. */
  readonly classes?: readonly string[];
  /** Names of activations, as tfjs registers them: `["relu"]`. */
  readonly activations?: readonly string[];
  /** Whether an activation is a layer of its own, or part of the layer before it. */
  readonly ownLayer?: boolean;
  /** Only steps that see nothing but the model's inputs, through reshapes and padding at most. */
  readonly input?: true;
  /** Only the first step of those kinds. */
  readonly first?: true;
  /** Only layers up to this place in `model.layers`. */
  readonly untilLayer?: number;
  /** Only what gives the explained output. */
  readonly last?: true;
  /** Only softmaxes whose shares weigh values, as attention's do. */
  readonly weighs?: true;
  readonly rule: Rule;
}

/** Which rule goes to which steps: the first entry that fits. */
export type Composite = readonly CompositeEntry[];

const ACTIVATIONS = ["activation"] as const satisfies StepKind[];
/** All kinds but embeddings, whose tokens have no gradient. */
const DIFFERENTIABLE: readonly StepKind[] = [
  ...KERNEL_STEPS,
  "scale",
  ...SUMS,
  ...MOVES,
  ...CHOICES,
  ...ACTIVATIONS,
  "softmax",
  "layerNormalization",
  "multiply",
  "weighted",
  "recurrent",
  "opaque",
];
/** Layers that are not taken apart when they are differentiated. */
const WHOLE = ["recurrent", "opaque"] as const satisfies StepKind[];

const GRADIENT: Rule = { kind: "gradient" };
const PASS: Rule = { kind: "pass" };

/** The vector-Jacobian product everywhere. */
export const gradientComposite: Composite = [{ on: DIFFERENTIABLE, rule: GRADIENT }];

/** Activations that rectify: relu, also cut off above. */
const RELUS = ["relu", "relu6", "cappedrelu"];

/**
 * Deconvnet, or guided backpropagation: the gradient, of which only what is positive passes a relu.
 *
 * @param others whether other activations pass their gradient, or have no rule
 */
export function rectifiedComposite({
  guided,
  others,
}: {
  guided: boolean;
  others: "refuse" | "gradient";
}): Composite {
  const rest = DIFFERENTIABLE.filter(
    (kind) => kind !== "activation" && (others === "gradient" || !WHOLE.some((whole) => whole === kind)),
  );
  return [
    { on: ACTIVATIONS, activations: RELUS, rule: { kind: "rectified", guided } },
    { on: ACTIVATIONS, activations: ["linear"], rule: GRADIENT },
    ...(others === "gradient" ? [{ on: [...ACTIVATIONS, ...WHOLE], rule: GRADIENT }] : []),
    { on: rest, rule: GRADIENT },
  ];
}

export interface LrpOptions {
  /** Before all others. */
  readonly first?: Composite;
  /** Rules of dense layers and convolutions. */
  readonly kernels: Composite;
  /** Rule of batch normalisation. */
  readonly normalization: Rule;
  /** Rule of sums and of average pooling. */
  readonly sums: Rule;
  /** Epsilon of layer normalisation. */
  readonly epsilon: number;
  /** Whether activation layers pass relevance on, as they should, or only those called `Activation`. */
  readonly activationLayers?: "pass" | "gradient";
}

/** How relevance passes attention: through all of it, or through the values alone, as if its weights were constants. */
export type AttentionRules = "attnlrp" | "constant";

/**
 * A composite that passes attention besides: products of two tensors and softmaxes inside the model.
 *
 * @source Achtibat et al. 2024, arXiv:2402.05602 (attnlrp); Ali et al. 2022, arXiv:2202.07304 (constant)
 */
export function withAttention(composite: Composite, rules: AttentionRules): Composite {
  const constant: Composite = [
    { on: ["softmax"], weighs: true, rule: { kind: "stop" } },
    { on: ["multiply"], rule: { kind: "equal", among: "values" } },
  ];
  const shares = rules === "attnlrp" ? "half" : "toValues";
  return [
    { on: ["softmax"], last: true, rule: PASS },
    ...(rules === "constant" ? constant : []),
    { on: ["softmax"], rule: { kind: "tangent" } },
    { on: ["bilinear"], rule: { kind: "bilinear", shares, epsilon: 1e-6 } },
    ...composite,
  ];
}

/** A recurrent layer takes what dense layers take, through time. */
function withRecurrent(entry: CompositeEntry): CompositeEntry {
  return entry.on.includes("dense") ? { ...entry, on: [...entry.on, "recurrent"] } : entry;
}

/**
 * What the LRP methods have in common: kernel layers, batch normalisation and sums by their rules; activations pass; what
 * only moves values, and what chooses the largest, by the gradient; the factors of a product get equal parts; an embedding's
 * relevance is summed for each token; recurrent layers as dense layers at each time step. No entry for layers that are not taken apart, or for a softmax or a
 * product of two tensors inside the model: a gradient is no relevance rule there.
 */
export function lrpComposite({
  first = [],
  kernels,
  normalization,
  sums,
  epsilon,
  activationLayers = "pass",
}: LrpOptions): Composite {
  const compat: Composite =
    activationLayers === "gradient"
      ? [
          {
            on: ACTIVATIONS,
            classes: ["LeakyReLU", "ELU", "PReLU", "ThresholdedReLU", "ReLU"],
            rule: GRADIENT,
          },
        ]
      : [];
  return [
    ...[...first, ...kernels].map(withRecurrent),
    { on: ["scale"], rule: normalization },
    { on: SUMS, rule: sums },
    ...compat,
    { on: ACTIVATIONS, rule: PASS },
    { on: ["softmax"], last: true, rule: PASS },
    { on: [...MOVES, ...CHOICES], rule: GRADIENT },
    { on: ["layerNormalization"], rule: { kind: "normalization", epsilon } },
    { on: ["multiply"], rule: { kind: "equal" } },
    { on: ["weighted"], rule: { kind: "weighted", epsilon } },
    { on: ["embedding"], rule: { kind: "sumLast" } },
  ];
}

export { ACTIVATIONS, CONVOLUTIONS, KERNEL_STEPS, PASS, RELUS };

export interface RulesOptions {
  /** The methods that could do what this one cannot, for the message. */
  readonly alternatives: readonly string[];
  /** Whether the method takes the option stopAt, for the message. Default true. */
  readonly canStop?: boolean;
  /** Tensors at which relevance stops: what lies behind them needs no rule. */
  readonly stopAt?: ReadonlySet<number>;
}

/**
 * The rule of every step of a program; null where nothing arrives.
 *
 * @throws UnsupportedLayerError naming the first layer that the composite has no rule for
 */
export function rulesOf(
  who: string,
  composite: Composite,
  program: Program,
  model: tf.LayersModel,
  { alternatives, canStop = true, stopAt = new Set() }: RulesOptions,
): (Rule | null)[] {
  const rules = rulesAt(composite, program, model, stopAt);
  return program.steps.map((step, at) => {
    const rule = rules[at];
    if (rule === undefined) {
      const { layer } = step.node;
      const message = `${who}: ${nameOf(step)} ${whyNot(step, alternatives, canStop)}`;
      throw new UnsupportedLayerError(message, layer.name, layer.getClassName());
    }
    return rule;
  });
}

/** Why a composite cannot pass a step, for every step of a program; null where it can. */
export function refusalsOf(
  composite: Composite,
  program: Program,
  model: tf.LayersModel,
  { alternatives, canStop = true, stopAt = new Set() }: RulesOptions,
): (string | null)[] {
  const rules = rulesAt(composite, program, model, stopAt);
  return program.steps.map((step, at) =>
    rules[at] === undefined ? whyNot(step, alternatives, canStop) : null,
  );
}

/** For each step the rule that applies to it: null where no relevance arrives; undefined where there is none. */
function rulesAt(
  composite: Composite,
  program: Program,
  model: tf.LayersModel,
  stopAt: ReadonlySet<number>,
): (Rule | null | undefined)[] {
  const places = placesOf(program, model);
  const firsts = composite.map((entry) =>
    entry.first ? places.find((place) => fits(place, { ...entry, first: undefined }, null)) : null,
  );
  const ruleAt = (step: Step, at: number) => {
    const entry = composite.find((candidate, i) => fits(places[at] as Place, candidate, firsts[i] ?? null));
    return entry !== undefined && step.kind === "recurrent" ? throughTime(entry, composite) : entry?.rule;
  };
  // From the outputs, as far as relevance comes without passing a stop.
  const wanted = new Set(program.outputs);
  const rules = program.steps.map((): Rule | null | undefined => null);
  for (const [at, step] of [...program.steps.entries()].reverse()) {
    if (!step.outputs.some((id) => wanted.has(id) && !stopAt.has(id))) continue;
    const rule = ruleAt(step, at);
    rules[at] = rule;
    if (rule?.kind !== "stop") for (const id of step.inputs.slice(0, step.carried)) wanted.add(id);
  }
  return rules;
}

/**
 * The rule of kernels, with that of sums, as one through time. A rule for the layer at the input is one for what the input
 * holds, and not for the states: there is none.
 */
function throughTime({ rule, input, first }: CompositeEntry, composite: Composite): Rule | undefined {
  if (rule.kind !== "shares") return rule;
  const sums = composite.find(({ on }) => on.includes("add"))?.rule;
  if (input || first || sums?.kind !== "shares") return undefined;
  return { kind: "throughTime", cell: { kernels: rule.shares, sums: sums.shares } };
}

type Conditions = Omit<CompositeEntry, "first"> & { first?: true | undefined };

function fits(place: Place, entry: Conditions, first: Place | null): boolean {
  const { step, input, last, layerIndex } = place;
  const { layer } = step.node;
  return (
    entry.on.includes(step.kind) &&
    (entry.classes === undefined || entry.classes.includes(layer.getClassName())) &&
    (entry.activations === undefined ||
      ("activation" in step && entry.activations.includes(step.activation))) &&
    (entry.ownLayer === undefined || entry.ownLayer === place.ownLayer) &&
    (!entry.input || input) &&
    (!entry.last || last) &&
    (!entry.weighs || place.weighs) &&
    (!entry.first || place === first) &&
    (entry.untilLayer === undefined || layerIndex <= entry.untilLayer)
  );
}

function whyNot(step: Step, alternatives: readonly string[], canStop: boolean): string {
  if (step.kind === "embedding") {
    const advice = canStop ? `pass { stopAt: "${step.node.path}" } to explain what it gives, or ` : "";
    return `takes token numbers, which have no gradient; ${advice}use an lrp method`;
  }
  const why =
    step.kind === "softmax"
      ? "is a softmax inside the model, which has no rule of relevance"
      : step.kind === "activation"
        ? `has the activation ${step.activation}, for which it is not defined`
        : "has no rule of relevance";
  const others = alternatives.length > 0 ? [`${alternatives.join(" and ")} can explain this model`] : [];
  const attends = step.kind === "softmax" || (step.kind === "opaque" && step.attends);
  const withOption = 'the lrp methods pass it with the option attention, "attnlrp" or "constant"';
  return [why, ...others, ...(attends ? [withOption] : [])].join("; ");
}
