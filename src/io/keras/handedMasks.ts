/** The masks that Keras hands on beside tensors, as tensors that can be computed where tfjs does not hand them on. */
import type * as tf from "@tensorflow/tfjs";
import { type Layer, layerFromConfig } from "../../layers/internals.js";
import { type OperationArgument, operationConfig } from "../../layers/Operation.js";
import { isRecord } from "./checks.js";
import { type LayerSpec, type ModelSpec, refsIn, refsOf } from "./modelSpec.js";

/** A tensor of the model that is being built, and whether it has a mask. */
export interface Made {
  readonly tensor: tf.SymbolicTensor;
  /** Whether tfjs hands a mask on with it. */
  readonly masked: boolean;
  /** Makes the mask that Keras hands on with it, as a tensor; null where there is none. */
  readonly mask: MaskMaker | null;
}

export type MaskMaker = () => tf.SymbolicTensor;

export const RECURRENT = new Set(["SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional"]);
/** Layers that compute with the mask of their input. */
export const USES_MASK = new Set([...RECURRENT, "TimeDistributed", "GlobalAveragePooling1D", "Softmax"]);

/** Layers that join tensors. */
export const MERGES = new Set([
  "Add",
  "Subtract",
  "Multiply",
  "Average",
  "Maximum",
  "Minimum",
  "Concatenate",
  "Dot",
]);

/** Whether masks or initial states occur anywhere. */
export function isIsolated(spec: ModelSpec): boolean {
  return spec.layers.some(
    ({ className, config, calls, model }) =>
      className === "Masking" ||
      config.mask_zero === true ||
      calls.some(({ kwargs }) =>
        ["mask", "initial_state"].some((key) => refsIn(kwargs[key] ?? null).length > 0),
      ) ||
      (RECURRENT.has(className) && calls.some((call) => refsOf(call).length > 1)) ||
      (isRecord(config.layer) && isRecord(config.layer.config) && config.layer.config.mask_zero === true) ||
      (model !== null && isIsolated(model)),
  );
}

/** Whether the output of a layer has a mask, as tfjs hands it on. */
export function carriesMask(layer: Layer, spec: LayerSpec, inputs: readonly Made[]): boolean {
  if (spec.className === "Embedding") return spec.config.mask_zero === true;
  if (spec.className === "Masking") return true;
  if (MERGES.has(spec.className)) return false;
  if (spec.kind === "model" || !layer.supportsMasking || !inputs.some(({ masked }) => masked)) return false;
  if (!RECURRENT.has(spec.className)) return true;
  const config = isRecord(spec.config.layer) ? spec.config.layer.config : spec.config;
  return isRecord(config) && config.return_sequences === true;
}

/** Layers that hand on the mask of their first input, in Keras. */
const HANDS_ON = new Set(
  (
    "Dropout SpatialDropout1D GaussianNoise GaussianDropout AlphaDropout Activation ReLU LeakyReLU PReLU ELU Softmax " +
    "BatchNormalization LayerNormalization GroupNormalization UnitNormalization Dense TimeDistributed " +
    "MultiHeadAttention GroupQueryAttention GroupedQueryAttention Attention AdditiveAttention ActivityRegularization Identity"
  ).split(" "),
);

/** How to make the mask that Keras hands on with what a layer gives. */
export function maskAfter(spec: LayerSpec, inputs: readonly Made[], call = 0): MaskMaker | null {
  const ending = call === 0 ? "" : `_${call}`;
  const [first] = inputs;
  if (first === undefined || spec.kind !== "layer") return null;
  const { className, config } = spec;
  if (className === "Embedding") {
    return config.mask_zero === true
      ? once(() => operate(spec, "NotEqual", [first.tensor], [{ input: 0 }, 0], ending))
      : null;
  }
  if (className === "Masking") {
    const value = typeof config.mask_value === "number" ? config.mask_value : 0;
    return once(() => {
      const differs = operate(spec, "NotEqual", [first.tensor], [{ input: 0 }, value], `_values${ending}`);
      return operate(spec, "Any", [differs], [{ input: 0 }, -1], ending);
    });
  }
  if (RECURRENT.has(className)) {
    const own = isRecord(config.layer) ? config.layer.config : config;
    return isRecord(own) && own.return_sequences === true ? first.mask : null;
  }
  if (MERGES.has(className) && className !== "Dot" && className !== "Concatenate") {
    const masks = inputs.map(({ mask }) => mask);
    if (masks.some((mask) => mask === null)) return null;
    if (masks.every((mask) => mask === masks[0])) return first.mask;
    return once(() =>
      (masks as MaskMaker[])
        .map((mask) => mask())
        .reduce((a, b, i) =>
          operate(spec, "LogicalOr", [a, b], [{ input: 0 }, { input: 1 }], `_${i}${ending}`),
        ),
    );
  }
  return HANDS_ON.has(className) ? first.mask : null;
}

function once(make: MaskMaker): MaskMaker {
  let made: tf.SymbolicTensor | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function operate(
  spec: LayerSpec,
  operation: string,
  inputs: tf.SymbolicTensor[],
  args: OperationArgument[],
  ending = "",
): tf.SymbolicTensor {
  const name = `${spec.name}_mask${ending}`;
  const layer = layerFromConfig("Operation", operationConfig(name, operation, args));
  return layer.apply(inputs.length === 1 ? (inputs[0] as tf.SymbolicTensor) : inputs) as tf.SymbolicTensor;
}
