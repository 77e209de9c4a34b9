import type * as tf from "@tensorflow/tfjs";
import { GraphError } from "../errors.js";
import { graphOf } from "./checkModel.js";
import { beforeActivation, beforeOutputActivation, isChanged, sourcesOf } from "./outputActivation.js";
import { rebuildModel } from "./rebuildModel.js";

export interface ModelWoSoftmaxOptions {
  /** Whether a model without a softmax at its end is an error (default) or copied as it is. */
  shouldFindSoftmax?: boolean;
}

/**
 * A copy of a model without the softmax at its end: its outputs are the logits, softmax(copy(x)) = model(x). The softmax
 * may be the activation of the last layer, a layer of its own, or the end of a nested model; behind it there may be layers
 * that leave its rows as they are (Reshape, Flatten, Dropout). Outputs without one stay.
 *
 * The copy has the same name, inputs and layer names, and shares the weights: training one trains the other, and each can
 * be disposed first.
 *
 * @throws GraphError where no output ends in a softmax and one should, or the model was never built; ArgumentError for
 *   what is no layers model; DisposedError; UnsupportedLayerError for a layer that cannot be copied. The model is left as
 *   it is.
 * @source iNNvestigate utils.keras.graph.model_wo_softmax (which drops outputs without softmax)
 * @example const logits = modelWoSoftmax(model);
 */
export function modelWoSoftmax(
  model: tf.LayersModel,
  { shouldFindSoftmax = true }: ModelWoSoftmaxOptions = {},
): tf.LayersModel {
  const container = graphOf("modelWoSoftmax", model);
  const { outputs } = container;
  if (shouldFindSoftmax && !outputs.some((y) => isChanged(y, beforeActivation(y, "softmax")))) {
    throw new GraphError(
      `modelWoSoftmax: expected model "${model.name}" to end in a softmax, but its output comes from ${sourcesOf(outputs)}`,
    );
  }
  return rebuildModel("modelWoSoftmax", container, { outputsOf: beforeOutputActivation("softmax") });
}

/**
 * A copy of a model without the activation at its end, whichever it is (softmax, sigmoid, tanh ...): activation(copy(x)) =
 * model(x). Outputs without one stay. Weights and names are as with `modelWoSoftmax`. The activation of a recurrent layer
 * works on its states too, and stays.
 *
 * @throws as `modelWoSoftmax`, but not for a model without activation at its end
 * @source iNNvestigate utils.keras.graph.model_wo_output_activation
 * @example const score = modelWoOutputActivation(modelWithSigmoid);
 */
export function modelWoOutputActivation(model: tf.LayersModel): tf.LayersModel {
  const who = "modelWoOutputActivation";
  return rebuildModel(who, graphOf(who, model), { outputsOf: beforeOutputActivation(null) });
}
