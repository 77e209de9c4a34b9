import type * as tf from "@tensorflow/tfjs";
import { graphOf } from "./checkModel.js";
import { rebuildModel } from "./rebuildModel.js";

export interface CopyModelOptions {
  /** Use the model's variables, so that training either trains both (default), or copies of their values. */
  shareWeights?: boolean;
  /** Default: the model's name. */
  name?: string;
}

/**
 * A copy of a model on layers of its own, of the same names, with the nested models of the original; it is not compiled.
 * Shared weights are counted, so that either model can be disposed first. Nothing random is drawn; the model stays as it
 * is.
 *
 * @throws ArgumentError for what is no layers model, GraphError for one that was never built, DisposedError,
 *   UnsupportedLayerError for a layer that cannot be copied
 * @example const independent = copyModel(model, { shareWeights: false });
 */
export function copyModel(model: tf.LayersModel, options: CopyModelOptions = {}): tf.LayersModel {
  return rebuildModel("copyModel", graphOf("copyModel", model), options);
}
