import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, GraphError, ShapeError, UnsupportedLayerError } from "../errors.js";
import { describe } from "../layers/describe.js";
import {
  buildLike,
  disposableUnused,
  isBuilt,
  isContainer,
  type Layer,
  wrappedModel,
} from "../layers/internals.js";
import { checkLayer, graphOf } from "./checkModel.js";
import { checkSameWeights, discard, type LayerChanges, newCopy, weightsToCopy } from "./newCopy.js";
import { copyWrapped, rebuildModel } from "./rebuildModel.js";

export interface CopyLayerOptions {
  /** False: the copy has no bias. Default true. */
  keepBias?: boolean;
  /** The copy's name, with `%s` where the old name goes. Default: a new name, as tfjs gives to layers without one. */
  nameTemplate?: string;
  /**
   * The copy's weights, in the order of `getWeights()`, without the bias where it is dropped: they are copied. Null or
   * none: those of the old layer.
   */
  weights?: tf.Tensor | tf.Tensor[] | null;
  /** Whether the old layer's weights are shared, so that training either trains both (default), or copied. */
  reuseSymbolicTensors?: boolean;
}

/**
 * A copy of a layer: of the same class and settings, connected to nothing. Weights that it shares are counted, so that
 * either layer can be disposed first; the copy of a layer that is not built is not built. Nothing random is drawn, and
 * `layer` stays as it is. Works for wrappers, recurrent layers, registered layers of your own, and nested models.
 *
 * @throws UnsupportedLayerError for a layer that keeps weights where tfjs does not know of them, or makes others when made
 *   anew from its config; ShapeError for weights that do not fit; ArgumentError for a nameTemplate without %s;
 *   DisposedError; GraphError for weights for a layer that is not built. Nothing stays allocated then.
 * @source iNNvestigate utils.keras.graph.copy_layer (where `reuse_symbolic_tensors=False` does nothing)
 * @example const logits = copyLayer(dense, { keepBias: false, nameTemplate: "%s_without_bias" });
 */
export function copyLayer(layer: Layer, options: CopyLayerOptions = {}): Layer {
  return copied("copyLayer", layer, options, false);
}

/**
 * `copyLayer` with a linear activation. A layer that is nothing but an activation becomes a linear Activation layer; a
 * recurrent layer loses its main activation; wrappers that of the layer in them, or of the end of the model in them.
 *
 * @throws as `copyLayer`; UnsupportedLayerError for a nested model, which `modelWoOutputActivation` is for
 * @source iNNvestigate utils.keras.graph.copy_layer_wo_activation (which throws for ReLU and Softmax layers)
 * @example const z = copyLayerWoActivation(dense).apply(x);
 */
export function copyLayerWoActivation(layer: Layer, options: CopyLayerOptions = {}): Layer {
  return copied("copyLayerWoActivation", layer, options, true);
}

/** `copyLayer` and `copyLayerWoActivation`, for other functions. */
export function copied(
  who: string,
  layer: Layer,
  options: CopyLayerOptions,
  withoutActivation: boolean,
): Layer {
  const { keepBias = true, nameTemplate, weights = null, reuseSymbolicTensors = true } = options;
  checkLayer(who, layer);
  if (nameTemplate !== undefined && !(typeof nameTemplate === "string" && nameTemplate.includes("%s"))) {
    throw new ArgumentError(
      `${who}: expected nameTemplate to have a %s for the old name, got ${describe(nameTemplate)}`,
    );
  }
  const name = nameTemplate?.replaceAll("%s", layer.name);
  if (isContainer(layer)) {
    if (withoutActivation || !keepBias || weights !== null) {
      throw new UnsupportedLayerError(
        `${who}: "${layer.name}" (${layer.getClassName()}) is a model, which is copied as a whole; ` +
          "copy its layers one by one, or see modelWoOutputActivation",
        layer.name,
        layer.getClassName(),
      );
    }
    return rebuildModel(who, graphOf(who, layer as unknown as tf.LayersModel), {
      name: name ?? null,
      shareWeights: reuseSymbolicTensors,
    });
  }
  if (!keepBias && wrappedModel(layer) !== null) {
    throw new UnsupportedLayerError(
      `${who}: "${layer.name}" (${layer.getClassName()}) wraps a model, in which no one layer has the bias`,
      layer.name,
      layer.getClassName(),
    );
  }
  const changes: LayerChanges = {
    name,
    withoutActivation,
    withoutBias: !keepBias,
    weights: weights === null ? (reuseSymbolicTensors ? "share" : "copy") : [weights].flat(),
  };
  if (Array.isArray(changes.weights)) checkWeights(who, layer, changes.weights, changes);
  const copy = newCopy(who, layer, changes, copyWrapped(who));
  try {
    if (isBuilt(layer)) {
      const built = buildLike(copy, layer);
      const lacksWeights = changes.weights !== "share" && copy.weights.length < layer.weights.length;
      if (!built && lacksWeights) {
        throw new GraphError(
          `${who}: layer "${layer.name}" (${layer.getClassName()}) was only ever called on tensors, so the shape that a ` +
            "copy with weights of its own must be built for is not known; call it on a symbolic tensor first",
        );
      }
      if (built) checkSameWeights(who, layer, copy, changes);
      disposableUnused(copy);
    }
  } catch (error) {
    discard(copy);
    throw error;
  }
  return copy;
}

function checkWeights(who: string, layer: Layer, weights: readonly tf.Tensor[], changes: LayerChanges): void {
  const named = `layer "${layer.name}" (${layer.getClassName()})`;
  if (!isBuilt(layer))
    throw new GraphError(`${who}: ${named} is not built, so its copy cannot be given weights yet`);
  const expected = weightsToCopy(layer, changes);
  const fits =
    weights.length === expected.length &&
    weights.every((w, i) => w instanceof tf.Tensor && show(w.shape) === show(expected[i]?.shape as number[]));
  if (fits) return;
  throw new ShapeError(
    `${who}: expected ${expected.length} weights of shape ${expected.map((v) => show(v.shape)).join(", ")} for ${named}, ` +
      `got ${weights.length === 0 ? "none" : weights.map((w) => describe(w)).join(", ")}`,
  );
}
