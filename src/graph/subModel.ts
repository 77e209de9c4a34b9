import type * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { uniqueName } from "./applied.js";
import { modelFromTrace } from "./modelFromTrace.js";
import { findTensors, type TensorName } from "./namedTensors.js";
import { trace } from "./trace.js";

export interface SubModelOptions {
  /** The tensors that the new model takes: outputs of these layers. Default: those of the model's inputs that `to` needs. */
  from?: TensorName | readonly TensorName[];
  /** The tensors that it gives: outputs of these layers. Default: the model's outputs. */
  to?: TensorName | readonly TensorName[];
}

/**
 * The part of a model between some tensors, as a model of its own: it takes what the layers `from` give, and gives what
 * the layers `to` give. So subModel(model, { from: "a" }) after subModel(model, { to: "a" }) is the model.
 *
 * A tensor goes by the name of the layer that gives it; inside nested models by its path, `"encoder/conv1"`; of a layer
 * that is called several times by `"shared:0"`, `"shared:1"`. A layer with several outputs stands for all of them. Nested
 * models are unrolled, and their layers called by their paths. The weights are shared and counted: each of the two models
 * can be disposed first; the model stays as it is.
 *
 * @throws GraphError for a name that the model does not have (with the nearest), a tensor of another model, and where
 *   `to` needs an input that `from` cuts off, or does not depend on one of `from`; ArgumentError for what is no layers
 *   model, and for a tensor that is twice in `from`; DisposedError; UnsupportedLayerError for a layer that cannot be copied
 * @example const features = subModel(model, { to: "conv5" });
 */
export function subModel(model: tf.LayersModel, { from, to }: SubModelOptions = {}): tf.LayersModel {
  const who = "subModel";
  const traced = trace(model, who);
  const list = (names: TensorName | readonly TensorName[]) => [names].flat() as TensorName[];
  const inputs =
    from === undefined
      ? traced.inputs.map((id, i) => ({ id, name: traced.inputLayers[i]?.name as string }))
      : list(from).flatMap((name) =>
          findTensors(who, model.name, traced, name).map((id, i, all) => ({
            id,
            name: inputName(
              typeof name === "string" ? name : name.name,
              all.length > 1 ? i : null,
              traced.inputs.includes(id),
            ),
          })),
        );
  const names = new Set<string>();
  for (const [i, input] of inputs.entries()) {
    const first = inputs.findIndex(({ id }) => id === input.id);
    if (first < i)
      throw new ArgumentError(
        `${who}: expected different tensors from which to cut, got "${inputs[first]?.name}" twice`,
      );
    // Those of a layer's two calls have the same.
    input.name = uniqueName(input.name, names);
    names.add(input.name);
  }
  const outputs =
    to === undefined
      ? traced.outputs
      : list(to).flatMap((name) => findTensors(who, model.name, traced, name));
  if (inputs.length === 0 || outputs.length === 0) {
    throw new ArgumentError(
      `${who}: expected at least one tensor ${inputs.length === 0 ? "from" : "to"} which to cut, got none`,
    );
  }
  return modelFromTrace(who, traced, {
    name: model.name,
    inputs,
    outputs,
    unusedInputs: from === undefined ? "leave out" : "refuse",
  });
}

/** The name of an input layer for the output of a layer: its own where it is one. tfjs takes no colon in it. */
function inputName(name: string, output: number | null, isInput: boolean): string {
  return isInput ? name : `${name.replaceAll(":", "_")}_output${output ?? ""}`;
}
