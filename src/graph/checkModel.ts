import * as tf from "@tensorflow/tfjs";
import { ArgumentError, DisposedError, GraphError } from "../errors.js";
import { describe } from "../layers/describe.js";
import { type Container, isContainer, isDisposed, type Layer, nodesInOrder } from "../layers/internals.js";

/**
 * The graph of what a user gives for a model.
 *
 * @throws ArgumentError for what is no layers model, GraphError for one that was never built, DisposedError
 */
export function graphOf(who: string, model: tf.LayersModel): Container {
  if (!(model instanceof tf.layers.Layer) || !isContainer(model)) {
    throw new ArgumentError(`${who}: expected a tf.LayersModel, got ${describe(model)}`);
  }
  if (isDisposed(model)) throw new DisposedError(`${who}: the model "${model.name}" is disposed`);
  if (nodesInOrder(model) === null) {
    throw new GraphError(
      `${who}: model "${model.name}" (${model.getClassName()}) has no graph yet: ` +
        "add layers to it, the first with an inputShape, before it is traced",
    );
  }
  return model;
}

/** Throws unless `layer` is a layer whose weights are there. */
export function checkLayer(who: string, layer: Layer): void {
  if (!(layer instanceof tf.layers.Layer)) {
    throw new ArgumentError(`${who}: expected a layer, got ${describe(layer)}`);
  }
  if (isDisposed(layer)) {
    throw new DisposedError(`${who}: layer "${layer.name}" (${layer.getClassName()}) is disposed`);
  }
}
