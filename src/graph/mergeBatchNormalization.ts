import * as tf from "@tensorflow/tfjs";
import { activationOf } from "../checks/activations.js";
import { configOf, type Layer, provideWeights, type Shape } from "../layers/internals.js";
import { type Affine, affineOf, foldings, type LinearWeights, linearWeights } from "./batchNormFolding.js";
import { modelFromTrace } from "./modelFromTrace.js";
import { type Trace, type TraceNode, type TraceTensor, trace } from "./trace.js";

export interface MergedModel {
  /** The copy. */
  readonly model: tf.LayersModel;
  /** The paths of the layers that are gone, and of those that do their work now. */
  readonly merged: { readonly layer: string; readonly into: string }[];
  /** The paths of the batch normalisations that stay, and why. */
  readonly kept: { readonly layer: string; readonly reason: string }[];
}

/**
 * A copy of a model whose batch normalisations are worked into the layers before or after them, so that rules of relevance
 * see one linear layer. In inference a batch normalisation is y = k x + b, with k = gamma / sqrt(variance + epsilon) and
 * b = beta - k mean, which is exact in a Dense, Conv, transposed, depthwise or separable convolution: after one that is
 * linear as W' = k W, bias' = k bias + b; before one as W' = W k, bias' = bias + sum(W b). The outputs are the same up to
 * rounding.
 *
 * What cannot be merged stays: where something else uses the tensor between the two, and before a convolution that pads,
 * whose zeros the offset would have to reach; and one along another axis than the last, which TensorFlow.js 4.22 computes
 * wrongly on some backends (channels first). Merged layers have weights of their own, the others share the model's. Nested
 * models are unrolled, and their layers called by their paths. The model stays as it is.
 *
 * @throws ArgumentError for what is no layers model, GraphError for one that was never built, DisposedError,
 *   UnsupportedLayerError for a layer that cannot be copied
 * @source zennit's canonizer MergeBatchNorm, from its description; Guillemot et al. 2020, arXiv:2009.14665
 * @example const { model: canonical, kept } = mergeBatchNormalization(model);
 */
export function mergeBatchNormalization(model: tf.LayersModel): MergedModel {
  const who = "mergeBatchNormalization";
  const traced = trace(model, who);
  const graph = new Merging(traced);
  const merged: MergedModel["merged"] = [];
  const normalizations = new Map<Layer, string>();
  for (const { layer, path } of traced.nodes) {
    if (layer.getClassName() === "BatchNormalization" && !normalizations.has(layer))
      normalizations.set(layer, path);
  }
  /** Why those that are left could not be merged. */
  const reasons = new Map([...normalizations.keys()].map((layer) => [layer, ""]));
  try {
    // One that went makes room for the next: of two in a row before a convolution the second has to go first.
    for (let left = Infinity; reasons.size < left; ) {
      left = reasons.size;
      for (const layer of [...reasons.keys()]) {
        const result = graph.merge(layer);
        if (typeof result === "string") reasons.set(layer, result);
        else {
          merged.push({ layer: normalizations.get(layer) as string, into: result.path });
          reasons.delete(layer);
        }
      }
    }
    const copy = modelFromTrace(who, graph.trace(), {
      name: model.name,
      inputs: traced.inputs.map((id, i) => ({ id, name: traced.inputLayers[i]?.name as string })),
      outputs: graph.outputs,
      unusedInputs: "keep",
      replace: (layer, name) => graph.replacement(layer, name),
    });
    const kept = [...reasons].map(([layer, reason]) => ({
      layer: normalizations.get(layer) as string,
      reason,
    }));
    return { model: copy, merged, kept };
  } finally {
    graph.dispose();
  }
}

/** A trace from which batch normalisations are taken away one by one. */
class Merging {
  #nodes: readonly TraceNode[];
  outputs: readonly number[];
  /** The weights of the layers that have taken up batch normalisations. */
  readonly #weights = new Map<Layer, LinearWeights>();

  constructor(private readonly traced: Trace) {
    this.#nodes = traced.nodes;
    this.outputs = traced.outputs;
  }

  trace(): Trace {
    return { ...this.traced, nodes: this.#nodes, outputs: this.outputs };
  }

  /** Merges all calls of a layer. The call it went into, or why it stays. */
  merge(normalization: Layer): TraceNode | string {
    const calls = this.#callsOf(normalization);
    const axis = normalization.getConfig().axis as number;
    if (!calls.every((call) => isLast(axis, this.#tensor(call.inputs[0]).shape)))
      return `along axis ${axis}, which is not the last, TensorFlow.js 4.22 normalises wrongly on some backends`;
    const before = this.#mergeAfter(normalization, calls);
    if (typeof before !== "string") return before;
    const after = this.#mergeBefore(normalization, calls);
    return typeof after === "string" ? `${before}; ${after}` : after;
  }

  /** Into the layer before. */
  #mergeAfter(normalization: Layer, calls: readonly TraceNode[]): TraceNode | string {
    const makers = calls.map((call) =>
      this.#nodes.find(({ outputs }) => outputs.includes(call.inputs[0] as number)),
    );
    const maker = makers[0];
    if (maker === undefined) return "it stands on an input";
    const { layer } = maker;
    const named = `"${maker.path}" (${layer.getClassName()}) before it`;
    if (!this.#isLinear(layer)) return `${named} is no linear layer with a kernel`;
    const activation = activationOf(layer);
    if (activation !== "linear") return `${named} has the activation ${activation}`;
    const own = this.#callsOf(layer);
    const alone =
      makers.every((node) => node?.layer === layer) &&
      own.every(({ outputs: [y] }) => this.#isUsedBy(y as number, normalization));
    if (!alone) return `${named} is used without it, too`;
    if (channelsFirst(layer)) return `it does not work on the channels of ${named}`;
    this.#fold(maker, normalization, "after");
    return maker;
  }

  /** Into the layer behind. */
  #mergeBefore(normalization: Layer, calls: readonly TraceNode[]): TraceNode | string {
    const users = calls.flatMap(({ outputs: [y] }) =>
      this.#nodes.filter(({ inputs }) => inputs.includes(y as number)),
    );
    const user = users[0];
    if (user === undefined) return "nothing comes after it";
    const { layer } = user;
    const named = `"${user.path}" (${layer.getClassName()}) after it`;
    if (!this.#isLinear(layer)) return `${named} is no linear layer with a kernel`;
    const ys = new Set(calls.map(({ outputs: [y] }) => y as number));
    const alone =
      [...ys].every((y) => this.#isUsedBy(y, layer)) &&
      this.#callsOf(layer).every(({ inputs: [x] }) => ys.has(x as number));
    if (!alone) return `it and ${named} are used without each other, too`;
    if (channelsFirst(layer)) return `it does not work on the channels of ${named}`;
    if (!seesWholeKernel(layer) && hasOffset(normalization))
      return `${named} pads, where its offset does not reach`;
    this.#fold(user, normalization, "before");
    return user;
  }

  #fold(linear: TraceNode, normalization: Layer, where: "after" | "before"): void {
    const { layer } = linear;
    const old = this.#weights.get(layer);
    const channels = this.#tensor(linear.outputs[0]).shape.at(-1) as number;
    const folded = tf.tidy(() => {
      const weights = old ?? linearWeights(layer, channels);
      return foldings[layer.getClassName()]?.[where](weights, affineOf(normalization)) as LinearWeights;
    });
    if (old !== undefined) tf.dispose(old);
    this.#weights.set(layer, folded);
    // What the normalisation gave is now what it was given.
    const instead = new Map(
      this.#callsOf(normalization).map(({ inputs: [x], outputs: [y] }) => [y, x as number]),
    );
    const renamed = (ids: readonly number[]) => ids.map((id) => instead.get(id) ?? id);
    this.#nodes = this.#nodes
      .filter((node) => node.layer !== normalization)
      .map((node) => ({ ...node, inputs: renamed(node.inputs) }));
    this.outputs = renamed(this.outputs);
  }

  /** The layer that stands for one that has taken up a batch normalisation. */
  replacement(layer: Layer, name: string): Layer | undefined {
    const weights = this.#weights.get(layer);
    if (weights === undefined) return undefined;
    const layerClass = (layer as unknown as { constructor: tf.serialization.SerializableConstructor<Layer> })
      .constructor;
    const made = layerClass.fromConfig(layerClass, {
      ...configOf(layer),
      name,
      useBias: true,
    });
    const asked = { ...foldings[layer.getClassName()]?.weights, bias: "bias" };
    const values = new Map(Object.entries(asked).map(([key, weight]) => [weight, weights[key] as tf.Tensor]));
    provideWeights(made, (weight) => ({
      value: values.get(weight) as tf.Tensor,
      name: `${name}/${weight}`,
      trainable: true,
    }));
    return made;
  }

  dispose(): void {
    for (const weights of this.#weights.values()) tf.dispose(weights);
  }

  #callsOf(layer: Layer): TraceNode[] {
    return this.#nodes.filter((node) => node.layer === layer);
  }

  #isLinear(layer: Layer): boolean {
    return layer.getClassName() in foldings;
  }

  /** Whether a tensor goes into calls of a layer, and nowhere else. */
  #isUsedBy(id: number, layer: Layer): boolean {
    const users = this.#nodes.filter(({ inputs }) => inputs.includes(id));
    return !this.outputs.includes(id) && users.length > 0 && users.every((user) => user.layer === layer);
  }

  #tensor(id: number | undefined): TraceTensor {
    return this.traced.tensors[id as number] as TraceTensor;
  }
}

function isLast(axis: number, { length: rank }: Shape): boolean {
  return axis === -1 || axis === rank - 1;
}

function channelsFirst(layer: Layer): boolean {
  return layer.getConfig().dataFormat === "channelsFirst";
}

/** Whether every output of a layer comes from as many inputs as its kernel has places. */
function seesWholeKernel(layer: Layer): boolean {
  const { kernelSize, strides, padding } = layer.getConfig();
  if (kernelSize === undefined) return true;
  const isOne = (value: unknown) => [value].flat().every((n) => n === 1);
  if (layer.getClassName().endsWith("Transpose")) return isOne(kernelSize) && isOne(strides);
  return padding === "valid" || isOne(kernelSize);
}

function hasOffset(normalization: Layer): boolean {
  return tf.tidy(() => {
    const { offset }: Affine = affineOf(normalization);
    return (tf.max(tf.abs(offset)).dataSync()[0] as number) > 0;
  });
}
