import * as tf from "@tensorflow/tfjs";
import { activationOf, isActivationLayer } from "../checks/activations.js";
import { GraphError, UnsupportedLayerError } from "../errors.js";
import {
  innerLayers,
  isContainer,
  type Layer,
  type LayerVariable,
  ownVariables,
  provideWeights,
  retain,
} from "../layers/internals.js";
import { releaseOnce, SharedVariable } from "./sharedVariable.js";

/** What a copy is made with. */
export interface LayerChanges {
  /** The copy's name. */
  name: string;
  /** Replace the activation by linear. A layer that is nothing but an activation becomes a linear Activation layer. */
  withoutActivation?: boolean;
  /** Gets, when the copy takes its weights, what lets go of the original again: for a caller that fails afterwards. */
  onRetain?: (release: () => void) => void;
}

/**
 * A new layer of the same class and settings whose weights are those of `layer`: the same variables, not their values, so
 * that training one trains the other, and counted, so that either may be disposed first. It is not applied to anything
 * yet, draws no random numbers, and leaves `layer` and its recorded calls as they are.
 *
 * The copy takes its weights when it is first applied. Wrappers and recurrent layers work, as their inner layers do the
 * same. Models are copied by `rebuildModel`.
 */
export function shareLayer(layer: Layer, changes: LayerChanges): Layer {
  const { name, withoutActivation = false, onRetain } = changes;
  if (isContainer(layer))
    throw new GraphError(`copyLayer: "${layer.name}" is a model; copy it with copyModel`);
  if (withoutActivation && isActivationLayer(layer))
    return tf.layers.activation({ activation: "linear", name });
  const config: tf.serialization.ConfigDict = { ...layer.getConfig(), name };
  if (withoutActivation && activationOf(layer) !== null) config.activation = "linear";
  const layerClass = (layer as unknown as { constructor: tf.serialization.SerializableConstructor<Layer> })
    .constructor;
  const copy = layerClass.fromConfig(layerClass, config);
  if (layer.built) shareWeights(layer, copy, onRetain);
  return copy;
}

/** Makes `copy`, when it is built, take the variables of `layer`; likewise their inner layers, which correspond. */
function shareWeights(layer: Layer, copy: Layer, onRetain: LayerChanges["onRetain"]): void {
  const sources = withInner(layer);
  const targets = withInner(copy);
  if (layer.weights.length === 0) return;
  let release: (() => void) | undefined;
  targets.forEach((target, i) => {
    const variables = new Map(ownVariables(sources[i] as Layer).map((v) => [lastPart(v), v]));
    provideWeights(target, (name) => {
      const source = variables.get(name);
      if (source === undefined) {
        throw new UnsupportedLayerError(
          `layer "${layer.name}" (${layer.getClassName()}) cannot be copied: made anew from its config it asks for a ` +
            `weight ${name}, which it does not have`,
          layer.name,
          layer.getClassName(),
        );
      }
      if (release === undefined) {
        retain(layer);
        release = releaseOnce(layer);
        onRetain?.(release);
      }
      return new SharedVariable(source, release) as unknown as LayerVariable;
    });
  });
}

function withInner(layer: Layer): Layer[] {
  return [layer, ...innerLayers(layer).flatMap(withInner)];
}

/** `"kernel"` of `"dense_1/kernel"`: what the layer called its weight. */
function lastPart(variable: LayerVariable): string {
  return variable.originalName.split("/").at(-1) as string;
}
