import * as tf from "@tensorflow/tfjs";
import { activationOf, isActivationLayer } from "../checks/activations.js";
import type { WindowOptions } from "../core/windows.js";
import { UnsupportedLayerError } from "../errors.js";
import type { Trace, TraceNode } from "../graph/trace.js";
import { applyActivation, type Layer, weightOf } from "../layers/internals.js";
import type { Program, Step, StepWeights } from "./steps.js";

/** A step before it knows its tensors: a layer becomes a chain of these, each fed by the one before. */
type Link = Step extends infer S ? (S extends Step ? Omit<S, "node" | "inputs" | "outputs"> : never) : never;

/** What a layer is made of, by class name. Classes that are not here run as they are, as one opaque step. */
const lowering: Readonly<Record<string, (call: Call) => Link[]>> = {
  Dense: (call) => [{ kind: "dense", weights: call.weights("kernel", "bias") }, ...call.activation()],
  Conv2D: (call) => [
    { kind: "conv2d", weights: call.weights("kernel", "bias"), windows: call.windows("kernelSize") },
    ...call.activation(),
  ],
  BatchNormalization: (call) => {
    const last = call.inputShape.length - 1;
    return call.config.axis === -1 || call.config.axis === last
      ? [{ kind: "scale", weights: call.normalization() }]
      : [{ kind: "opaque" }];
  },
  AveragePooling2D: (call) => [{ kind: "averagePool2d", windows: call.windows("poolSize") }],
  MaxPooling2D: (call) => [{ kind: "maxPool2d", windows: call.windows("poolSize") }],
  GlobalAveragePooling2D: (call) => [{ kind: "averagePool2d", windows: call.wholeImage() }, call.reshape()],
  GlobalMaxPooling2D: (call) => [{ kind: "maxPool2d", windows: call.wholeImage() }, call.reshape()],
  Flatten: (call) => {
    call.refuseChannelsFirst();
    return [call.reshape()];
  },
  Reshape: (call) => [call.reshape()],
  Add: () => [{ kind: "add" }],
  Concatenate: (call) => {
    const axis = call.config.axis as number;
    return [{ kind: "concatenate", axis: axis < 0 ? axis + call.inputShape.length : axis }];
  },
  ...Object.fromEntries(
    [
      "Dropout",
      "SpatialDropout1D",
      "SpatialDropout2D",
      "GaussianNoise",
      "GaussianDropout",
      "AlphaDropout",
    ].map((name) => [name, (): Link[] => [{ kind: "identity" }]]),
  ),
};

/**
 * Takes a traced model apart into steps: a convolution with relu becomes a linear step and an activation, a layer that is
 * no more than moving or scaling becomes that. Nothing is computed.
 *
 * @param who for messages: the method that wants it
 * @throws UnsupportedLayerError for what cannot be done right
 */
export function lower(who: string, traced: Trace): Program {
  let nextId = traced.tensors.length;
  const steps = traced.nodes.flatMap((node) => {
    const links = linksOf(new Call(who, node, traced));
    return links.map((link, i): Step => {
      const inputs = i === 0 ? node.inputs : [nextId - 1];
      const outputs = i === links.length - 1 ? node.outputs : [nextId++];
      return { ...link, node, inputs, outputs } as Step;
    });
  });
  return { steps, inputs: traced.inputs, outputs: traced.outputs };
}

function linksOf(call: Call): Link[] {
  const { layer } = call.node;
  if (isActivationLayer(layer)) {
    return [
      {
        kind: activationOf(layer) === "softmax" ? "softmax" : "activation",
        apply: (z) => layer.apply(z) as tf.Tensor,
      },
    ];
  }
  const make = lowering[layer.getClassName()];
  if (make !== undefined) return make(call);
  call.refuseKnownFaults();
  return [{ kind: "opaque" }];
}

/** One call of a layer, with the readings that the table above is written in. */
class Call {
  readonly config: tf.serialization.ConfigDict;
  readonly inputShape: readonly (number | null)[];
  readonly #layer: Layer;

  constructor(
    readonly who: string,
    readonly node: TraceNode,
    private readonly traced: Trace,
  ) {
    this.#layer = node.layer;
    this.config = node.layer.getConfig();
    this.inputShape = this.#shape(node.inputs[0]);
  }

  weights(kernel: string, bias: string): StepWeights {
    const layer = this.#layer;
    return { kernel: () => weightOf(layer, kernel) as tf.Tensor, bias: () => weightOf(layer, bias) };
  }

  /** Batch normalisation in inference is linear: k = gamma / sqrt(variance + epsilon), b = beta - k mean. */
  normalization(): StepWeights {
    const layer = this.#layer;
    const kernel = () => {
      const deviation = tf.sqrt(
        tf.add(weightOf(layer, "movingVariance") as tf.Tensor, this.config.epsilon as number),
      );
      return tf.div(weightOf(layer, "gamma") ?? 1, deviation);
    };
    const bias = () =>
      tf.sub(weightOf(layer, "beta") ?? 0, tf.mul(kernel(), weightOf(layer, "movingMean") as tf.Tensor));
    return { kernel, bias };
  }

  /** The activation that is part of the layer; nothing for linear. */
  activation(): Link[] {
    const name = activationOf(this.#layer);
    if (name === null || name === "linear") return [];
    return [
      { kind: name === "softmax" ? "softmax" : "activation", apply: (z) => applyActivation(this.#layer, z) },
    ];
  }

  windows(size: "kernelSize" | "poolSize"): WindowOptions {
    this.refuseChannelsFirst();
    const pair = (value: unknown): [number, number] =>
      (Array.isArray(value) ? [value[0], value[1]] : [value, value]) as [number, number];
    return {
      kernelShape: pair(this.config[size]),
      strides: pair(this.config.strides),
      rates: pair(this.config.dilationRate ?? 1),
      padding: this.config.padding as string,
    };
  }

  wholeImage(): null {
    this.refuseChannelsFirst();
    return null;
  }

  reshape(): Link {
    return {
      kind: "reshape",
      shape: this.#shape(this.node.outputs[0])
        .slice(1)
        .map((n) => n ?? -1),
    };
  }

  refuseChannelsFirst(): void {
    if (this.config.dataFormat === "channelsFirst")
      this.#refuse("has channels first, which is not done yet; channels last works");
  }

  /** Layers that tfjs itself differentiates wrongly, or whose input has no gradient. */
  refuseKnownFaults(): void {
    const className = this.#layer.getClassName();
    if (/^AveragePooling[13]D$/.test(className) && this.config.padding === "same") {
      this.#refuse("pads with same, where TensorFlow.js's gradient is wrong at the border; valid works");
    }
    if (className === "Embedding")
      this.#refuse("takes token numbers, which have no gradient; explaining tokens is not done yet");
    if (className === "Masking") this.#refuse("masks, which is not done yet");
  }

  #refuse(why: string): never {
    const { path, layer } = this.node;
    const className = layer.getClassName();
    throw new UnsupportedLayerError(
      `${this.who}: layer "${path}" (${className}) ${why}`,
      layer.name,
      className,
    );
  }

  #shape(id: number | undefined): readonly (number | null)[] {
    return this.traced.tensors[id as number]?.shape ?? [];
  }
}
