import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";

/** What every layer takes beside its own options. */
export interface BaseConfig {
  readonly name?: string;
  readonly trainable?: boolean;
  readonly batchInputShape?: (number | null)[];
  readonly dtype?: tf.DataType;
}

/**
 * Base of the layers that Keras has and TensorFlow.js lacks. A layer is its options, a record of plain values in the names
 * of Keras in camel case: what the constructor does not get has its default, and `getConfig` returns all of them.
 */
export abstract class OwnLayer<Options extends object> extends tf.layers.Layer {
  protected readonly options: Readonly<Options>;

  constructor(config: BaseConfig & Partial<Options>, defaults: Options) {
    super(config as ConstructorParameters<typeof tf.layers.Layer>[0]);
    const entries = Object.entries(defaults).map(([key, value]) => {
      const given = (config as Record<string, unknown>)[key];
      return [key, given === undefined ? value : given];
    });
    this.options = Object.fromEntries(entries) as Options;
    this.supportsMasking = true;
  }

  /** What the layer does. Everything that it makes on the way is disposed. */
  protected abstract compute(inputs: tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[];

  /** The shape of the output; that of the input unless a layer says otherwise. */
  protected shapeAfter(inputs: Shape[]): (number | null)[] | (number | null)[][] {
    return [...(inputs[0] as Shape)];
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs?: { training?: boolean }): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() =>
      this.compute(this.repeated(Array.isArray(inputs) ? inputs : [inputs]), kwargs?.training === true),
    );
  }

  /** Of the calls that take a tensor twice, the distinct one that each input is. */
  private readonly repeats: number[][] = [];

  /**
   * Whether the layer can be called with these tensors, of which some are the same, without tfjs freeing them too early: it
   * counts a layer that takes a tensor twice as one user, and subtracts two. `predict` is therefore given each once.
   */
  takesRepeats(inputs: readonly tf.SymbolicTensor[]): boolean {
    const order = orderOf(inputs);
    const distinct = Math.max(...order) + 1;
    return this.repeats.every(
      (other) => Math.max(...other) + 1 !== distinct || String(other) === String(order),
    );
  }

  override apply(
    inputs: tf.Tensor | tf.Tensor[] | tf.SymbolicTensor | tf.SymbolicTensor[],
    kwargs?: Record<string, unknown>,
  ): tf.Tensor | tf.Tensor[] | tf.SymbolicTensor | tf.SymbolicTensor[] {
    const ys = super.apply(inputs, kwargs as Parameters<tf.layers.Layer["apply"]>[1]);
    const symbolic = [inputs].flat().filter((x) => x instanceof tf.SymbolicTensor);
    const distinct = [...new Set(symbolic)];
    if (distinct.length < symbolic.length && this.takesRepeats(symbolic)) {
      this.repeats.push(orderOf(symbolic));
      for (const y of [ys].flat()) Object.assign(y, { inputs: distinct });
    }
    return ys;
  }

  private repeated(inputs: tf.Tensor[]): tf.Tensor[] {
    const order = this.repeats.find(
      (other) => other.length > inputs.length && Math.max(...other) + 1 === inputs.length,
    );
    return order === undefined ? inputs : order.map((i) => inputs[i] as tf.Tensor);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return this.shapeAfter(shapesOf(inputShape));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...structuredClone(this.options as tf.serialization.ConfigDict) };
  }
}

/** For each input the number of the distinct one that it is. */
function orderOf(inputs: readonly tf.SymbolicTensor[]): number[] {
  const distinct = [...new Set(inputs)];
  return inputs.map((x) => distinct.indexOf(x));
}

/** tfjs gives one shape, or a list of them. */
export function shapesOf(inputShape: tf.Shape | tf.Shape[]): tf.Shape[] {
  return Array.isArray(inputShape[0]) ? (inputShape as tf.Shape[]) : [inputShape as tf.Shape];
}

/** A shape without its unknown sizes, which a layer's own computation never meets. */
export function known(shape: Shape): number[] {
  return shape.map((n) => n as number);
}

/** Axis `axis` of `rank` counted from the front. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** A size for each of `rank` axes: one number stands for all. */
export function perAxis(value: number | readonly number[], rank: number): number[] {
  return typeof value === "number" ? new Array(rank).fill(value) : [...value];
}

/** Runs `fn` on channels-last data where `x` is channels-first, and turns its result back. */
export function channelsLast(x: tf.Tensor, dataFormat: string, fn: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  if (dataFormat !== "channelsFirst") return fn(x);
  const axes = x.shape.map((_, i) => i);
  const toLast = [0, ...axes.slice(2), 1];
  const y = fn(tf.transpose(x, toLast));
  return tf.transpose(y, [0, y.rank - 1, ...y.shape.slice(2).map((_, i) => i + 1)]);
}

/** The same for shapes. */
export function channelsLastShape(
  shape: Shape,
  dataFormat: string,
  fn: (shape: Shape) => (number | null)[],
): (number | null)[] {
  if (dataFormat !== "channelsFirst") return fn(shape);
  const [batch = null, channels = null, ...space] = shape;
  const [b = null, ...rest] = fn([batch, ...space, channels]);
  return [b, rest.at(-1) ?? null, ...rest.slice(0, -1)];
}
