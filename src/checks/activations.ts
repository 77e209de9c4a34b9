import { forwardLayer, type Layer, wrappedLayer } from "../layers/internals.js";
import { classOf } from "./knownLayers.js";

/** Layers that are nothing but an activation, with the activation's name. `Activation` itself carries the name. */
const activationLayers: Record<string, (layer: Layer) => string> = {
  Activation: (layer) => activationField(layer) ?? "linear",
  ELU: () => "elu",
  LeakyReLU: () => "leakyrelu",
  PReLU: () => "prelu",
  ReLU: (layer) => {
    const { maxValue, negativeSlope, threshold } = layer.getConfig();
    // A slope and a threshold are matters of Keras's ReLU, which tfjs's does not have.
    if (negativeSlope) return "leakyrelu";
    // Below a negative threshold only it lets negative values through.
    if (threshold) return Number(threshold) > 0 ? "thresholdedrelu" : "leakyrelu";
    return maxValue === 6 ? "relu6" : "relu";
  },
  Softmax: () => "softmax",
  ThresholdedReLU: () => "thresholdedrelu",
};

/**
 * The name of a layer's activation in lower case, as tfjs registers it (`"relu"`, `"softmax"`, `"hardsigmoid"` ...);
 * `"linear"` for a layer that could have one and has none; null for a layer that has no place for one. Recurrent layers:
 * their main activation. Wrappers: that of the layer in it.
 */
export function activationOf(layer: Layer): string | null {
  const own = activationLayers[classOf(layer)];
  if (own) return own(layer);
  const inner = classOf(layer) === "TimeDistributed" ? wrappedLayer(layer) : forwardLayer(layer);
  return inner ? activationOf(inner) : activationField(layer);
}

/** True for a layer that is nothing but an activation (Activation, ReLU, Softmax ...). */
export function isActivationLayer(layer: Layer): boolean {
  return classOf(layer) in activationLayers;
}

/**
 * Whether a layer contains an activation: without a name, whether it can (it has an activation field, or is an activation
 * layer); with one, whether it is exactly that, in any letter case. Never throws.
 *
 * @source iNNvestigate utils.keras.checks.contains_activation (which matches substrings: "elu" in "relu")
 * @example containsActivation(layer, "softmax")
 */
export function containsActivation(layer: Layer, activation?: string): boolean {
  const found = activationOf(layer);
  return activation === undefined ? found !== null : found === normalised(activation);
}

/**
 * True where a layer has no activation, or linear, or relu.
 *
 * @source iNNvestigate utils.keras.checks.only_relu_activation
 */
export function onlyReluActivation(layer: Layer): boolean {
  const found = activationOf(layer);
  return found === null || found === "linear" || found === "relu";
}

interface Cell {
  activation?: unknown;
  cell?: Cell;
  cells?: readonly Cell[];
}

/** That of a recurrent layer is in its cell; stacked cells give what the last one gives. */
function fieldIn({ activation, cell, cells }: Cell): unknown {
  const inner = cell ?? (Array.isArray(cells) ? (cells.at(-1) as Cell | undefined) : undefined);
  return activation ?? (inner && fieldIn(inner));
}

/** An activation field holds tfjs's Activation object; custom layers may hold anything, or a name. */
function activationField(layer: Layer): string | null {
  const field = fieldIn(layer as unknown as Cell);
  if (field === undefined) return null;
  if (field === null) return "linear";
  if (typeof field === "string") return normalised(field);
  const named = field as { getClassName?: () => unknown };
  return typeof named.getClassName === "function" ? normalised(String(named.getClassName())) : "unknown";
}

/** Keras writes hard_sigmoid, tfjs hardSigmoid. */
function normalised(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}
