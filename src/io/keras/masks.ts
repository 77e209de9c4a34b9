/**
 * Masks of Keras 3's functional models. There a mask is a tensor that operation nodes compute, and an argument of the layers
 * that use it; tfjs hands masks on by itself. Where both come to the same, the argument is left to tfjs.
 */
import { isRecord } from "./checks.js";
import { RECURRENT } from "./handedMasks.js";
import { type CallValue, type LayerSpec, refsIn, type TensorRef } from "./modelSpec.js";

type Specs = ReadonlyMap<string, LayerSpec>;

const show = ({ layer, call, tensor }: TensorRef) => `${layer}/${call}/${tensor}`;

/** The mask that a tensor is, written out; its own name where it is computed in another way. */
export function maskOf(ref: TensorRef, specs: Specs): string {
  const spec = specs.get(ref.layer);
  const call = spec?.calls[ref.call];
  if (spec?.kind !== "operation" || call === undefined) return show(ref);
  const [x, value] = call.args as [CallValue, CallValue];
  const [input] = refsIn(x ?? null);
  if (input === undefined) return show(ref);
  if (spec.className === "NotEqual" && typeof value === "number") return `NotEqual(${show(input)}, ${value})`;
  if (spec.className === "Any" && [spec.config.axis].flat().every((axis) => axis === -1))
    return `Any(${maskOf(input, specs)})`;
  return show(ref);
}

/** Layers that hand a mask on unchanged, in Keras and in tfjs. */
const HAND_ON = new Set(
  (
    "Dropout SpatialDropout1D GaussianNoise GaussianDropout AlphaDropout Activation ReLU LeakyReLU PReLU ELU " +
    "BatchNormalization LayerNormalization Dense LSTM GRU SimpleRNN RNN Bidirectional"
  ).split(" "),
);

/** The mask that tfjs hands on with a tensor, written out; null where it hands on none, or another than Keras. */
export function impliedMask(ref: TensorRef, specs: Specs): string | null {
  const spec = specs.get(ref.layer);
  const call = spec?.calls[ref.call];
  if (spec === undefined || call === undefined) return null;
  const [input] = call.args.flatMap(refsIn);
  if (input === undefined || spec.kind !== "layer") return null;
  if (spec.className === "Embedding")
    return spec.config.mask_zero === true ? `NotEqual(${show(input)}, 0)` : null;
  if (spec.className === "Masking")
    return `Any(NotEqual(${show(input)}, ${String(spec.config.mask_value ?? 0)}))`;
  if (!HAND_ON.has(spec.className)) return null;
  if (RECURRENT.has(spec.className)) {
    const config = isRecord(spec.config.layer) ? spec.config.layer.config : spec.config;
    if (!isRecord(config) || config.return_sequences !== true || config.return_state === true) return null;
  }
  return impliedMask(input, specs);
}
