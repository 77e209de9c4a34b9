import * as tf from "@tensorflow/tfjs";
import { activationOf } from "../checks/activations.js";
import type { WindowOptions } from "../core/windows.js";
import { UnsupportedLayerError } from "../errors.js";
import type { Trace, TraceNode } from "../graph/trace.js";
import { applyActivation, type Layer, weightOf } from "../layers/internals.js";
import type { Step, StepWeights, Windows3d } from "./steps.js";

/** A step before it knows its tensors: a layer becomes a chain of these, each fed by the one before. */
export type Link = (Step extends infer S
  ? S extends Step
    ? Omit<S, "node" | "inputs" | "outputs">
    : never
  : never) &
  Wires;

/** Of a link that is not one of a chain: what it reads and gives. */
interface Wires {
  /** Places of the tensors that it reads: the call's inputs and mask first, then what each link gave, in order. */
  readonly from?: readonly number[];
  /** Which of the call's outputs it gives. */
  readonly to?: number;
  /** The call that it is part of, where that is one within the layer. */
  readonly node?: TraceNode;
}

/** A softmax over the last axis, as it is where no layer says otherwise. */
export const SOFTMAX = { kind: "softmax", activation: "softmax", axis: -1 } as const;

/** Puts links together that are not a chain. */
export class Wiring {
  readonly links: Link[] = [];

  constructor(private readonly call: LayerCall) {}

  /** Adds a link, and gives the place of what it gives. */
  add(link: Link, ...from: number[]): number {
    this.links.push({ ...link, from });
    return this.call.inputs.length + this.links.length - 1;
  }

  /** The same for links that are a chain. */
  chain(links: readonly Link[], from: number): number {
    return links.reduce((place, link) => this.add(link, place), from);
  }

  /**
   * Adds links that were made for a call of their own: its inputs are what lies at `places`. Gives the place of its output.
   */
  embed(links: readonly Link[], places: readonly number[]): number {
    const base = this.call.inputs.length + this.links.length;
    const count = places.length;
    let last = -1;
    for (const [i, { from, to, ...link }] of links.entries()) {
      const own = from ?? (i === 0 ? places.map((_, k) => k) : [count + i - 1]);
      const place = this.add(link as Link, ...own.map((k) => places[k] ?? base + k - count));
      if (to === 0 || (last < 0 && i === links.length - 1)) last = place;
    }
    return last;
  }

  /** Makes what the link of that place gives an output of the call. */
  give(place: number, to: number): void {
    const at = place - this.call.inputs.length;
    this.links[at] = { ...(this.links[at] as Link), to };
  }
}

/** One call of a layer, with the readings that the table of lower.ts is written in. */
export class LayerCall {
  readonly inputShape: readonly (number | null)[];
  readonly outputShape: readonly (number | null)[];
  readonly layer: Layer;
  #config: tf.serialization.ConfigDict | null = null;

  constructor(
    readonly who: string,
    readonly node: TraceNode,
    private readonly traced: Trace,
    /** The mask that the layer heeds, by id. */
    readonly mask: number | null = null,
    /** Where the weights are, if not in the called layer itself: what a wrapper wraps. */
    inner?: Pick<LayerCall, "layer" | "inputShape" | "outputShape">,
  ) {
    const shape = (id: number | undefined) => traced.tensors[id as number]?.shape ?? [];
    this.layer = inner?.layer ?? node.layer;
    this.inputShape = inner?.inputShape ?? shape(node.inputs[0]);
    this.outputShape = inner?.outputShape ?? shape(node.outputs[0]);
  }

  /** What its links may read: the call's inputs, and its mask behind them. */
  get inputs(): readonly number[] {
    return this.mask === null ? this.node.inputs : [...this.node.inputs, this.mask];
  }

  get config(): tf.serialization.ConfigDict {
    this.#config ??= this.layer.getConfig();
    return this.#config;
  }

  /** @param shaped the shape in which a step takes the kernel, from the layer's own */
  weights(
    kernels: string | readonly string[],
    bias: string | null,
    shaped?: (own: number[]) => number[],
  ): StepWeights {
    const { layer } = this;
    const read = (name: string) => {
      const own = weightOf(layer, name) as tf.Tensor;
      return shaped === undefined ? own : tf.reshape(own, shaped(own.shape));
    };
    return {
      kernels: () => [kernels].flat().map(read),
      bias: () => (bias === null ? null : weightOf(layer, bias)),
    };
  }

  /** Batch normalisation in inference is linear: k = gamma / sqrt(variance + epsilon), b = beta - k mean. */
  normalization(): StepWeights {
    const read = (field: string) => this.#alongAxis(field);
    const slope = () =>
      tf.div(
        read("gamma") ?? 1,
        tf.sqrt(tf.add(read("movingVariance") as tf.Tensor, this.config.epsilon as number)),
      );
    return {
      kernels: () => [slope()],
      bias: () => tf.sub(read("beta") ?? 0, tf.mul(slope(), read("movingMean") as tf.Tensor)),
      computed: {
        from: () => [read("gamma"), read("movingVariance")].filter((weight) => weight !== null),
        by: `epsilon ${this.config.epsilon}`,
      },
    };
  }

  /** The same in two steps: (x - mean) / sqrt(variance + epsilon), then gamma x + beta. */
  normalizationInTwo(): [StepWeights, StepWeights] {
    const read = (field: string) => this.#alongAxis(field);
    const mean = () => read("movingMean") as tf.Tensor;
    const slope = () =>
      tf.div(1, tf.sqrt(tf.add(read("movingVariance") as tf.Tensor, this.config.epsilon as number)));
    return [
      { kernels: () => [slope()], bias: () => tf.neg(tf.mul(slope(), mean())) },
      { kernels: () => [read("gamma") ?? tf.onesLike(mean())], bias: () => read("beta") },
    ];
  }

  /** A weight of one number a channel, in a shape that broadcasts along the layer's axis. */
  #alongAxis(field: string): tf.Tensor | null {
    const weight = weightOf(this.layer, field);
    const rank = this.inputShape.length;
    const axis = this.axis(this.config.axis as number);
    return weight === null || axis === rank - 1
      ? weight
      : tf.reshape(weight, [weight.size, ...Array<number>(rank - 1 - axis).fill(1)]);
  }

  /** The same call with the readings of the layer that a wrapper wraps, and of the shapes that it sees. */
  of(inner: Layer, inputShape = this.inputShape, outputShape = this.outputShape): LayerCall {
    const shaped = { layer: inner, inputShape, outputShape };
    return new LayerCall(this.who, this.node, this.traced, this.mask, shaped);
  }

  /** y = k x + b for each element: what the layer makes of ones and of zeros tells k and b. */
  affine(): Link[] {
    const shape = [1, ...this.inputShape.slice(1).map((n) => n ?? 1)];
    const of = (x: tf.Tensor) => tf.squeeze(this.layer.apply(x) as tf.Tensor, [0]);
    const weights = {
      kernels: () => [tf.sub(of(tf.ones(shape)), of(tf.zeros(shape)))],
      bias: () => of(tf.zeros(shape)),
    };
    return [{ kind: "scale", weights, channelsLast: true }];
  }

  axis(axis: number): number {
    return axis < 0 ? axis + this.inputShape.length : axis;
  }

  /** The activation that is part of the layer; nothing for linear. */
  activation(): Link[] {
    const name = activationOf(this.layer);
    if (name === null || name === "linear") return [];
    const apply = (z: tf.Tensor) => applyActivation(this.layer, z);
    return [name === "softmax" ? { ...SOFTMAX, apply } : { kind: "activation", activation: name, apply }];
  }

  /** Puts the channels last around a chain of images or volumes, where the layer has them first. */
  inChannelsLast(links: readonly Link[]): Link[] {
    if (this.config.dataFormat !== "channelsFirst") return [...links];
    const rank = this.inputShape.length;
    const toLast = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
    const toFirst = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
    const outputRank = this.outputShape.length;
    const back: Link[] = outputRank === rank ? [{ kind: "permute", order: toFirst }] : [];
    return [{ kind: "permute", order: toLast }, ...links, ...back];
  }

  /** Runs a chain of images over series `[n, w, c]`, as images of one row. */
  asImages(links: readonly Link[]): Link[] {
    const first = this.config.dataFormat === "channelsFirst";
    const series = (shape: readonly (number | null)[]) =>
      (first ? [shape[2], shape[1]] : [shape[1], shape[2]]).map((n) => n ?? -1);
    const chain: Link[] = [
      { kind: "reshape", shape: [1, ...series(this.inputShape)] },
      ...links,
      { kind: "reshape", shape: this.outputShape.length === 3 ? series(this.outputShape) : this.lastOnly() },
    ];
    return this.inChannelsLast(chain);
  }

  lastOnly(): number[] {
    return [this.outputShape.at(-1) ?? -1];
  }

  windows(size: "kernelSize" | "poolSize"): WindowOptions {
    return {
      kernelShape: pair(this.config[size]),
      strides: pair(this.config.strides ?? this.config[size]),
      rates: pair(this.config.dilationRate ?? 1),
      padding: String(this.config.padding ?? "valid").toLowerCase(),
    };
  }

  /** Zeros before a series, as images of one row, so that no window sees what comes later; nothing without `causal`. */
  causalPadding(): Link[] {
    if (String(this.config.padding).toLowerCase() !== "causal") return [];
    const { kernelShape, rates } = this.windows1d("kernelSize");
    const before = (kernelShape[1] - 1) * (rates?.[1] ?? 1);
    const padded = (x: tf.Tensor) =>
      tf.pad(x, [
        [0, 0],
        [0, 0],
        [before, 0],
        [0, 0],
      ]);
    return [{ kind: "move", apply: padded }];
  }

  /** The windows of a layer of series, over images of one row. */
  windows1d(size: "kernelSize" | "poolSize"): WindowOptions {
    const one = (value: unknown): [number, number] => [
      1,
      (Array.isArray(value) ? value[0] : value) as number,
    ];
    const given = String(this.config.padding ?? "valid").toLowerCase();
    const padding = given === "causal" ? "valid" : given;
    return {
      kernelShape: one(this.config[size]),
      strides: one(this.config.strides ?? this.config[size]),
      rates: one(this.config.dilationRate ?? 1),
      padding,
    };
  }

  windows3d(size: "kernelSize" | "poolSize"): Windows3d {
    return {
      kernelShape: triple(this.config[size]),
      strides: triple(this.config.strides ?? this.config[size]),
      rates: triple(this.config.dilationRate ?? 1),
      padding: String(this.config.padding ?? "valid").toLowerCase() as "same" | "valid",
    };
  }

  reshape(): Link {
    return { kind: "reshape", shape: this.outputShape.slice(1).map((n) => n ?? -1) };
  }

  refuse(why: string): never {
    const { path, layer } = this.node;
    const className = layer.getClassName();
    throw new UnsupportedLayerError(
      `${this.who}: layer "${path}" (${className}) ${why}`,
      layer.name,
      className,
    );
  }
}

function pair(value: unknown): [number, number] {
  return (Array.isArray(value) ? [value[0], value.at(-1)] : [value, value]) as [number, number];
}

function triple(value: unknown): [number, number, number] {
  return (Array.isArray(value) ? [...value] : [value, value, value]) as [number, number, number];
}
