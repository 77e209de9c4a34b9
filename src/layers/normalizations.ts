/** Normalization layers of Keras that tfjs lacks, or has for fewer axes. */
import * as tf from "@tensorflow/tfjs";
import { addWeight, type LayerVariable } from "./internals.js";
import { axisOf, type BaseConfig, OwnLayer, shapesOf } from "./OwnLayer.js";

/** `shape` with 1 on every axis but `axes`. */
function spread(shape: readonly number[], axes: readonly number[]): number[] {
  return shape.map((n, i) => (axes.includes(i) ? n : 1));
}

interface BatchNormalizationOptions {
  axis: number;
  momentum: number;
  epsilon: number;
  center: boolean;
  scale: boolean;
}

/**
 * `(x - movingMean) / sqrt(movingVariance + epsilon) * gamma + beta` on any one axis of data of any rank. tfjs is wrong on
 * other axes than the last, and has no rank above 4. Inference only: training does not move the averages.
 */
export class KerasBatchNormalization extends OwnLayer<BatchNormalizationOptions> {
  static readonly className = "KerasBatchNormalization";
  gamma: LayerVariable | null = null;
  beta: LayerVariable | null = null;
  movingMean: LayerVariable | null = null;
  movingVariance: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<BatchNormalizationOptions>) {
    super(config, { axis: -1, momentum: 0.99, epsilon: 1e-3, center: true, scale: true });
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    const size = [shape[axisOf(this.options.axis, shape.length)] as number];
    const { ones, zeros } = tf.initializers;
    if (this.options.scale) this.gamma = addWeight(this, "gamma", size, ones());
    if (this.options.center) this.beta = addWeight(this, "beta", size, zeros());
    this.movingMean = addWeight(this, "moving_mean", size, zeros(), false);
    this.movingVariance = addWeight(this, "moving_variance", size, ones(), false);
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const shape = spread(x.shape, [axisOf(this.options.axis, x.rank)]);
    const read = (variable: LayerVariable | null) => tf.reshape((variable as LayerVariable).read(), shape);
    let factor = tf.rsqrt(tf.add(read(this.movingVariance), this.options.epsilon));
    if (this.gamma !== null) factor = tf.mul(factor, read(this.gamma));
    const y = tf.mul(tf.sub(x, read(this.movingMean)), factor);
    return this.beta === null ? y : tf.add(y, read(this.beta));
  }
}

/** Over its axes: x less its mean, over its deviation; then scaled and shifted by weights of the size of those axes. */
interface LayerNormalizationOptions {
  axis: number | number[];
  epsilon: number;
  center: boolean;
  scale: boolean;
  rmsScaling: boolean;
}

/** LayerNormalization with `rmsScaling`: gamma x / sqrt(variance(x) + epsilon), with no mean taken away and no beta. */
export class KerasLayerNormalization extends OwnLayer<LayerNormalizationOptions> {
  static readonly className = "KerasLayerNormalization";
  gamma: LayerVariable | null = null;
  beta: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<LayerNormalizationOptions>) {
    super(config, { axis: -1, epsilon: 1e-3, center: true, scale: true, rmsScaling: false });
  }

  private axes(rank: number): number[] {
    return [this.options.axis].flat().map((axis) => axisOf(axis, rank));
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    const size = this.axes(shape.length).map((axis) => shape[axis] as number);
    const { center, scale, rmsScaling } = this.options;
    if (scale || rmsScaling) this.gamma = addWeight(this, "gamma", size, tf.initializers.ones());
    if (center && !rmsScaling) this.beta = addWeight(this, "beta", size, tf.initializers.zeros());
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const axes = this.axes(x.rank);
    const shape = spread(x.shape, axes);
    const { mean, variance } = tf.moments(x, axes, true);
    const factor = tf.rsqrt(tf.add(variance, this.options.epsilon));
    let y = tf.mul(this.options.rmsScaling ? x : tf.sub(x, mean), factor);
    if (this.gamma !== null) y = tf.mul(y, tf.reshape(this.gamma.read(), shape));
    return this.beta === null ? y : tf.add(y, tf.reshape(this.beta.read(), shape));
  }
}

interface RMSNormalizationOptions {
  axis: number | number[];
  epsilon: number;
}

/** `x / sqrt(mean(x^2) + epsilon) * scale`. */
export class RMSNormalization extends OwnLayer<RMSNormalizationOptions> {
  static readonly className = "RMSNormalization";
  scale: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<RMSNormalizationOptions>) {
    super(config, { axis: -1, epsilon: 1e-6 });
  }

  private axes(rank: number): number[] {
    return [this.options.axis].flat().map((axis) => axisOf(axis, rank));
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    const size = this.axes(shape.length).map((axis) => shape[axis] as number);
    this.scale = addWeight(this, "scale", size, tf.initializers.ones());
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const axes = this.axes(x.rank);
    const factor = tf.rsqrt(tf.add(tf.mean(tf.square(x), axes, true), this.options.epsilon));
    const scale = tf.reshape((this.scale as LayerVariable).read(), spread(x.shape, axes));
    return tf.mul(tf.mul(x, factor), scale);
  }
}

interface GroupNormalizationOptions {
  groups: number;
  axis: number;
  epsilon: number;
  center: boolean;
  scale: boolean;
}

/** Channels in `groups`, each with its space normalized by its own mean and deviation (Wu and He 2018). -1: one each. */
export class GroupNormalization extends OwnLayer<GroupNormalizationOptions> {
  static readonly className = "GroupNormalization";
  gamma: LayerVariable | null = null;
  beta: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<GroupNormalizationOptions>) {
    super(config, { groups: 32, axis: -1, epsilon: 1e-3, center: true, scale: true });
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    const size = [shape[axisOf(this.options.axis, shape.length)] as number];
    if (this.options.scale) this.gamma = addWeight(this, "gamma", size, tf.initializers.ones());
    if (this.options.center) this.beta = addWeight(this, "beta", size, tf.initializers.zeros());
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const axis = axisOf(this.options.axis, x.rank);
    const channels = x.shape[axis] as number;
    const groups = this.options.groups === -1 ? channels : this.options.groups;
    const split = [...x.shape.slice(0, axis), groups, channels / groups, ...x.shape.slice(axis + 1)];
    const grouped = tf.reshape(x, split);
    const axes = split.map((_, i) => i).filter((i) => i !== 0 && i !== axis);
    const { mean, variance } = tf.moments(grouped, axes, true);
    const normal = tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, this.options.epsilon)));
    const shape = spread(x.shape, [axis]);
    let y = tf.reshape(normal, x.shape);
    if (this.gamma !== null) y = tf.mul(y, tf.reshape(this.gamma.read(), shape));
    return this.beta === null ? y : tf.add(y, tf.reshape(this.beta.read(), shape));
  }
}

interface UnitNormalizationOptions {
  axis: number | number[];
}

/** `x / sqrt(max(sum(x^2), 1e-12))`: vectors of length 1. */
export class UnitNormalization extends OwnLayer<UnitNormalizationOptions> {
  static readonly className = "UnitNormalization";

  constructor(config: BaseConfig & Partial<UnitNormalizationOptions>) {
    super(config, { axis: -1 });
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const axes = [this.options.axis].flat().map((axis) => axisOf(axis, x.rank));
    return tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), axes, true), 1e-12)));
  }
}

interface NormalizationOptions {
  axis: number | number[] | null;
  /** Constants; null where they are weights. */
  mean: number | Nested | null;
  variance: number | Nested | null;
  invert: boolean;
}
type Nested = (number | Nested)[];

/** keras.config.epsilon(): the smallest deviation. */
const SMALLEST_DEVIATION = 1e-7;

/** `(x - mean) / max(sqrt(variance), 1e-7)`, or the other way round with `invert`. `axis` are those kept apart. */
export class Normalization extends OwnLayer<NormalizationOptions> {
  static readonly className = "Normalization";
  mean: LayerVariable | null = null;
  variance: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<NormalizationOptions>) {
    super(config, { axis: -1, mean: null, variance: null, invert: false });
  }

  private axes(rank: number): number[] {
    return this.options.axis === null ? [] : [this.options.axis].flat().map((axis) => axisOf(axis, rank));
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    if (this.options.mean === null) {
      const size = this.axes(shape.length).map((axis) => shape[axis] as number);
      this.mean = addWeight(this, "mean", size, tf.initializers.zeros(), false);
      this.variance = addWeight(this, "variance", size, tf.initializers.ones(), false);
      // How many samples were seen; Keras keeps it beside them.
      addWeight(this, "count", [], tf.initializers.zeros(), false);
    }
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const shape = spread(x.shape, this.axes(x.rank));
    const size = shape.reduce((a, b) => a * b, 1);
    const value = (variable: LayerVariable | null, constant: number | Nested | null): tf.Tensor => {
      const values = variable === null ? tf.tensor(constant as number[]) : variable.read();
      return values.size === size ? tf.reshape(values, shape) : tf.broadcastTo(values, shape);
    };
    const mean = value(this.mean, this.options.mean);
    const deviation = tf.maximum(tf.sqrt(value(this.variance, this.options.variance)), SMALLEST_DEVIATION);
    const floats = tf.cast(x, "float32");
    return this.options.invert
      ? tf.add(mean, tf.mul(floats, deviation))
      : tf.div(tf.sub(floats, mean), deviation);
  }
}
