import * as tf from "@tensorflow/tfjs";
import { activationOf, isActivationLayer } from "../checks/activations.js";
import { getKnownLayers } from "../checks/knownLayers.js";
import { UnsupportedLayerError } from "../errors.js";
import {
  configOf,
  constantsOf,
  disposeStates,
  fieldsOf,
  freedAfter,
  hiddenWeights,
  innerLayers,
  isBuilt,
  isRecurrent,
  type Layer,
  type LayerVariable,
  ownVariables,
  type ProvidedWeight,
  provideWeights,
  retain,
  toleratesDisposedWeights,
  whenFreed,
  withInner,
  wrappedLayer,
  wrappedModel,
} from "../layers/internals.js";
import { messageOf } from "../text.js";
import { GraphOperations } from "./graphOperations.js";
import { SharedVariable } from "./sharedVariable.js";

/** What a copy is made with. */
export interface LayerChanges {
  /** The copy's name; undefined: a new one. */
  name: string | undefined;
  /** Replace the activation by linear. A layer that is nothing but an activation becomes a linear Activation layer. */
  withoutActivation?: boolean;
  withoutBias?: boolean;
  /** The original's variables themselves, copies of their values, or values in the order of `getWeights()`. */
  weights: "share" | "copy" | readonly tf.Tensor[];
}

/** Copies what a wrapper wraps: a model, which no config makes with its weights. Null: the wrapper's config makes it. */
export type CopyWrapped = (wrapped: Layer, changes: LayerChanges) => Layer | null;

/**
 * A layer of the same class and settings that is not applied to anything yet, and takes its weights from `layer` when it
 * is built, drawing no random numbers. `layer` and its recorded calls stay as they are. Wrappers and recurrent layers
 * work, as their inner layers do the same. Models are copied by `rebuildModel`.
 *
 * Where something fails later, `discard` the copy.
 *
 * @param copyWrapped of `rebuildModel`, which makes its layers with `newCopy`
 * @throws UnsupportedLayerError
 */
export function newCopy(who: string, layer: Layer, changes: LayerChanges, copyWrapped: CopyWrapped): Layer {
  if (layer instanceof GraphOperations) return layer.copied(changes.name);
  const hidden = hiddenWeights(layer);
  if (hidden.length > 0) {
    throw cannotCopy(
      who,
      layer,
      `it hides weights from TensorFlow.js in its field ${hidden.join(", ")}; make them with addWeight in build()`,
    );
  }
  const wrapped = wrappedLayer(layer);
  const inner = wrapped && copyWrapped(wrapped, { ...changes, name: wrapped.name });
  if (inner !== null) return wrapperOf(who, layer, inner, changes);
  const { name, withoutActivation = false } = changes;
  if (withoutActivation && isActivationLayer(layer)) return linearActivation(layer, name);
  const copy = madeAnew(who, layer, changes);
  toleratesDisposedWeights(copy);
  const copies = withInner(copy);
  for (const [i, source] of withInner(layer).entries()) passFields(source, copies[i] as Layer, changes);
  const refuse = (why: string): never => {
    discard(copy);
    tf.dispose([...constantsOf(copy).values()]);
    throw cannotCopy(who, layer, why);
  };
  const left = withoutActivation ? activationOf(copy) : null;
  if (left !== null && left !== "linear")
    refuse(`made anew from its config with the activation linear it has ${left}`);
  if (copy.weights.length > 0) refuse("it makes its weights in its constructor; make them in build()");
  const made = constantsOf(copy);
  for (const [field, constant] of constantsOf(layer)) {
    if (!sameTensor(constant, made.get(field)))
      refuse(
        `made anew from its config it has another tensor in its field ${field}; make it with addWeight in build()`,
      );
  }
  if (isBuilt(layer) && layer.weights.length > 0) passWeights(who, layer, copy, changes);
  if (layer.stateful || isRecurrent(copy)) whenFreed(copy, () => disposeStates(copy));
  return copy;
}

/** What is left of a layer that is nothing but an activation. */
function linearActivation(layer: Layer, name: string | undefined): Layer {
  const { trainable, batchInputShape, dtype } = layer as unknown as Record<string, unknown>;
  return tf.layers.activation({
    activation: "linear",
    trainable: trainable as boolean,
    ...(name !== undefined && { name }),
    ...(batchInputShape !== undefined && {
      batchInputShape: batchInputShape as tf.Shape,
      dtype: dtype as tf.DataType,
    }),
  });
}

function sameTensor(a: tf.Tensor, b: tf.Tensor | undefined): boolean {
  if (b === undefined || a.dtype !== b.dtype || String(a.shape) !== String(b.shape)) return false;
  const values = b.dataSync();
  return a.dataSync().every((value, i) => Object.is(value, values[i]));
}

/**
 * Gives the copy of a layer of a user's class what the class keeps in its fields and does not tell in its config: numbers,
 * strings, functions, lists of them. One without getConfig is copied right that way.
 */
function passFields(
  layer: Layer,
  copy: Layer,
  { withoutActivation, withoutBias }: Omit<LayerChanges, "weights">,
): void {
  if (getKnownLayers().includes(layer.getClassName())) return;
  const changed = [...(withoutActivation ? ["activation"] : []), ...(withoutBias ? ["useBias"] : [])];
  const told = layer.getConfig();
  const methods = Object.getPrototypeOf(layer);
  for (const [field, value] of fieldsOf(layer)) {
    if (field in told || field in methods || changed.includes(field)) continue;
    const made = (copy as unknown as Record<string, unknown>)[field];
    const isBound = typeof value === "function" && typeof made === "function";
    if (isPlain(value) && !isBound) (copy as unknown as Record<string, unknown>)[field] = value;
  }
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  return value !== null && typeof value !== "object" && value !== undefined;
}

/** The copy of a wrapper, around the copy of what it wraps. */
function wrapperOf(who: string, layer: Layer, inner: Layer, changes: LayerChanges): Layer {
  const { name, weights } = changes;
  const { name: _, layer: __, ...config } = layer.getConfig();
  const wrapperClass = (layer as unknown as { constructor: new (config: object) => Layer }).constructor;
  let copy: Layer | undefined;
  try {
    copy = new wrapperClass({ ...config, ...(name !== undefined && { name }), layer: inner });
    if (wrappedLayer(copy) !== inner)
      throw cannotCopy(who, layer, `its constructor does not take what it wraps, "${inner.name}", as layer`);
    if (Array.isArray(weights)) inner.setWeights([...weights]);
  } catch (error) {
    discard(inner);
    throw error;
  }
  toleratesDisposedWeights(copy);
  passFields(layer, copy, changes);
  // Disposing a wrapper disposes the variables in it, whoever else has them: those that are shared are the wrapper's, too.
  if (weights === "share" && layer.weights.length > 0) whenFreed(copy, retain(layer));
  return copy;
}

/** The variables whose values a copy with such changes has, in the order of `getWeights()`. */
export function weightsToCopy(
  layer: Layer,
  changes: Omit<LayerChanges, "name" | "weights">,
): LayerVariable[] {
  if (changes.withoutActivation === true && isActivationLayer(innermost(layer))) return [];
  const dropsBias = changes.withoutBias === true && usesBias(layer.getConfig());
  return layer.weights.filter((variable) => !(dropsBias && /(^|\/)bias$/.test(variable.originalName)));
}

function innermost(layer: Layer): Layer {
  const wrapped = wrappedLayer(layer);
  return wrapped === null ? layer : innermost(wrapped);
}

/** A layer that makes other weights when it is built from its own config would compute something else. */
export function checkSameWeights(
  who: string,
  layer: Layer,
  copy: Layer,
  changes: Omit<LayerChanges, "name" | "weights">,
): void {
  // Which weights the activations in a model have is its own matter.
  if (changes.withoutActivation === true && wrappedModel(layer) !== null) return;
  const expected = weightsToCopy(layer, changes).length;
  if (copy.weights.length !== expected) {
    throw cannotCopy(
      who,
      layer,
      `it has ${expected} weights, and made anew from its config ${copy.weights.length}`,
    );
  }
}

/** Lets go of what a copy that is not used after all has taken. */
export function discard(copy: Layer): void {
  freedAfter(copy, 1);
  copy.built = true;
  copy.dispose();
  disposeStates(copy);
}

function madeAnew(
  who: string,
  layer: Layer,
  { name, withoutActivation = false, withoutBias = false }: LayerChanges,
): Layer {
  const named = name === undefined ? {} : { name };
  const { name: _, ...rest } = configOf(layer);
  const config = changedConfig({ ...rest, ...named }, layer, withoutActivation, withoutBias);
  const layerClass = (layer as unknown as { constructor: tf.serialization.SerializableConstructor<Layer> })
    .constructor;
  try {
    const copy = layerClass.fromConfig(layerClass, config);
    // An Embedding has an input shape and no dtype, and made from its config it has one.
    return Object.assign(copy, { dtype: (layer as unknown as { dtype?: tf.DataType }).dtype });
  } catch (error) {
    const reason = messageOf(error);
    throw cannotCopy(who, layer, `made anew from its config it throws: ${reason}`, error);
  }
}

type Config = tf.serialization.ConfigDict;
interface Serialized {
  className: string;
  config: Config;
}

/** A layer's config without activation or bias, also in the layers and cells that it has inside. */
function changedConfig(
  config: Config,
  layer: Layer | null,
  withoutActivation: boolean,
  withoutBias: boolean,
): Config {
  const changed = { ...config };
  if (withoutActivation && (layer === null ? "activation" in config : ownActivation(layer)))
    changed.activation = "linear";
  if (withoutBias && "useBias" in config) changed.useBias = false;
  for (const { key, parts, list } of innerConfigs(config)) {
    const inner = parts.map(
      ({ className, config: own }): Serialized =>
        withoutActivation && ACTIVATION_CLASSES.includes(className)
          ? { className: "Activation", config: { name: own.name ?? null, activation: "linear" } }
          : { className, config: changedConfig(own, null, withoutActivation, withoutBias) },
    );
    changed[key] = (list ? inner : inner[0]) as unknown as Config;
  }
  return changed;
}

const ACTIVATION_CLASSES = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU"];

function ownActivation(layer: Layer): boolean {
  return innerLayers(layer).length === 0 ? activationOf(layer) !== null : "activation" in layer.getConfig();
}

function usesBias(config: Config): boolean {
  return (
    config.useBias === true ||
    innerConfigs(config).some(({ parts }) => parts.some((part) => usesBias(part.config)))
  );
}

/** What a wrapper wraps, and the cells of a recurrent layer that was given them. */
function innerConfigs(config: Config): { key: string; list: boolean; parts: Serialized[] }[] {
  return ["layer", "cell", "cells"].flatMap((key) => {
    const value = config[key] as unknown;
    const parts = (Array.isArray(value) ? value : [value]).filter(
      (part): part is Serialized => typeof part?.className === "string" && typeof part.config === "object",
    );
    return parts.length === 0 ? [] : [{ key, list: Array.isArray(value), parts }];
  });
}

/** Makes `copy`, when it is built, take the weights; likewise their inner layers, which correspond. */
function passWeights(who: string, layer: Layer, copy: Layer, changes: LayerChanges): void {
  const given = new Map<LayerVariable, tf.Tensor>();
  if (Array.isArray(changes.weights)) {
    for (const [i, variable] of weightsToCopy(layer, changes).entries())
      given.set(variable, changes.weights[i] as tf.Tensor);
  }
  let release: (() => void) | undefined;
  const provide = (source: LayerVariable): ProvidedWeight => {
    const name = renamed(source.originalName, layer.name, copy.name);
    if (changes.weights !== "share")
      return { value: given.get(source) ?? source.read(), name, trainable: source.trainable };
    release ??= retain(layer);
    return { variable: new SharedVariable(source, name, release) as unknown as LayerVariable };
  };
  const sources = withInner(layer);
  for (const [i, target] of withInner(copy).entries()) {
    const variables = ownVariables(sources[i] as Layer);
    provideWeights(target, (name) => {
      const source = variableOf(name, variables);
      if (source === undefined) {
        throw cannotCopy(
          who,
          layer,
          `made anew from its config it asks for a weight ${name}, which it does not have`,
        );
      }
      return provide(source);
    });
  }
}

/** The variable that a layer asked for by a name: tfjs puts the names of what it was built in before it. */
function variableOf(name: string, variables: readonly LayerVariable[]): LayerVariable | undefined {
  return variables
    .filter(({ originalName }) => originalName === name || originalName.endsWith(`/${name}`))
    .sort((a, b) => a.originalName.length - b.originalName.length)[0];
}

/** `"dense_1/kernel"` for a copy called dense_2: models save weights by these names, which must differ. */
function renamed(variable: string, layer: string, copy: string): string {
  if (copy === layer) return variable;
  const at = `/${variable}`.indexOf(`/${layer}/`);
  return at < 0 ? `${copy}/${variable}` : variable.slice(0, at) + copy + variable.slice(at + layer.length);
}

function cannotCopy(who: string, layer: Layer, why: string, cause?: unknown): UnsupportedLayerError {
  const className = layer.getClassName();
  const error = new UnsupportedLayerError(
    `${who}: layer "${layer.name}" (${className}) cannot be copied: ${why}`,
    layer.name,
    className,
  );
  if (cause !== undefined) error.cause = cause;
  return error;
}
