import type * as tf from "@tensorflow/tfjs";
import { type Trace, type TraceTensor, trace } from "../graph/trace.js";

/** How an input and its relevance are drawn. */
export const INPUT_KINDS = ["image", "series", "tokens", "none"] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

const LOOKUP = "Embedding";
/** Layers through which the next ones see the input as it is. */
const SEEN_THROUGH = [
  "Rescaling",
  "Normalization",
  "Dropout",
  "SpatialDropout1D",
  "GaussianNoise",
  "Masking",
];
/** Layers that take a table `[h, w]` for a picture: they know no steps. */
const STEPLESS = ["Flatten", "Reshape"];

/**
 * What each input of a model is, by its shape and the layers that take it: ids that an Embedding looks up are tokens, `[n]`
 * and `[steps, channels]` are series, `[h, w]` that is flattened at once and `[h, w, c]` are images; what has more dimensions has no picture.
 */
export function inputKinds(model: tf.LayersModel): InputKind[] {
  const traced = trace(model);
  return traced.inputs.map((id) => {
    const { shape } = traced.tensors[id] as TraceTensor;
    const takers = takersOf(traced, id);
    if (takers.includes(LOOKUP)) return "tokens";
    const rank = shape.length - 1;
    if (rank === 2) return takers.some((name) => STEPLESS.includes(name)) ? "image" : "series";
    return rank === 3 ? "image" : rank < 2 ? "series" : "none";
  });
}

/** Whether an input of a shape, without the batch dimension, can be drawn as a kind. */
export function canBeDrawnAs(kind: InputKind, shape: readonly (number | null)[]): boolean {
  switch (kind) {
    case "image":
      return shape.length <= 3;
    case "series":
      return shape.length <= 2 || (shape.length === 3 && shape.includes(1));
    case "tokens":
      return shape.length === 1;
    case "none":
      return true;
    default:
      return kind satisfies never;
  }
}

/** The layer that looks up the tokens of a model of one input; null for another model. */
export function lookupLayer(model: tf.LayersModel): string | null {
  const { inputs, nodes } = trace(model);
  const found = nodes.filter(
    (node) => node.layer.getClassName() === LOOKUP && node.inputs.includes(inputs[0] as number),
  );
  return inputs.length === 1 && found.length === 1 ? (found[0]?.path ?? null) : null;
}

/** The classes of the layers that take a tensor. */
function takersOf(traced: Trace, id: number): string[] {
  return traced.nodes
    .filter(({ inputs }) => inputs.includes(id))
    .flatMap(({ layer, outputs }) => {
      const name = layer.getClassName();
      return SEEN_THROUGH.includes(name) ? outputs.flatMap((y) => takersOf(traced, y)) : [name];
    });
}
