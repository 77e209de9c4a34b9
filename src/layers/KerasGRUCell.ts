import * as tf from "@tensorflow/tfjs";
import { type ActivationFunction, activationNamed, addWeight, type LayerVariable } from "./internals.js";
import type { BaseConfig } from "./OwnLayer.js";

interface GRUOptions {
  units: number;
  activation: string;
  recurrentActivation: string;
  useBias: boolean;
  resetAfter: boolean;
}

const DEFAULTS: GRUOptions = {
  units: 1,
  activation: "tanh",
  recurrentActivation: "sigmoid",
  useBias: true,
  resetAfter: true,
};

function read(config: Partial<GRUOptions>): GRUOptions {
  const given = Object.entries(DEFAULTS).map(([key, value]) => [
    key,
    (config as Record<string, unknown>)[key] ?? value,
  ]);
  return Object.fromEntries(given) as GRUOptions;
}

/**
 * The cell of a GRU with the reset gate applied after the product (Keras's default, and cuDNN's form), which tfjs refuses:
 *
 *   z = s(x Wz + b0z + h Uz + b1z), r likewise, g = tanh(x Wg + b0g + r * (h Ug + b1g)), h' = z h + (1 - z) g
 *
 * kernel [in, 3 units] and recurrent kernel [units, 3 units] in the order z, r, g; bias [2, 3 units]: of input, of state.
 */
export class KerasGRUCell extends tf.layers.Layer {
  static readonly className = "KerasGRUCell";
  readonly stateSize: number;
  readonly activation: ActivationFunction;
  readonly recurrentActivation: ActivationFunction;
  kernel: LayerVariable | null = null;
  recurrentKernel: LayerVariable | null = null;
  bias: LayerVariable | null = null;
  private readonly options: GRUOptions;

  constructor(config: BaseConfig & Partial<GRUOptions>) {
    super(config as object);
    this.options = read(config);
    this.stateSize = this.options.units;
    this.activation = activationNamed(this.options.activation);
    this.recurrentActivation = activationNamed(this.options.recurrentActivation);
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as tf.Shape;
    const { units, useBias } = this.options;
    const initializer = tf.initializers.glorotUniform({});
    this.kernel = addWeight(this, "kernel", [shape.at(-1) as number, 3 * units], initializer);
    this.recurrentKernel = addWeight(this, "recurrent_kernel", [units, 3 * units], initializer);
    if (useBias) this.bias = addWeight(this, "bias", [2, 3 * units], tf.initializers.zeros());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => {
      const [x, h] = inputs as [tf.Tensor2D, tf.Tensor2D];
      let u = tf.matMul(x, (this.kernel as LayerVariable).read() as tf.Tensor2D) as tf.Tensor;
      let v = tf.matMul(h, (this.recurrentKernel as LayerVariable).read() as tf.Tensor2D) as tf.Tensor;
      if (this.bias !== null) {
        const { units } = this.options;
        const bias = this.bias.read();
        u = tf.add(u, tf.slice(bias, [0, 0], [1, 3 * units]));
        v = tf.add(v, tf.slice(bias, [1, 0], [1, 3 * units]));
      }
      const [uz, ur, ug] = tf.split(u, 3, -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const [vz, vr, vg] = tf.split(v, 3, -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const z = this.recurrentActivation.apply(tf.add(uz, vz));
      const r = this.recurrentActivation.apply(tf.add(ur, vr));
      const g = this.activation.apply(tf.add(ug, tf.mul(r, vg)));
      const next = tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), g));
      return [next, next];
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.options };
  }
}
