/**
 * Convolution layers with the options of Keras that tfjs refuses, ignores or lacks. Shapes of kernels are those of Keras and
 * tfjs; where tfjs's own layer does the same, the import takes that one.
 */
import * as tf from "@tensorflow/tfjs";
import {
  convolve,
  convolvedLength,
  convolveTransposed,
  depthwiseConvolve,
  spaceOf,
  transposedLength,
} from "./convolve.js";
import {
  type ActivationFunction,
  activationNamed,
  addWeight,
  type LayerVariable,
  type Shape,
} from "./internals.js";
import { type BaseConfig, channelsLast, channelsLastShape, OwnLayer, perAxis, shapesOf } from "./OwnLayer.js";

interface WindowOptions {
  kernelSize: number | number[];
  strides: number | number[];
  padding: string;
  dataFormat: string;
  dilationRate: number | number[];
  activation: string;
  useBias: boolean;
}

const WINDOW: WindowOptions = {
  kernelSize: 1,
  strides: 1,
  padding: "valid",
  dataFormat: "channelsLast",
  dilationRate: 1,
  activation: "linear",
  useBias: true,
};

/** What they share: data format, bias, activation. */
abstract class Convolution<Options extends WindowOptions> extends OwnLayer<Options> {
  kernel: LayerVariable | null = null;
  bias: LayerVariable | null = null;
  readonly activation: ActivationFunction;

  constructor(config: BaseConfig & Partial<Options>, defaults: Options) {
    super(config, defaults);
    this.supportsMasking = false;
    this.activation = activationNamed(this.options.activation);
  }

  /** Makes the kernels for an input with so many channels and axes of space, and says how many channels come out. */
  protected abstract buildKernels(channels: number, rank: number): number;
  protected abstract convolved(x: tf.Tensor): tf.Tensor;
  /** The length of an axis of space after it. */
  protected abstract lengthAfter(length: number | null, axis: number, rank: number): number | null;
  protected abstract channelsAfter(channels: number): number;

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    const channels = shape.at(this.options.dataFormat === "channelsFirst" ? 1 : -1) as number;
    const out = this.buildKernels(channels, shape.length - 2);
    if (this.options.useBias) this.bias = addWeight(this, "bias", [out], tf.initializers.zeros());
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    return channelsLast(x, this.options.dataFormat, (last) => {
      const y = this.convolved(last);
      return this.activation.apply(this.bias === null ? y : tf.add(y, this.bias.read()));
    });
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    return channelsLastShape(shape, this.options.dataFormat, (last) => {
      const space = spaceOf(last);
      return [
        last[0] ?? null,
        ...space.map((length, axis) => this.lengthAfter(length, axis, space.length)),
        this.channelsAfter(last.at(-1) as number),
      ];
    });
  }

  /** An option for each axis of space. */
  protected each(option: "kernelSize" | "strides" | "dilationRate", rank: number): number[] {
    return perAxis(this.options[option], rank);
  }

  protected plainLength(length: number | null, axis: number, rank: number): number | null {
    const at = (option: "kernelSize" | "strides" | "dilationRate") => this.each(option, rank)[axis] as number;
    return convolvedLength(length, at("kernelSize"), at("strides"), this.options.padding, at("dilationRate"));
  }

  protected windows(rank: number) {
    return {
      strides: this.each("strides", rank),
      dilationRate: this.each("dilationRate", rank),
      padding: this.options.padding,
    };
  }
}

interface ConvOptions extends WindowOptions {
  filters: number;
  groups: number;
}

/** A convolution over one, two or three axes: kernel [...kernelSize, channels / groups, filters]. */
abstract class KerasConv extends Convolution<ConvOptions> {
  constructor(config: BaseConfig & Partial<ConvOptions>) {
    super(config, { ...WINDOW, filters: 1, groups: 1 });
  }

  protected override buildKernels(channels: number, rank: number): number {
    const { filters, groups } = this.options;
    const shape = [...this.each("kernelSize", rank), channels / groups, filters];
    this.kernel = addWeight(this, "kernel", shape, tf.initializers.glorotUniform({}));
    return filters;
  }

  protected override convolved(x: tf.Tensor): tf.Tensor {
    const kernel = (this.kernel as LayerVariable).read();
    return convolve(x, kernel, { ...this.windows(x.rank - 2), groups: this.options.groups });
  }

  protected override lengthAfter(length: number | null, axis: number, rank: number): number | null {
    return this.plainLength(length, axis, rank);
  }

  protected override channelsAfter(): number {
    return this.options.filters;
  }
}

/** Conv1D with groups or causal padding (zeros before, so that no output sees later inputs). */
export class KerasConv1D extends KerasConv {
  static readonly className = "KerasConv1D";
}
/** Conv2D with groups. */
export class KerasConv2D extends KerasConv {
  static readonly className = "KerasConv2D";
}
/** Conv3D with groups or dilation. */
export class KerasConv3D extends KerasConv {
  static readonly className = "KerasConv3D";
}

interface DepthwiseOptions extends WindowOptions {
  depthMultiplier: number;
}

/** Each channel convolved by itself: depthwiseKernel [...kernelSize, channels, depthMultiplier]. */
abstract class Depthwise extends Convolution<DepthwiseOptions> {
  depthwiseKernel: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<DepthwiseOptions>) {
    super(config, { ...WINDOW, depthMultiplier: 1 });
  }

  protected override buildKernels(channels: number, rank: number): number {
    const { depthMultiplier } = this.options;
    const shape = [...this.each("kernelSize", rank), channels, depthMultiplier];
    this.depthwiseKernel = addWeight(this, "depthwise_kernel", shape, tf.initializers.glorotUniform({}));
    return channels * depthMultiplier;
  }

  protected override convolved(x: tf.Tensor): tf.Tensor {
    return depthwiseConvolve(x, (this.depthwiseKernel as LayerVariable).read(), this.windows(x.rank - 2));
  }

  protected override lengthAfter(length: number | null, axis: number, rank: number): number | null {
    return this.plainLength(length, axis, rank);
  }

  protected override channelsAfter(channels: number): number {
    return channels * this.options.depthMultiplier;
  }
}

export class DepthwiseConv1D extends Depthwise {
  static readonly className = "DepthwiseConv1D";
}
/** DepthwiseConv2D with dilation, which tfjs ignores. */
export class KerasDepthwiseConv2D extends Depthwise {
  static readonly className = "KerasDepthwiseConv2D";
}

interface SeparableOptions extends DepthwiseOptions {
  filters: number;
}

/** Depthwise, then pointwise: depthwiseKernel [...kernelSize, channels, depthMultiplier], pointwiseKernel [1, ..., filters]. */
abstract class Separable extends Convolution<SeparableOptions> {
  depthwiseKernel: LayerVariable | null = null;
  pointwiseKernel: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<SeparableOptions>) {
    super(config, { ...WINDOW, depthMultiplier: 1, filters: 1 });
  }

  protected override buildKernels(channels: number, rank: number): number {
    const { depthMultiplier, filters } = this.options;
    const initializer = tf.initializers.glorotUniform({});
    const depthwise = [...this.each("kernelSize", rank), channels, depthMultiplier];
    const pointwise = [...new Array(rank).fill(1), channels * depthMultiplier, filters];
    this.depthwiseKernel = addWeight(this, "depthwise_kernel", depthwise, initializer);
    this.pointwiseKernel = addWeight(this, "pointwise_kernel", pointwise, initializer);
    return filters;
  }

  protected override convolved(x: tf.Tensor): tf.Tensor {
    const rank = x.rank - 2;
    const ones = new Array(rank).fill(1);
    const y = depthwiseConvolve(x, (this.depthwiseKernel as LayerVariable).read(), this.windows(rank));
    const pointwise = (this.pointwiseKernel as LayerVariable).read();
    return convolve(y, pointwise, { strides: ones, dilationRate: ones, padding: "valid" });
  }

  protected override lengthAfter(length: number | null, axis: number, rank: number): number | null {
    return this.plainLength(length, axis, rank);
  }

  protected override channelsAfter(): number {
    return this.options.filters;
  }
}

export class SeparableConv1D extends Separable {
  static readonly className = "SeparableConv1D";
}
/** SeparableConv2D with dilation. */
export class KerasSeparableConv2D extends Separable {
  static readonly className = "KerasSeparableConv2D";
}

interface TransposeOptions extends WindowOptions {
  filters: number;
  outputPadding: number | number[] | null;
}

/** The adjoint of a convolution: kernel [...kernelSize, filters, channels]. */
abstract class ConvTranspose extends Convolution<TransposeOptions> {
  constructor(config: BaseConfig & Partial<TransposeOptions>) {
    super(config, { ...WINDOW, filters: 1, outputPadding: null });
  }

  protected override buildKernels(channels: number, rank: number): number {
    const { filters } = this.options;
    const shape = [...this.each("kernelSize", rank), filters, channels];
    this.kernel = addWeight(this, "kernel", shape, tf.initializers.glorotUniform({}));
    return filters;
  }

  private outputPadding(rank: number): number[] | null {
    const { outputPadding } = this.options;
    return outputPadding === null ? null : perAxis(outputPadding, rank);
  }

  protected override convolved(x: tf.Tensor): tf.Tensor {
    const rank = x.rank - 2;
    const outputPadding = this.outputPadding(rank);
    return convolveTransposed(x, (this.kernel as LayerVariable).read(), {
      ...this.windows(rank),
      outputPadding,
    });
  }

  protected override lengthAfter(length: number | null, axis: number, rank: number): number | null {
    const at = (option: "kernelSize" | "strides" | "dilationRate") => this.each(option, rank)[axis] as number;
    const extra = this.outputPadding(rank)?.[axis] ?? null;
    return transposedLength(
      length,
      at("kernelSize"),
      at("strides"),
      this.options.padding,
      extra,
      at("dilationRate"),
    );
  }

  protected override channelsAfter(): number {
    return this.options.filters;
  }
}

export class Conv1DTranspose extends ConvTranspose {
  static readonly className = "Conv1DTranspose";
}
/** Conv2DTranspose with outputPadding or dilation, which tfjs ignores. */
export class KerasConv2DTranspose extends ConvTranspose {
  static readonly className = "KerasConv2DTranspose";
}
export class KerasConv3DTranspose extends ConvTranspose {
  static readonly className = "KerasConv3DTranspose";
}
