import { UnsupportedLayerError } from "../errors.js";
import {
  type LinearRule,
  nameOf,
  type Program,
  type Rule,
  type Step,
  type StepKind,
} from "../reverse/index.js";
import { zRule } from "./lrp.js";

/** Which rule goes to which steps: the first entry that names a step's kind. */
export type Composite = readonly { readonly on: readonly StepKind[]; readonly rule: Rule }[];

/** The vector-Jacobian product everywhere. */
export const gradientComposite: Composite = [
  {
    on: [
      "dense",
      "conv2d",
      "scale",
      "averagePool2d",
      "add",
      "concatenate",
      "reshape",
      "identity",
      "activation",
      "softmax",
      "maxPool2d",
      "opaque",
    ],
    rule: { kind: "gradient" },
  },
];

/**
 * iNNvestigate's dispatch of LRP: kernel layers and batch normalisation by the rule; average pooling and sums by z;
 * activations pass; what only moves values, and max pooling, by the gradient. No entry for layers that are not taken
 * apart: a gradient is no relevance rule there.
 */
export function lrpComposite(rule: LinearRule): Composite {
  return [
    { on: ["dense", "conv2d", "scale"], rule: { kind: "shares", shares: rule } },
    { on: ["averagePool2d", "add"], rule: { kind: "shares", shares: zRule({ bias: true }) } },
    { on: ["activation", "softmax"], rule: { kind: "pass" } },
    { on: ["concatenate", "reshape", "identity", "maxPool2d"], rule: { kind: "gradient" } },
  ];
}

/**
 * The rule of every step of a program.
 *
 * @param alternatives the methods that could do what this one cannot, for the message
 * @throws UnsupportedLayerError naming the first layer that the composite has no rule for
 */
export function rulesOf(
  who: string,
  composite: Composite,
  program: Program,
  alternatives: readonly string[],
): Rule[] {
  return program.steps.map((step) => ruleOf(who, composite, step, alternatives));
}

function ruleOf(who: string, composite: Composite, step: Step, alternatives: readonly string[]): Rule {
  const entry = composite.find(({ on }) => on.includes(step.kind));
  if (entry !== undefined) return entry.rule;
  const { layer } = step.node;
  throw new UnsupportedLayerError(
    `${who}: ${nameOf(step)} has no rule of relevance; ${alternatives.join(" and ")} can explain this model`,
    layer.name,
    layer.getClassName(),
  );
}
