import { MOVES, type Step } from "./steps.js";

/** Activations whose values are never negative. */
const RECTIFYING = ["relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax", "thresholdedrelu"];

/**
 * The tensors of a program that hold no negative values, whatever its input: what leaves relu and its like, and what pools,
 * moves or adds up such tensors. Rules that treat the negative part of an input apart have nothing to do there.
 */
export function nonNegativeTensors(steps: readonly Step[]): Set<number> {
  const known = new Set<number>();
  for (const step of steps) {
    if (isNonNegative(step, (id) => known.has(id))) for (const id of step.outputs) known.add(id);
  }
  return known;
}

function isNonNegative(step: Step, known: (id: number) => boolean): boolean {
  switch (step.kind) {
    case "activation":
    case "softmax":
      return (
        RECTIFYING.includes(step.activation) || (step.activation === "linear" && step.inputs.every(known))
      );
    case "add":
      return step.inputs.every(known) && step.factors.every((factor) => factor >= 0);
    case "averagePool2d":
    case "averagePool3d":
    case "maxPool2d":
    case "maxPool3d":
    case "concatenate":
    case "reshape":
    case "permute":
    case "upsample":
    case "move":
    case "identity":
    case "multiply":
    case "bilinear":
    case "weighted":
    case "extremum":
      return step.inputs.every(known);
    case "dense":
    case "conv2d":
    case "depthwiseConv2d":
    case "separableConv2d":
    case "conv2dTranspose":
    case "conv3d":
    case "conv3dTranspose":
    case "scale":
    case "layerNormalization":
    case "sum":
    case "embedding":
    case "recurrent":
    case "mask":
    case "opaque":
      return false;
    default:
      return step satisfies never;
  }
}

/** The tensors of a program that hold the shares that a softmax gave, moved at most: what may weigh values, as attention does. */
export function probabilityTensors(steps: readonly Step[]): Set<number> {
  const known = new Set<number>();
  const moving: readonly Step["kind"][] = MOVES;
  for (const { kind, inputs, outputs } of steps) {
    const moved = moving.includes(kind) && inputs.every((id) => known.has(id));
    if (kind === "softmax" || moved) for (const id of outputs) known.add(id);
  }
  return known;
}
