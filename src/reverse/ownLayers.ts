/**
 * The layers of this library that stand in for Keras's: which of them are what tfjs's layer of the same name is, and what the
 * others are made of. What is in neither table is differentiated as it is, and has no rule of relevance.
 */
import * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../core/ndarray.js";
import { readEquation } from "../layers/einsum.js";
import { type Layer, weightOf } from "../layers/internals.js";
import { maskFreeMergeNames } from "../layers/masks.js";
import { type LayerCall, type Link, Wiring } from "./layerCall.js";
import { operationLinks } from "./operationLinks.js";
import type { MoveStep } from "./steps.js";

type Config = tf.serialization.ConfigDict;

const always = () => true;
const all = (value: unknown, wanted: number) => [value ?? wanted].flat().every((n) => n === wanted);

/** When a stand-in is no more than the layer it stands for. */
const plain: Readonly<Record<string, (config: Config) => boolean>> = {
  KerasConv1D: ({ groups }) => groups === 1,
  KerasConv2D: ({ groups }) => groups === 1,
  KerasConv3D: ({ groups }) => groups === 1,
  ...Object.fromEntries(maskFreeMergeNames.map((name) => [name, always])),
  KerasDepthwiseConv2D: always,
  KerasSeparableConv2D: always,
  KerasConv2DTranspose: ({ outputPadding, dilationRate }) => outputPadding == null && all(dilationRate, 1),
  KerasConv3DTranspose: ({ outputPadding, dilationRate }) => outputPadding == null && all(dilationRate, 1),
  KerasBatchNormalization: always,
  KerasLayerNormalization: ({ rmsScaling }) => rmsScaling !== true,
  KerasMaxPooling1D: always,
  KerasMaxPooling3D: always,
  KerasAveragePooling1D: always,
  KerasAveragePooling2D: always,
  KerasAveragePooling3D: always,
};

/** The class of tfjs that a layer of ours is here, or null. */
export function standIn(call: LayerCall): string | null {
  const className = call.layer.getClassName();
  return plain[className]?.(call.config) ? className.replace("Keras", "") : null;
}

/** What the others are made of. Null: this one only as it is. */
export const ownLayers: Readonly<Record<string, (call: LayerCall) => Link[] | null>> = {
  Conv1DTranspose: (call) => {
    const { outputPadding, dilationRate } = call.config;
    if (outputPadding != null || !all(dilationRate, 1)) return null;
    const weights = call.weights("kernel", "bias", (own) => [1, ...own]);
    const windows = call.windows1d("kernelSize");
    return [...call.asImages([{ kind: "conv2dTranspose", weights, windows }]), ...call.activation()];
  },
  RandomAugmentation: () => [{ kind: "identity" }],
  KerasUpSampling2D: (call) =>
    call.config.interpolation === "nearest"
      ? call.inChannelsLast([{ kind: "upsample", size: call.config.size as [number, number] }])
      : [asItIs(call)],
  KerasCenterCrop: (call) => [asItIs(call)],
  KerasResizing: (call) => [asItIs(call)],
  Rescaling: (call) => call.affine(),
  KerasRescaling: (call) => call.affine(),
  Normalization: (call) => call.affine(),
  KerasEinsumDense: einsumDense,
  GroupNormalization: groupNormalization,
  // With the division by the root of the mean square: else it is tfjs's.
  KerasLayerNormalization: (call) => [normalised(call)],
  RMSNormalization: (call) => [normalised(call)],
  UnitNormalization: (call) => [normalised(call)],
  LayerScale: (call) => call.affine(),
  ...Object.fromEntries(
    ([1, 2, 3] as const).map((axes) => [`KerasConv${axes}D`, (call: LayerCall) => grouped(call, axes)]),
  ),
  ...Object.fromEntries(
    ([1, 2, 3] as const).map((axes) => [
      `AdaptiveAveragePooling${axes}D`,
      (call: LayerCall) => [summed(call)],
    ]),
  ),
  Operation: operationLinks,
};

/** A linear layer that moves values, run as it is. */
function asItIs({ layer }: LayerCall): Link {
  return { kind: "move", apply: (x) => layer.apply(x) as tf.Tensor };
}

/** A linear layer that adds values up, run as it is. */
function summed({ layer }: LayerCall): Link {
  return { kind: "sum", apply: (x) => layer.apply(x) as tf.Tensor };
}

/** A layer that multiplies with what it makes of the whole input, which counts as a constant: relevance passes, as at an activation. */
function normalised({ layer }: LayerCall): Link {
  const activation = layer.getClassName().toLowerCase();
  return { kind: "activation", activation, apply: (x) => layer.apply(x) as tf.Tensor };
}

/**
 * A product with a kernel that sums over axes of both, as in "abc,cd->abd" or "abcd,cde->abe": what is summed as the last
 * axis, a dense layer over it, and the axes in the order that is asked for. Null where input and kernel have axes in pairs.
 */
function einsumDense(call: LayerCall): Link[] | null {
  const { equation, biasAxes } = call.config as { equation: string; biasAxes: string | null };
  const { a, b, out } = readEquation(equation, call.inputShape.length);
  const kept = [...a].filter((letter) => out.includes(letter));
  const summed = [...a].filter((letter) => !out.includes(letter));
  const made = [...b].filter((letter) => !a.includes(letter));
  const own = (letters: readonly string[]) => letters.every((letter) => made.includes(letter));
  const plain =
    a[0] === out[0] &&
    summed.every((letter) => b.includes(letter)) &&
    kept.every((letter) => !b.includes(letter)) &&
    own([...out].filter((letter) => !kept.includes(letter))) &&
    own([...(biasAxes ?? "")]);
  if (!plain || summed.length === 0) return null;
  const order = (from: string, to: readonly string[]) => to.map((letter) => from.indexOf(letter));
  const size = (w: tf.Tensor, letters: readonly string[]) =>
    letters.map((letter) => w.shape[b.indexOf(letter)] as number);
  const { kernels, bias } = call.weights("kernel", "bias");
  const kernel = () => kernels()[0] as tf.Tensor;
  const weights = {
    kernels: () => {
      const w = kernel();
      const shape = [size(w, summed), size(w, made)].map(sizeOf);
      return [tf.reshape(tf.transpose(w, order(b, [...summed, ...made])), shape)];
    },
    bias: () => {
      const own = bias();
      if (own === null) return null;
      // The bias has the axes of biasAxes in the order of the output.
      const axes = [...out].filter((letter) => biasAxes?.includes(letter));
      const there = made.filter((letter) => axes.includes(letter));
      const arranged = tf.transpose(tf.reshape(own, size(kernel(), axes)), order(axes.join(""), there));
      const sizes = size(kernel(), made);
      const spread = tf.reshape(
        arranged,
        sizes.map((n, i) => (axes.includes(made[i] as string) ? n : 1)),
      );
      return tf.reshape(tf.broadcastTo(spread, sizes), [-1]);
    },
  };
  const before = (x: tf.Tensor) => {
    const last = tf.transpose(x, order(a, [...kept, ...summed]));
    return tf.reshape(last, [...last.shape.slice(0, kept.length), -1]);
  };
  const after = (y: tf.Tensor) => {
    const apart = tf.reshape(y, [...y.shape.slice(0, -1), ...size(kernel(), made)]);
    return tf.transpose(apart, order([...kept, ...made].join(""), [...out]));
  };
  const inOrder = a === [...kept, ...summed].join("") && summed.length === 1;
  const outOrder = out === [...kept, ...made].join("") && made.length === 1;
  return [
    ...(inOrder ? [] : [{ kind: "move", apply: before } as const]),
    { kind: "dense", weights },
    ...(outOrder ? [] : [{ kind: "move", apply: after } as const]),
    ...call.activation(),
  ];
}

/** A convolution of which each group of filters sees a group of the channels: as many convolutions side by side. */
function grouped(call: LayerCall, axes: 1 | 2 | 3): Link[] {
  const { groups } = call.config as { groups: number };
  const wiring = new Wiring(call);
  const last = (links: readonly Link[]) => (axes === 1 ? call.asImages(links) : call.inChannelsLast(links));
  // Channels come last between what turns them there and what turns them back.
  const marker: Link = { kind: "identity" };
  const around = last([...(axes === 1 ? call.causalPadding() : []), marker]);
  const middle = around.indexOf(marker);
  const x = wiring.chain(around.slice(0, middle), 0);
  const part = (t: tf.Tensor, i: number) => tf.split(t, groups, -1)[i] as tf.Tensor;
  const own = call.weights("kernel", "bias", (shape) => (axes === 1 ? [1, ...shape] : shape));
  const parts = Array.from({ length: groups }, (_, i) => {
    const weights = {
      kernels: () => own.kernels().map((w) => part(w, i)),
      bias: () => {
        const bias = own.bias();
        return bias === null ? null : part(bias, i);
      },
    };
    const convolution: Link =
      axes === 3
        ? { kind: "conv3d", weights, windows: call.windows3d("kernelSize") }
        : {
            kind: "conv2d",
            weights,
            windows: axes === 1 ? call.windows1d("kernelSize") : call.windows("kernelSize"),
          };
    return wiring.chain([{ kind: "move", apply: (t: tf.Tensor) => part(t, i) }, convolution], x);
  });
  const y = wiring.add({ kind: "concatenate", axis: axes === 3 ? 4 : 3 }, ...parts);
  wiring.chain([...around.slice(middle + 1), ...call.activation()], y);
  return wiring.links;
}

/** Groups of channels, each normalised with its space as layer normalisation does it, then scaled and shifted. */
function groupNormalization(call: LayerCall): Link[] {
  const { groups, epsilon } = call.config as { groups: number; epsilon: number };
  const rank = call.inputShape.length;
  const axis = call.axis(call.config.axis as number);
  const channels = call.inputShape[axis] as number;
  const count = groups === -1 ? channels : groups;
  const toLast = [...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis), axis];
  const turned = (order: readonly number[]): Link[] =>
    axis === rank - 1 ? [] : [{ kind: "permute", order }];
  const read = (field: string) => weightOf(call.layer, field);
  const split = (x: tf.Tensor) => tf.reshape(x, [...x.shape.slice(0, -1), count, channels / count]);
  const joined = (x: tf.Tensor) => tf.reshape(x, [...x.shape.slice(0, -2), channels]);
  const axes = [...Array.from({ length: rank - 2 }, (_, i) => i + 1), rank];
  return [
    ...turned(toLast),
    { kind: "move", apply: split },
    { kind: "layerNormalization", axes, epsilon, gamma: () => null, beta: () => null },
    { kind: "move", apply: joined },
    {
      kind: "scale",
      weights: { kernels: () => [read("gamma") ?? tf.scalar(1)], bias: () => read("beta") },
      channelsLast: true,
    },
    ...turned(toLast.map((_, i) => toLast.indexOf(i))),
  ];
}

/** The call of the layer inside a TimeDistributed, of one time step. */
export function atOneTime(call: LayerCall, inner: Layer): LayerCall {
  const shape = ([n, , ...rest]: readonly (number | null)[]) => [n ?? null, ...rest];
  return call.of(inner, shape(call.inputShape), shape(call.outputShape));
}

/** A layer, or a model, for every time step: the steps as samples of the links inside. */
export function timeDistributed(call: LayerCall, links: readonly Link[]): Link[] {
  const wiring = new Wiring(call);
  const merged = (x: tf.Tensor) => tf.reshape(x, [-1, ...x.shape.slice(2)]);
  const apart = (y: tf.Tensor, x: tf.Tensor) => tf.reshape(y, [...x.shape.slice(0, 2), ...y.shape.slice(1)]);
  const samples = wiring.add({ kind: "move", apply: merged }, 0);
  const y = wiring.embed(links, [samples]);
  wiring.add({ kind: "move", carried: 1, apply: apart as MoveStep["apply"] }, y, 0);
  return wiring.links;
}
