import * as tf from "@tensorflow/tfjs";
import { classOf } from "../checks/knownLayers.js";
import { ArgumentError, GraphError, UnsupportedLayerError } from "../errors.js";
import { ExtractConv2dPatches } from "../layers/ExtractConv2dPatches.js";
import { callsOfLayer, type Layer } from "../layers/internals.js";
import { extractConv2dPatches } from "../ops/index.js";
import { checkLayer } from "./checkModel.js";

type TensorLike = tf.Tensor | tf.SymbolicTensor;
type Pair = [number, number];

export interface NeuronwiseIoOptions {
  /** Which of the layer's calls. Default 0, the first. */
  nodeIndex?: number;
  /** Instead of the call's input. */
  xs?: TensorLike | TensorLike[];
  /** Instead of the call's output. */
  ys?: TensorLike | TensorLike[];
  /** Default true. */
  returnInputs?: boolean;
  /** Default true. */
  returnOutputs?: boolean;
}

export interface NeuronwiseIo {
  inputs?: TensorLike;
  outputs?: TensorLike;
}

/**
 * The input and output of each neuron of a layer: symbolic, or eager for eager `xs` and `ys`.
 *
 * - Dense: as they are.
 * - Conv2D: inputs `[n, oh ow, kh kw c]`, outputs `[n, oh ow, channels]`, for both data formats, so that
 *   inputs . reshape(kernel, [kh kw c, channels]) + bias is the output before the activation.
 * - Conv1D: likewise, inputs `[n, ol, k c]`.
 * - DepthwiseConv2D: inputs as of Conv2D, outputs `[n, oh ow, c m]`: output c m + j comes from the patch's pixels of
 *   channel c alone, by kernel[:, :, c, j].
 *
 * @throws UnsupportedLayerError for other layers; GraphError for a layer without such a call; ArgumentError where nothing
 *   is to be returned; DisposedError
 * @source iNNvestigate utils.keras.graph.get_layer_neuronwise_io (which folds the batch into the positions)
 * @example const { inputs } = getLayerNeuronwiseIo(conv, { xs: image, returnOutputs: false });
 */
export function getLayerNeuronwiseIo(layer: Layer, options: NeuronwiseIoOptions = {}): NeuronwiseIo {
  const who = "getLayerNeuronwiseIo";
  const { nodeIndex = 0, xs, ys, returnInputs = true, returnOutputs = true } = options;
  checkLayer(who, layer);
  if (!returnInputs && !returnOutputs) {
    throw new ArgumentError(`${who}: expected returnInputs or returnOutputs, got neither`);
  }
  const view = views[classOf(layer)];
  const config = layer.getConfig();
  const grouped = typeof config.groups === "number" && config.groups > 1;
  if (view === undefined || config.padding === "causal" || grouped) {
    const what = view === undefined ? "" : grouped ? " in groups" : " with causal padding";
    throw new UnsupportedLayerError(
      `${who}: layer "${layer.name}" (${layer.getClassName()})${what} is not taken apart into neurons; ` +
        `${Object.keys(views).join(", ")} are`,
      layer.name,
      layer.getClassName(),
    );
  }
  const recorded = (which: "inputTensors" | "outputTensors"): TensorLike => {
    const calls = callsOfLayer(layer);
    const call = calls[nodeIndex];
    if (call === undefined) {
      throw new GraphError(
        `${who}: layer "${layer.name}" (${layer.getClassName()}) has ${calls.length} calls, so there is no call ${nodeIndex}`,
      );
    }
    return call[which][0] as TensorLike;
  };
  const one = (what: string, given: TensorLike | TensorLike[]): TensorLike => {
    const [tensor, ...more] = [given].flat();
    if (
      tensor === undefined ||
      more.length > 0 ||
      !(tensor instanceof tf.Tensor || tensor instanceof tf.SymbolicTensor)
    ) {
      throw new ArgumentError(
        `${who}: expected ${what} to be one tensor, got ${tensor === undefined ? "none" : [given].flat().length}`,
      );
    }
    return tensor;
  };
  const pick = (what: "xs" | "ys", given: TensorLike | TensorLike[] | undefined) =>
    given === undefined ? recorded(what === "xs" ? "inputTensors" : "outputTensors") : one(what, given);
  // Both are looked up before anything is made, so that a failure leaves nothing.
  const x = returnInputs ? pick("xs", xs) : null;
  const y = returnOutputs ? pick("ys", ys) : null;
  return {
    ...(x !== null && { inputs: tidied(x, (t) => view.inputs(t, config)) }),
    ...(y !== null && { outputs: tidied(y, (t) => view.outputs(t, config)) }),
  };
}

/** A tidy for tensors only: what it is given back it searches for tensors, and from a symbolic one it finds all weights. */
function tidied(x: TensorLike, make: (x: TensorLike) => TensorLike): TensorLike {
  return x instanceof tf.Tensor ? tf.tidy(() => make(x) as tf.Tensor) : make(x);
}

type Config = tf.serialization.ConfigDict;

interface View {
  inputs(x: TensorLike, config: Config): TensorLike;
  outputs(y: TensorLike, config: Config): TensorLike;
}

const image: View = {
  inputs: (x, config) => rows(patches(channelsLast(x, config), config)),
  outputs: (y, config) => rows(channelsLast(y, config)),
};

/** A series is an image one pixel wide. */
const series: View = {
  inputs: (x, config) => {
    const last = channelsLast(x, config);
    return rows(patches(reshape(last, [-1, 1, last.shape.at(-1) as number]), config));
  },
  outputs: (y, config) => channelsLast(y, config),
};

const views: Readonly<Record<string, View>> = {
  Dense: { inputs: (x) => x, outputs: (y) => y },
  Conv1D: series,
  Conv2D: image,
  DepthwiseConv2D: image,
};

/** `[n, h, w, c]` to `[n, oh, ow, kh kw c]`. */
function patches(x: TensorLike, config: Config): TensorLike {
  const pair = (value: unknown): Pair => {
    const [h, w] = [value ?? 1].flat() as number[];
    return [h as number, w ?? (Array.isArray(value) ? 1 : (h as number))];
  };
  const kernelShape = pair(config.kernelSize);
  const strides = pair(config.strides);
  const rates = pair(config.dilationRate);
  const padding = config.padding as string;
  return x instanceof tf.SymbolicTensor
    ? (new ExtractConv2dPatches({ kernelShape, strides, rates, padding }).apply(x) as tf.SymbolicTensor)
    : extractConv2dPatches(x, kernelShape, strides, rates, padding);
}

function channelsLast(x: TensorLike, { dataFormat }: Config): TensorLike {
  if (dataFormat !== "channelsFirst") return x;
  const dims = x.shape.length === 4 ? [2, 3, 1] : [2, 1];
  return x instanceof tf.SymbolicTensor
    ? (tf.layers.permute({ dims }).apply(x) as tf.SymbolicTensor)
    : tf.transpose(x, [0, ...dims]);
}

/** The positions of an image in one dimension. */
function rows(x: TensorLike): TensorLike {
  return reshape(x, [-1, x.shape.at(-1) as number]);
}

/** @param shape without the batch; -1 for what is left */
function reshape(x: TensorLike, shape: number[]): TensorLike {
  const size = x.shape.slice(1).reduce((product: number, n) => product * (n ?? Number.NaN), 1);
  const rest = size / shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
  const known = shape.map((n) => (n === -1 && !Number.isNaN(rest) ? rest : n));
  return x instanceof tf.SymbolicTensor
    ? (tf.layers.reshape({ targetShape: known }).apply(x) as tf.SymbolicTensor)
    : tf.reshape(x, [x.shape[0] as number, ...known]);
}
