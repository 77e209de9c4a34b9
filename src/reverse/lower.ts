import type * as tf from "@tensorflow/tfjs";
import { activationOf, isActivationLayer } from "../checks/activations.js";
import type { WindowOptions } from "../core/windows.js";
import { UnsupportedLayerError } from "../errors.js";
import { type Trace, type TraceNode, trace } from "../graph/trace.js";
import { innerLayers, isContainer, type Layer, weightOf } from "../layers/internals.js";
import { withoutMasked } from "../layers/KerasMasking.js";
import { attentionLinks } from "./attention.js";
import { resizeBilinear } from "./bilinear.js";
import { ONE_PIXEL } from "./convolutions.js";
import { foldNormalizations } from "./foldNormalizations.js";
import { LayerCall, type Link, SOFTMAX } from "./layerCall.js";
import { MaskFlow } from "./masks.js";
import { nonNegativeTensors, probabilityTensors } from "./nonNegative.js";
import { atOneTime, ownLayers, standIn, timeDistributed } from "./ownLayers.js";
import { recurrentLink } from "./recurrent.js";
import type { Program, Step, WeightedStep } from "./steps.js";

/** What a method wants of the steps. */
export interface LowerOptions {
  /** Batch normalisation as one linear step (default), or as two: normalise, then scale and shift. */
  readonly batchNormalization?: "one" | "two";
  /** Folds batch normalisation into the convolution or dense layer right before it. Default false. */
  readonly canonize?: boolean;
  /**
   * A separable convolution as one step (default), as its two, or as one whose two kernels a rule takes parts of even where
   * the signs of weights matter, as iNNvestigate does.
   */
  readonly separable?: "one" | "two" | "oneAlways";
  /** Whether layers of attention and products of two tensors are taken apart. Default false: they run as they are. */
  readonly attention?: boolean;
  /** Calls of layers that are not to be taken apart: their rule is one for the layer as it is. */
  readonly whole?: (node: TraceNode) => boolean;
  /** Is told of calls that cannot be done right, instead of an error. */
  readonly refused?: (node: TraceNode, error: UnsupportedLayerError) => void;
}

/** What a layer is made of, by class name. Classes that are not here run as they are, as one opaque step. */
const lowering: Readonly<Record<string, (call: LayerCall, options: LowerOptions) => Link[]>> = {
  Dense: (call) => [{ kind: "dense", weights: call.weights("kernel", "bias") }, ...call.activation()],
  Conv1D: (call) => [
    ...call.asImages([
      ...call.causalPadding(),
      {
        kind: "conv2d",
        weights: call.weights("kernel", "bias", ([k, i, o]) => [1, k, i, o] as number[]),
        windows: call.windows1d("kernelSize"),
      },
    ]),
    ...call.activation(),
  ],
  Conv2D: (call) => [
    ...call.inChannelsLast([
      { kind: "conv2d", weights: call.weights("kernel", "bias"), windows: call.windows("kernelSize") },
    ]),
    ...call.activation(),
  ],
  Conv3D: (call) => [
    ...call.inChannelsLast([
      { kind: "conv3d", weights: call.weights("kernel", "bias"), windows: call.windows3d("kernelSize") },
    ]),
    ...call.activation(),
  ],
  Conv2DTranspose: (call) => [
    ...call.inChannelsLast([
      {
        kind: "conv2dTranspose",
        weights: call.weights("kernel", "bias"),
        windows: call.windows("kernelSize"),
      },
    ]),
    ...call.activation(),
  ],
  Conv3DTranspose: (call) => [
    ...call.inChannelsLast([
      {
        kind: "conv3dTranspose",
        weights: call.weights("kernel", "bias"),
        windows: call.windows3d("kernelSize"),
      },
    ]),
    ...call.activation(),
  ],
  DepthwiseConv2D: (call) => [
    ...call.inChannelsLast([
      {
        kind: "depthwiseConv2d",
        weights: call.weights("depthwiseKernel", "bias"),
        windows: call.windows("kernelSize"),
      },
    ]),
    ...call.activation(),
  ],
  DepthwiseConv1D: (call) => [
    ...call.asImages([
      ...call.causalPadding(),
      {
        kind: "depthwiseConv2d",
        weights: call.weights("depthwiseKernel", "bias", (own) => [1, ...own]),
        windows: call.windows1d("kernelSize"),
      },
    ]),
    ...call.activation(),
  ],
  SeparableConv1D: (call, options) => [
    ...call.asImages([
      ...call.causalPadding(),
      ...separable(call, call.windows1d("kernelSize"), options, (own) => [1, ...own]),
    ]),
    ...call.activation(),
  ],
  SeparableConv2D: (call, options) => [
    ...call.inChannelsLast(separable(call, call.windows("kernelSize"), options)),
    ...call.activation(),
  ],
  BatchNormalization: (call, { batchNormalization }) => {
    const channelsLast = call.axis(call.config.axis as number) === call.inputShape.length - 1;
    const parts = batchNormalization === "two" ? call.normalizationInTwo() : [call.normalization()];
    return parts.map((weights): Link => ({ kind: "scale", weights, channelsLast }));
  },
  LayerNormalization: (call) => {
    const axes = [call.config.axis as number | number[]].flat().map((axis) => call.axis(axis));
    const along = (field: string) => () => {
      const weight = weightOf(call.layer, field);
      const shape = call.inputShape.map((n, axis) => (axes.includes(axis) ? (n as number) : 1));
      return weight === null ? null : weight.reshape(shape);
    };
    return [
      {
        kind: "layerNormalization",
        axes,
        epsilon: call.config.epsilon as number,
        gamma: along("gamma"),
        beta: along("beta"),
      },
    ];
  },
  AveragePooling1D: (call) => call.asImages([{ kind: "averagePool2d", windows: call.windows1d("poolSize") }]),
  AveragePooling2D: (call) =>
    call.inChannelsLast([{ kind: "averagePool2d", windows: call.windows("poolSize") }]),
  AveragePooling3D: (call) =>
    call.inChannelsLast([{ kind: "averagePool3d", windows: call.windows3d("poolSize") }]),
  MaxPooling1D: (call) => call.asImages([{ kind: "maxPool2d", windows: call.windows1d("poolSize") }]),
  MaxPooling2D: (call) => call.inChannelsLast([{ kind: "maxPool2d", windows: call.windows("poolSize") }]),
  MaxPooling3D: (call) => call.inChannelsLast([{ kind: "maxPool3d", windows: call.windows3d("poolSize") }]),
  GlobalAveragePooling1D: (call) => call.asImages([{ kind: "averagePool2d", windows: null }]),
  GlobalAveragePooling2D: (call) =>
    call.inChannelsLast([
      { kind: "averagePool2d", windows: null },
      { kind: "reshape", shape: call.lastOnly() },
    ]),
  GlobalMaxPooling1D: (call) => call.asImages([{ kind: "maxPool2d", windows: null }]),
  GlobalMaxPooling2D: (call) =>
    call.inChannelsLast([
      { kind: "maxPool2d", windows: null },
      { kind: "reshape", shape: call.lastOnly() },
    ]),
  KerasGlobalAveragePooling1D: (call) => wholeSpace(call, "averagePool2d"),
  KerasGlobalAveragePooling2D: (call) => wholeSpace(call, "averagePool2d"),
  GlobalAveragePooling3D: (call) => wholeSpace(call, "averagePool2d"),
  KerasGlobalMaxPooling1D: (call) => wholeSpace(call, "maxPool2d"),
  KerasGlobalMaxPooling2D: (call) => wholeSpace(call, "maxPool2d"),
  GlobalMaxPooling3D: (call) => wholeSpace(call, "maxPool2d"),
  Flatten: (call) => call.inChannelsLast([call.reshape()]),
  Reshape: (call) => [call.reshape()],
  Permute: (call) => [{ kind: "permute", order: [0, ...(call.config.dims as number[])] }],
  Add: (call) => [{ kind: "add", factors: call.node.inputs.map(() => 1) }],
  Subtract: () => [{ kind: "add", factors: [1, -1] }],
  Average: (call) => [{ kind: "add", factors: call.node.inputs.map((_, _i, all) => 1 / all.length) }],
  Multiply: () => [{ kind: "multiply" }],
  Maximum: () => [{ kind: "extremum", largest: true }],
  Minimum: () => [{ kind: "extremum", largest: false }],
  Concatenate: (call) => [{ kind: "concatenate", axis: call.axis(call.config.axis as number) }],
  UpSampling2D: (call) => {
    const { size, interpolation } = call.config as { size: [number, number]; interpolation: string };
    const larger = (x: tf.Tensor): tf.Tensor => {
      const [, h, w] = x.shape as [number, number, number];
      return resizeBilinear(x, [h * size[0], w * size[1]]);
    };
    return call.inChannelsLast([
      interpolation === "bilinear" ? { kind: "move", apply: larger } : { kind: "upsample", size },
    ]);
  },
  Embedding: () => [{ kind: "embedding" }],
  KerasMasking: masking,
  Masking: masking,
  WithMask: () => [{ kind: "identity", from: [0] }],
  TimeDistributed: (call, options) => {
    const [inner] = innerLayers(call.layer);
    // A table is read token by token anyway.
    if (inner?.getClassName() === "Embedding") return [{ kind: "embedding" }];
    const links = inner === undefined || call.mask !== null ? null : linksAtOneTime(call, inner, options);
    return links === null ? [{ kind: "opaque" }] : timeDistributed(call, links);
  },
  ...forEach(
    ["SimpleRNN", "LSTM", "GRU", "RNN", "KerasSimpleRNN", "KerasLSTM", "KerasGRU", "Bidirectional"],
    (call) => [recurrentLink(call)],
  ),
  ...forEach(
    [
      "Dropout",
      "SpatialDropout1D",
      "SpatialDropout2D",
      "SpatialDropout3D",
      "GaussianNoise",
      "GaussianDropout",
      "AlphaDropout",
      "ActivityRegularization",
      "KerasIdentity",
      "RandomAugmentation",
    ],
    () => [{ kind: "identity" }],
  ),
  ...forEach(
    [
      "RepeatVector",
      "Cropping1D",
      "Cropping2D",
      "Cropping3D",
      "ZeroPadding1D",
      "ZeroPadding2D",
      "ZeroPadding3D",
      "UpSampling1D",
      "UpSampling3D",
    ],
    (call) => [moved(call.layer)],
  ),
};

function forEach(names: readonly string[], make: (call: LayerCall) => Link[]) {
  return Object.fromEntries(names.map((name) => [name, make]));
}

/** A pooling over all places, whose axes may stay with size 1: over one row of pixels. Not one that knows of a mask. */
function wholeSpace(call: LayerCall, kind: "averagePool2d" | "maxPool2d"): Link[] {
  if (call.config.dataFormat === "channelsFirst") return [{ kind: "opaque" }];
  if (call.mask !== null) {
    const apply = (x: tf.Tensor, mask: tf.Tensor) => call.layer.apply(x, { mask }) as tf.Tensor;
    return [{ kind: "weighted", apply: apply as WeightedStep["apply"] }];
  }
  const channels = call.inputShape.at(-1) as number;
  return [
    { kind: "reshape", shape: [1, -1, channels] },
    { kind, windows: null },
    { kind: "reshape", shape: call.outputShape.slice(1).map((n) => n ?? 1) },
  ];
}

/** Zeros where a time step is masked: a factor of 0 or 1, which relevance passes as it passes an activation. */
function masking({ layer, config }: LayerCall): Link[] {
  const apply = (x: tf.Tensor) => withoutMasked(x, (config.maskValue as number | undefined) ?? 0);
  return [{ kind: "activation", activation: layer.getClassName().toLowerCase(), apply }];
}

/** A layer that moves values, run as it is. */
function moved(layer: Layer): Link {
  return { kind: "move", apply: (x) => layer.apply(x) as tf.Tensor };
}

function separable(
  call: LayerCall,
  windows: WindowOptions,
  { separable: how = "one" }: LowerOptions,
  shaped?: (own: number[]) => number[],
): Link[] {
  const kernels = ["depthwiseKernel", "pointwiseKernel"] as const;
  if (how !== "two") {
    const weights = call.weights(kernels, "bias", shaped);
    return [{ kind: "separableConv2d", weights, windows, inTwo: how === "one" }];
  }
  return [
    { kind: "depthwiseConv2d", weights: call.weights(kernels[0], null, shaped), windows },
    { kind: "conv2d", weights: call.weights(kernels[1], "bias", shaped), windows: ONE_PIXEL },
  ];
}

/**
 * Takes a traced model apart into steps: a convolution with relu becomes a linear step and an activation, a layer that is
 * no more than moving or scaling becomes that. Nothing is computed.
 *
 * @param who for messages: the method that wants it
 * @throws UnsupportedLayerError for what cannot be done right
 */
export function lower(who: string, traced: Trace, options: LowerOptions = {}): Program {
  let nextId = traced.tensors.length;
  const masks = new MaskFlow();
  const lowered = traced.nodes.flatMap((node) => {
    const mask = masks.heeded(node);
    const call = new LayerCall(who, node, traced, typeof mask === "number" ? mask : null);
    const links = linksOrRefusal(call, typeof mask === "string" ? mask : null, options);
    const ids = [...call.inputs];
    const steps = links.map(({ from, to, node: part = node, ...link }, i): Step => {
      const fed = i === 0 ? call.inputs : ids.slice(-1);
      const inputs = from?.map((place) => ids[place] as number) ?? fed;
      const given = i === links.length - 1 ? node.outputs : [nextId++];
      const outputs = to === undefined ? given : [node.outputs[to] as number];
      ids.push(outputs[0] as number);
      const carried =
        i === 0 && from === undefined && call.mask !== null ? { carried: node.inputs.length } : {};
      return { ...carried, ...link, node: part, inputs, outputs } as Step;
    });
    masks.note(node, () => {
      const { layer, inputs } = node;
      const apply = (...xs: tf.Tensor[]) => layer.computeMask(xs) as tf.Tensor;
      steps.push({ kind: "mask", node, inputs, outputs: [nextId], carried: 0, apply });
      return nextId++;
    });
    return steps;
  });
  const steps = options.canonize ? foldNormalizations(lowered, traced.outputs) : lowered;
  const { inputs, outputs } = traced;
  const [nonNegative, probabilities] = [nonNegativeTensors(steps), probabilityTensors(steps)];
  return { steps, inputs, outputs, nonNegative, probabilities };
}

/** The links of a call. What refuses is told to `options.refused`, where there is one, and stays whole. */
function linksOrRefusal(call: LayerCall, refusal: string | null, options: LowerOptions): Link[] {
  const { refused, whole } = options;
  try {
    if (refusal !== null) call.refuse(refusal);
    return (whole?.(call.node) ?? false) ? [{ kind: "opaque" }] : linksOf(call, options);
  } catch (error) {
    if (refused === undefined || !(error instanceof UnsupportedLayerError)) throw error;
    refused(call.node, error);
    return [{ kind: "opaque" }];
  }
}

function linksOf(call: LayerCall, options: LowerOptions): Link[] {
  const { layer } = call;
  if (isActivationLayer(layer)) {
    const activation = nameOfActivation(layer);
    const apply = (z: tf.Tensor) => layer.apply(z) as tf.Tensor;
    if (activation !== "softmax") return [{ kind: "activation", activation, apply }];
    if (call.mask !== null) return [{ kind: "opaque" }];
    return [{ ...SOFTMAX, axis: (call.config.axis as number | undefined) ?? -1, apply }];
  }
  const className = layer.getClassName();
  const sameAs = standIn(call);
  return (
    (sameAs === null ? null : lowering[sameAs]?.(call, options)) ??
    lowering[className]?.(call, options) ??
    attending(call, options) ??
    ownLayers[className]?.(call) ?? [{ kind: "opaque" }]
  );
}

/** What the layer or the model inside a TimeDistributed is made of; null where it is to stay whole. */
function linksAtOneTime(call: LayerCall, inner: Layer, options: LowerOptions): Link[] | null {
  const { node, who } = call;
  // The outputs stay the wrapper's: by them one sees whose part it is.
  const within = (part: Pick<TraceNode, "path" | "layer">): TraceNode => ({
    ...node,
    layer: part.layer,
    path: `${node.path}/${part.path}`,
  });
  if (!isContainer(inner)) {
    const part = within({ layer: inner, path: inner.name });
    return linksOf(atOneTime(call, inner), options).map((link) => ({ ...link, node: part }));
  }
  if (options.whole !== undefined) return null;
  const { refused: _outside, ...inside } = options;
  const { steps, inputs, outputs } = lower(who, trace(inner as unknown as tf.LayersModel, who), inside);
  const places = new Map(
    [...inputs, ...steps.map((step) => step.outputs[0] as number)].map((id, k) => [id, k]),
  );
  const last = steps.find((step) => step.outputs[0] === outputs[0]);
  if (last === undefined || steps.some((step) => step.outputs.length > 1)) return null;
  return steps.map((step) => {
    const { inputs: read, outputs: _given, node: part, ...link } = step;
    const from = read.map((id) => places.get(id) as number);
    return { ...link, from, node: within(part), ...(step === last ? { to: 0 } : {}) } as Link;
  });
}

/** Layers of attention and products of two tensors, null for others. */
function attending(call: LayerCall, { attention = false }: LowerOptions): Link[] | null {
  const links = attentionLinks(call);
  return links === null || attention ? links : [{ kind: "opaque", attends: true }];
}

/** As `activationOf`, but a ReLU that is cut off above has a name of its own. */
function nameOfActivation(layer: Layer): string {
  const name = activationOf(layer) ?? "linear";
  return name === "relu" && layer.getConfig().maxValue != null ? "cappedrelu" : name;
}
