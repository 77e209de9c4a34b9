/**
 * The layers of this library that stand in for Keras's: which of them are what tfjs's layer of the same name is, and what the
 * others are made of. What is in neither table is differentiated as it is, and has no rule of relevance.
 */
import * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../core/ndarray.js";
import type { LayerCall, Link } from "./layerCall.js";

type Config = tf.serialization.ConfigDict;

const always = () => true;
const all = (value: unknown, wanted: number) => [value ?? wanted].flat().every((n) => n === wanted);

/** When a stand-in is no more than the layer it stands for. */
const plain: Readonly<Record<string, (config: Config) => boolean>> = {
  KerasConv1D: ({ groups }) => groups === 1,
  KerasConv2D: ({ groups }) => groups === 1,
  KerasConv3D: ({ groups }) => groups === 1,
  KerasDepthwiseConv2D: always,
  KerasSeparableConv2D: always,
  KerasConv2DTranspose: ({ outputPadding, dilationRate }) => outputPadding == null && all(dilationRate, 1),
  KerasConv3DTranspose: ({ outputPadding, dilationRate }) => outputPadding == null && all(dilationRate, 1),
  KerasBatchNormalization: ({ masked }) => masked !== true,
  // Not the division by the root of the mean square.
  KerasLayerNormalization: ({ rmsScaling }) => rmsScaling !== true,
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
  Rescaling: affine,
  KerasRescaling: affine,
  Normalization: affine,
  KerasEinsumDense: einsumDense,
  Operation: operation,
};

/** A linear layer that moves values, run as it is. */
function asItIs({ layer }: LayerCall): Link {
  return { kind: "move", apply: (x) => layer.apply(x) as tf.Tensor };
}

/** y = k x + b for each element: what the layer makes of ones and of zeros tells k and b. */
function affine({ layer, inputShape }: LayerCall): Link[] {
  const shape = [1, ...inputShape.slice(1).map((n) => n ?? 1)];
  const of = (x: tf.Tensor) => tf.squeeze(layer.apply(x) as tf.Tensor, [0]);
  const weights = {
    kernels: () => [tf.sub(of(tf.ones(shape)), of(tf.zeros(shape)))],
    bias: () => of(tf.zeros(shape)),
  };
  return [{ kind: "scale", weights, channelsLast: true }];
}

/** "ab...c,cde->ab...de" is a dense layer over c, whose outputs lie in several axes. */
function einsumDense(call: LayerCall): Link[] | null {
  const equation = (call.config.equation as string).replaceAll(" ", "");
  const [left = "", out = ""] = equation.split("->");
  const [a = "", b = ""] = left.split(",");
  const made = b.slice(1);
  if (a.at(-1) !== b[0] || out !== a.slice(0, -1) + made) return null;
  const { biasAxes } = call.config as { biasAxes: string | null };
  if (biasAxes !== null && [...biasAxes].sort().join() !== [...made].sort().join()) return null;
  const dense = call.weights("kernel", "bias", ([c, ...rest]) => [c as number, sizeOf(rest)]);
  const weights = {
    ...dense,
    bias: () => {
      const bias = dense.bias();
      return bias === null ? null : tf.reshape(bias, [bias.size]);
    },
  };
  const chain: Link[] = [{ kind: "dense", weights }];
  return [...(made.length === 1 ? chain : [...chain, call.reshape()]), ...call.activation()];
}

/** Bare operations that are sums, products, or the same for each element. */
function operation(call: LayerCall): Link[] | null {
  const { operation: named, args, kwargs } = call.config as Record<string, { name: string }>;
  const name = named?.name ?? "";
  const given = JSON.parse(args?.name ?? "[]") as unknown[];
  if (Object.keys(JSON.parse(kwargs?.name ?? "{}") as object).length > 0) return null;
  const places = given.map((argument) =>
    typeof argument === "object" && argument !== null && "input" in argument ? argument.input : null,
  );
  if (places.length === 2 && places[0] === 0 && places[1] === 1) return pairwise[name]?.() ?? null;
  const numbers = given
    .filter((_, i) => places[i] === null)
    .every((argument) => typeof argument === "number");
  const inputs = places.filter((place) => place !== null).length;
  if (given.length !== 2 || inputs !== 1 || !numbers) return null;
  const linear =
    ["Add", "Multiply", "Subtract"].includes(name) ||
    (["Divide", "TrueDivide"].includes(name) && places[0] === 0);
  return linear ? affine(call) : null;
}

const pairwise: Readonly<Record<string, () => Link[]>> = {
  Add: () => [{ kind: "add", factors: [1, 1] }],
  Subtract: () => [{ kind: "add", factors: [1, -1] }],
  Multiply: () => [{ kind: "multiply" }],
  Maximum: () => [{ kind: "extremum", largest: true }],
  Minimum: () => [{ kind: "extremum", largest: false }],
};
