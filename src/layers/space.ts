/** Layers that pad, cut, repeat or pool axes of space, in the dimensions and with the options that tfjs lacks. */
import * as tf from "@tensorflow/tfjs";
import { convolvedLength } from "./convolve.js";
import type { Shape } from "./internals.js";
import { type BaseConfig, channelsLast, channelsLastShape, OwnLayer, perAxis } from "./OwnLayer.js";
import { averagePool, maxPool, type PoolOptions } from "./pool.js";
import { type Interpolation, resample } from "./resample.js";

/** Before and after, for each axis of space. */
type Borders = [number, number][];

/** n: n everywhere; [a, b] with one axis: before and after; [a, b, c]: a, b, c on both sides of each; else as it is. */
function bordersOf(value: Padding, rank: number): Borders {
  if (typeof value === "number") return new Array(rank).fill([value, value]);
  if (rank === 1) return [value.flat() as [number, number]];
  return value.map((v) => (typeof v === "number" ? [v, v] : (v as [number, number])));
}

type Padding = number | (number | number[])[];
interface PaddingOptions {
  padding: Padding;
  dataFormat: string;
}

/** Zeros around the axes of space. */
abstract class ZeroPadding extends OwnLayer<PaddingOptions> {
  constructor(config: BaseConfig & Partial<PaddingOptions>) {
    super(config, { padding: 1, dataFormat: "channelsLast" });
    this.supportsMasking = false;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const { padding, dataFormat } = this.options;
    return channelsLast(x, dataFormat, (last) =>
      tf.pad(last, [[0, 0], ...bordersOf(padding, x.rank - 2), [0, 0]]),
    );
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const borders = bordersOf(this.options.padding, shape.length - 2);
    return lengths(shape, this.options.dataFormat, (length, axis) => {
      const [before, after] = borders[axis] as [number, number];
      return length + before + after;
    });
  }
}

export class ZeroPadding1D extends ZeroPadding {
  static readonly className = "ZeroPadding1D";
}
export class ZeroPadding3D extends ZeroPadding {
  static readonly className = "ZeroPadding3D";
}

interface CroppingOptions {
  cropping: Padding;
  dataFormat: string;
}

/** The axes of space without their borders. */
abstract class Cropping extends OwnLayer<CroppingOptions> {
  constructor(config: BaseConfig & Partial<CroppingOptions>) {
    super(config, { cropping: 1, dataFormat: "channelsLast" });
    this.supportsMasking = false;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const borders = bordersOf(this.options.cropping, x.rank - 2);
    return channelsLast(x, this.options.dataFormat, (last) => {
      const begin = [0, ...borders.map(([before]) => before), 0];
      const size = last.shape.map((n, i) => {
        const [before, after] = borders[i - 1] ?? [0, 0];
        return n - before - after;
      });
      return tf.slice(last, begin, size);
    });
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const borders = bordersOf(this.options.cropping, shape.length - 2);
    return lengths(shape, this.options.dataFormat, (length, axis) => {
      const [before, after] = borders[axis] as [number, number];
      return length - before - after;
    });
  }
}

export class Cropping1D extends Cropping {
  static readonly className = "Cropping1D";
}
export class Cropping3D extends Cropping {
  static readonly className = "Cropping3D";
}

interface UpSamplingOptions {
  size: number | number[];
  dataFormat: string;
  interpolation: Interpolation;
}

/** Each axis of space `size` times as long, by repetition or, in two dimensions, interpolation. */
abstract class UpSampling extends OwnLayer<UpSamplingOptions> {
  constructor(config: BaseConfig & Partial<UpSamplingOptions>) {
    super(config, { size: 2, dataFormat: "channelsLast", interpolation: "nearest" });
    this.supportsMasking = false;
  }

  private factor(axis: number): number {
    const { size } = this.options;
    return typeof size === "number" ? size : (size[axis] as number);
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const { dataFormat, interpolation } = this.options;
    return channelsLast(x, dataFormat, (last) => {
      let y = last;
      for (let axis = 1; axis < last.rank - 1; axis++) {
        const length = y.shape[axis] as number;
        y = resample(y, axis, length * this.factor(axis - 1), interpolation);
      }
      return y;
    });
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    return lengths(shape, this.options.dataFormat, (length, axis) => length * this.factor(axis));
  }
}

export class UpSampling1D extends UpSampling {
  static readonly className = "UpSampling1D";
}
/** UpSampling2D by interpolation; tfjs's bilinear one has other sample points than Keras. */
export class KerasUpSampling2D extends UpSampling {
  static readonly className = "KerasUpSampling2D";
}
export class UpSampling3D extends UpSampling {
  static readonly className = "UpSampling3D";
}

interface PoolingOptions {
  poolSize: number | number[];
  strides: number | number[] | null;
  padding: string;
  dataFormat: string;
}

abstract class Pooling extends OwnLayer<PoolingOptions> {
  constructor(config: BaseConfig & Partial<PoolingOptions>) {
    super(config, { poolSize: 2, strides: null, padding: "valid", dataFormat: "channelsLast" });
    this.supportsMasking = false;
  }

  protected abstract pool(x: tf.Tensor, options: PoolOptions): tf.Tensor;

  private windows(rank: number): PoolOptions {
    const size = perAxis(this.options.poolSize, rank);
    return { size, strides: perAxis(this.options.strides ?? size, rank), padding: this.options.padding };
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const windows = this.windows(x.rank - 2);
    return channelsLast(x, this.options.dataFormat, (last) => this.pool(last, windows));
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const { size, strides, padding } = this.windows(shape.length - 2);
    return lengths(shape, this.options.dataFormat, (length, axis) =>
      Number(convolvedLength(length, size[axis] as number, strides[axis] as number, padding, 1)),
    );
  }
}

abstract class AveragePooling extends Pooling {
  protected override pool(x: tf.Tensor, options: PoolOptions): tf.Tensor {
    return averagePool(x, options);
  }
}
abstract class MaxPooling extends Pooling {
  protected override pool(x: tf.Tensor, options: PoolOptions): tf.Tensor {
    return maxPool(x, options);
  }
}

/** With padding, of which tfjs's gradient is wrong, or channels first, which it ignores. */
export class KerasAveragePooling1D extends AveragePooling {
  static readonly className = "KerasAveragePooling1D";
}
/** With padding, of which tfjs's gradient is wrong. */
export class KerasAveragePooling2D extends AveragePooling {
  static readonly className = "KerasAveragePooling2D";
}
/** tfjs's gradient is wrong on wasm. */
export class KerasAveragePooling3D extends AveragePooling {
  static readonly className = "KerasAveragePooling3D";
}

/** With channels first, which tfjs ignores. */
export class KerasMaxPooling1D extends MaxPooling {
  static readonly className = "KerasMaxPooling1D";
}
/** tfjs's is wrong on wasm. */
export class KerasMaxPooling3D extends MaxPooling {
  static readonly className = "KerasMaxPooling3D";
}

interface GlobalPoolingOptions {
  dataFormat: string;
  keepdims: boolean;
}

/** One value a channel, over all of space. */
abstract class GlobalPooling extends OwnLayer<GlobalPoolingOptions> {
  constructor(config: BaseConfig & Partial<GlobalPoolingOptions>) {
    super(config, { dataFormat: "channelsLast", keepdims: false });
    this.supportsMasking = false;
  }

  protected abstract pool(x: tf.Tensor, axes: number[], keepDims: boolean): tf.Tensor;

  private axes(rank: number): number[] {
    const first = this.options.dataFormat === "channelsFirst" ? 2 : 1;
    return Array.from({ length: rank - 2 }, (_, i) => i + first);
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return this.pool(x, this.axes(x.rank), this.options.keepdims);
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const axes = this.axes(shape.length);
    return this.options.keepdims
      ? shape.map((n, i) => (axes.includes(i) ? 1 : n))
      : shape.filter((_, i) => !axes.includes(i));
  }
}

abstract class GlobalAveragePooling extends GlobalPooling {
  protected override pool(x: tf.Tensor, axes: number[], keepDims: boolean): tf.Tensor {
    return tf.mean(x, axes, keepDims);
  }
}
abstract class GlobalMaxPooling extends GlobalPooling {
  protected override pool(x: tf.Tensor, axes: number[], keepDims: boolean): tf.Tensor {
    return tf.max(x, axes, keepDims);
  }
}

interface MaskedPoolingOptions extends GlobalPoolingOptions {
  /** Whether its input has a mask. */
  masked: boolean;
}

/** With keepdims, or the mean over what a mask leaves; tfjs ignores both. */
export class KerasGlobalAveragePooling1D extends OwnLayer<MaskedPoolingOptions> {
  static readonly className = "KerasGlobalAveragePooling1D";

  constructor(config: BaseConfig & Partial<MaskedPoolingOptions>) {
    super(config, { dataFormat: "channelsLast", keepdims: false, masked: false });
  }

  private axis(): number {
    return this.options.dataFormat === "channelsFirst" ? 2 : 1;
  }

  override call(
    inputs: tf.Tensor | tf.Tensor[],
    kwargs?: { training?: boolean; mask?: tf.Tensor | null },
  ): tf.Tensor {
    return tf.tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor;
      const mask = this.options.masked ? kwargs?.mask : undefined;
      const { keepdims } = this.options;
      if (mask === undefined || mask === null) return tf.mean(x, this.axis(), keepdims);
      const weights = tf.expandDims(tf.cast(mask, "float32"), this.axis() === 1 ? 2 : 1);
      const sum = tf.sum(tf.mul(x, weights), this.axis(), keepdims);
      return tf.div(sum, tf.sum(weights, this.axis(), keepdims));
    });
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return this.call(x);
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const axis = this.axis();
    return this.options.keepdims
      ? shape.map((n, i) => (i === axis ? 1 : n))
      : shape.filter((_, i) => i !== axis);
  }

  override computeMask(): tf.Tensor {
    return null as unknown as tf.Tensor;
  }
}
/** With keepdims, which tfjs ignores. */
export class KerasGlobalAveragePooling2D extends GlobalAveragePooling {
  static readonly className = "KerasGlobalAveragePooling2D";
}
export class GlobalAveragePooling3D extends GlobalAveragePooling {
  static readonly className = "GlobalAveragePooling3D";
}
/** With keepdims, which tfjs ignores. */
export class KerasGlobalMaxPooling1D extends GlobalMaxPooling {
  static readonly className = "KerasGlobalMaxPooling1D";
}
/** With keepdims, which tfjs ignores. */
export class KerasGlobalMaxPooling2D extends GlobalMaxPooling {
  static readonly className = "KerasGlobalMaxPooling2D";
}
export class GlobalMaxPooling3D extends GlobalMaxPooling {
  static readonly className = "GlobalMaxPooling3D";
}

/** A shape with the lengths of space changed; unknown ones stay unknown. */
function lengths(
  shape: Shape,
  dataFormat: string,
  change: (length: number, axis: number) => number,
): (number | null)[] {
  return channelsLastShape(shape, dataFormat, (last) =>
    last.map((n, i) => (i === 0 || i === last.length - 1 || n === null ? n : change(n, i - 1))),
  );
}
