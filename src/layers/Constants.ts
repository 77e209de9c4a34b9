import * as tf from "@tensorflow/tfjs";
import { GraphError } from "../errors.js";

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

export type ConstantsArgs = LayerArgs & {
  /** Shape and dtype of each constant. */
  constants: { shape: number[]; dtype: tf.DataType }[];
};

/**
 * A layer that gives the same tensors for whatever comes in. The tensors are its weights, none of them trainable, so that
 * a model with the layer saves, loads and disposes them; `setWeights` sets them.
 */
export class Constants extends tf.layers.Layer {
  static readonly className = "Constants";
  readonly #constants: ConstantsArgs["constants"];

  constructor({ constants, ...args }: ConstantsArgs) {
    super(args);
    this.#constants = constants;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    for (const [i, { shape, dtype }] of this.#constants.entries()) {
      this.addWeight(`constant_${i}`, shape, dtype, tf.initializers.zeros(), undefined, false);
    }
    super.build(inputShape);
  }

  override call(): tf.Tensor | tf.Tensor[] {
    const values = this.weights.map((weight) => tf.clone(weight.read()));
    return values.length === 1 ? (values[0] as tf.Tensor) : values;
  }

  override computeOutputShape(): tf.Shape | tf.Shape[] {
    const shapes = this.#constants.map(({ shape }) => shape);
    return shapes.length === 1 ? (shapes[0] as tf.Shape) : shapes;
  }

  /** tfjs takes every symbolic output for float32. */
  override apply(
    inputs: tf.Tensor | tf.Tensor[] | tf.SymbolicTensor | tf.SymbolicTensor[],
    kwargs?: Record<string, unknown>,
  ): tf.Tensor | tf.Tensor[] | tf.SymbolicTensor | tf.SymbolicTensor[] {
    const ys = super.apply(inputs, kwargs as Parameters<tf.layers.Layer["apply"]>[1]);
    for (const [i, y] of [ys].flat().entries()) {
      const dtype = this.#constants[i]?.dtype;
      if (dtype === undefined) throw new GraphError(`layer "${this.name}" (Constants) has no constant ${i}`);
      if (y instanceof tf.SymbolicTensor) Object.assign(y, { dtype });
    }
    return ys;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return {
      ...super.getConfig(),
      constants: this.#constants as unknown as tf.serialization.ConfigDictArray,
    };
  }
}
tf.serialization.registerClass(Constants);
