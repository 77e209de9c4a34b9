import * as tf from "@tensorflow/tfjs";
import { derived } from "../kernels/derived.js";
import type { Step, StepWeights } from "./steps.js";

type Foldable = Extract<Step, { weights: StepWeights }> & {
  kind: Exclude<Extract<Step, { weights: StepWeights }>["kind"], "scale">;
};

/**
 * Folds each batch normalisation into the dense layer or convolution right before it, where nothing else uses what comes
 * between: w k and (b k + shift) for k = gamma / deviation. The normalisation's place is taken by an identity, so that its
 * layer keeps its tensors.
 *
 * @source zennit canonizers.SequentialMergeBatchNorm
 */
export function foldNormalizations(steps: readonly Step[], outputs: readonly number[]): Step[] {
  const folded = [...steps];
  const uses = (id: number) =>
    steps.filter((step) => step.inputs.includes(id)).length + (outputs.includes(id) ? 1 : 0);
  steps.forEach((step, at) => {
    if (step.kind !== "scale" || !step.channelsLast) return;
    const before = producer(folded, step.inputs[0] as number, uses);
    if (before === null) return;
    const linear = folded[before] as Foldable;
    folded[before] = { ...linear, weights: scaled(linear, step.weights) } as Step;
    const { node, inputs, outputs: ys } = step;
    folded[at] = { kind: "identity", node, inputs, outputs: ys };
  });
  return folded;
}

/** The place of the linear step that makes a tensor, looking through reshapes that are part of its layer. */
function producer(steps: readonly Step[], id: number, uses: (id: number) => number): number | null {
  if (uses(id) !== 1) return null;
  const at = steps.findIndex((step) => step.outputs.includes(id));
  const step = steps[at];
  if (step === undefined) return null;
  if (isFoldable(step)) return at;
  if (step.kind !== "reshape" || step.node.layer.getClassName() === "Reshape") return null;
  const inner = producer(steps, step.inputs[0] as number, uses);
  return inner !== null && steps[inner]?.node === step.node ? inner : null;
}

function isFoldable(step: Step): step is Foldable {
  return "weights" in step && step.kind !== "scale";
}

function scaled({ kind, weights }: Foldable, scale: StepWeights): StepWeights {
  const factor = (kernel: tf.Tensor): tf.Tensor => {
    const k = first(scale);
    switch (kind) {
      case "dense":
      case "conv2d":
      case "conv3d":
      case "separableConv2d":
        return k; // filters last
      case "depthwiseConv2d":
        return tf.reshape(k, kernel.shape.slice(2));
      case "conv2dTranspose":
      case "conv3dTranspose":
        return tf.reshape(k, [-1, 1]); // filters last but one
      default:
        return kind satisfies never;
    }
  };
  return {
    kernels: () => {
      const kernels = weights.kernels();
      const last = kernels.at(-1) as tf.Tensor;
      const folded = () => tf.tidy(() => tf.mul(last, factor(last)));
      const { computed } = scale;
      const kept =
        last.rank === 4 && computed !== undefined
          ? derived([last, ...computed.from()], `folded ${last.shape} ${computed.by}`, folded)
          : folded();
      return [...kernels.slice(0, -1), kept];
    },
    bias: () => {
      const shift = scale.bias();
      const bias = weights.bias();
      const moved = bias === null ? null : tf.mul(bias, tf.reshape(first(scale), [-1]));
      if (moved === null || shift === null) return moved ?? shift;
      return tf.add(moved, tf.reshape(shift, [-1]));
    },
  };
}

function first(weights: StepWeights): tf.Tensor {
  return weights.kernels()[0] as tf.Tensor;
}
