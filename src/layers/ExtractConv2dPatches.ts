import * as tf from "@tensorflow/tfjs";
import { layWindows } from "../core/windows.js";
import { type DataFormat, extractConv2dPatches } from "../ops/extractConv2dPatches.js";
import type { Shape } from "./internals.js";
import { firstDtype, oneTensor, withDtype } from "./tensors.js";

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];
type Pair = [number, number];

export type ExtractConv2dPatchesArgs = LayerArgs & {
  kernelShape: Pair;
  strides: Pair;
  rates: Pair;
  padding: string;
  dataFormat?: DataFormat;
};

/** `extractConv2dPatches` as a layer: for symbolic tensors, and for models that are saved. */
export class ExtractConv2dPatches extends tf.layers.Layer {
  static readonly className = "ExtractConv2dPatches";
  readonly #args: Required<
    Pick<ExtractConv2dPatchesArgs, "kernelShape" | "strides" | "rates" | "padding" | "dataFormat">
  >;

  constructor({
    kernelShape,
    strides,
    rates,
    padding,
    dataFormat = "channelsLast",
    ...args
  }: ExtractConv2dPatchesArgs) {
    super(args);
    this.#args = { kernelShape, strides, rates, padding, dataFormat };
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { kernelShape, strides, rates, padding, dataFormat } = this.#args;
    return extractConv2dPatches(oneTensor(inputs), kernelShape, strides, rates, padding, dataFormat);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const { dataFormat, ...options } = this.#args;
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    const [n, h, w, c] = (dataFormat === "channelsFirst" ? [0, 2, 3, 1] : [0, 1, 2, 3]).map(
      (i) => shape[i] ?? null,
    );
    // An unknown side gives an unknown number of windows: laid over the other one alone.
    const { out } = layWindows(this.name, h ?? w ?? 1, w ?? h ?? 1, options, "empty");
    const depth = c == null ? null : c * options.kernelShape[0] * options.kernelShape[1];
    return [n ?? null, h == null ? null : out[0], w == null ? null : out[1], depth];
  }

  override apply(...[inputs, kwargs]: Parameters<tf.layers.Layer["apply"]>) {
    return withDtype(super.apply(inputs, kwargs), firstDtype(inputs));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.#args };
  }
}
tf.serialization.registerClass(ExtractConv2dPatches);
