import type * as tf from "@tensorflow/tfjs";
import { isActivationLayer } from "../checks/activations.js";
import { MOVES, type Program, type Step, type StepKind } from "../reverse/index.js";

/** Where a step stands in its model: what composites ask. */
export interface Place {
  readonly step: Step;
  /** Whether it sees nothing but the model's inputs, through reshapes and padding at most. */
  readonly input: boolean;
  /** Whether it gives an output of the program. */
  readonly last: boolean;
  /** Whether its layer is nothing but an activation. */
  readonly ownLayer: boolean;
  /** Of a softmax, whether what it gives is multiplied with values, moved at most, as attention's weights are. */
  readonly weighs: boolean;
  /** The place of its layer, or of the nested model that has it, in `model.layers`. */
  readonly layerIndex: number;
}

/** Layers through which one looks for the model's input, as iNNvestigate's is_input_layer. */
const LOOKED_THROUGH = ["Flatten", "Permute", "Reshape", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"];

/** The place of every step. */
export function placesOf({ steps, inputs, outputs }: Program, model: tf.LayersModel): Place[] {
  const fromInput = new Set(inputs);
  const layers = model.layers.map(({ name }) => name);
  return steps.map((step) => {
    const input = step.inputs.every((id) => fromInput.has(id));
    const { layer, path } = step.node;
    // Reshapes, permutations and paddings around a step are part of its layer.
    const moves =
      ["reshape", "permute", "move"].includes(step.kind) || LOOKED_THROUGH.includes(layer.getClassName());
    if (input && moves) for (const id of step.outputs) fromInput.add(id);
    return {
      step,
      input,
      last: step.outputs.some((id) => outputs.includes(id)),
      ownLayer: isActivationLayer(layer),
      weighs: step.kind === "softmax" && weighs(step, steps),
      layerIndex: layers.indexOf(path.split("/")[0] as string),
    };
  });
}

const MOVING: readonly StepKind[] = MOVES;

function weighs({ outputs }: Step, steps: readonly Step[]): boolean {
  const users = steps.filter((step) => step.inputs.some((id) => outputs.includes(id)));
  return users.some(
    (user) =>
      ["bilinear", "multiply"].includes(user.kind) || (MOVING.includes(user.kind) && weighs(user, steps)),
  );
}
