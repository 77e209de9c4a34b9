import * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../errors.js";
import { gradients } from "../ops/gradients.js";
import type { LayerVariable } from "./internals.js";

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

export type GradientsArgs = LayerArgs & {
  /** From [...xs, ...further inputs] to the ys. The layer owns it. */
  model: tf.LayersModel;
  /** How many of the model's inputs are xs. */
  xCount: number;
};

/**
 * `gradients` as a layer of [...xs, ...further inputs, ...knownYs]: the vector-Jacobian products of a model that it holds,
 * for symbolic tensors and for models that are saved. The model's weights are the layer's.
 */
export class Gradients extends tf.layers.Layer {
  static readonly className = "Gradients";
  readonly #model: tf.LayersModel;
  readonly #xCount: number;

  constructor({ model, xCount, ...args }: GradientsArgs) {
    super(args);
    this.#model = model;
    this.#xCount = xCount;
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    const all = [inputs].flat();
    const taken = this.#model.inputs.length;
    const [xs, further, knownYs] = [
      all.slice(0, this.#xCount),
      all.slice(this.#xCount, taken),
      all.slice(taken),
    ];
    const ys = (...leaves: tf.Tensor[]) =>
      this.#model.apply([...leaves, ...further]) as tf.Tensor | tf.Tensor[];
    const results = gradients(ys, xs, knownYs);
    return results.length === 1 ? (results[0] as tf.Tensor) : results;
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    const shapes = (inputShape as tf.Shape[]).slice(0, this.#xCount);
    return shapes.length === 1 ? (shapes[0] as tf.Shape) : shapes;
  }

  override get trainableWeights(): LayerVariable[] {
    return this.trainable ? (this.#model.trainableWeights as LayerVariable[]) : [];
  }

  override get nonTrainableWeights(): LayerVariable[] {
    const { nonTrainableWeights, trainableWeights } = this.#model;
    return (
      this.trainable ? nonTrainableWeights : [...trainableWeights, ...nonTrainableWeights]
    ) as LayerVariable[];
  }

  override getConfig(): tf.serialization.ConfigDict {
    const model = { className: this.#model.getClassName(), config: this.#model.getConfig() };
    return { ...super.getConfig(), model, xCount: this.#xCount };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const { model } = config as { model?: { className: string; config: tf.serialization.ConfigDict } };
    const classes = tf.serialization.SerializationMap.getMap().classNameMap;
    const entry = model === undefined ? undefined : classes[model.className];
    if (model === undefined || entry === undefined)
      throw new ModelFormatError(`Gradients: expected the config of a model, got class ${model?.className}`);
    const [modelClass, fromConfig] = entry;
    return new cls({ ...config, model: fromConfig(modelClass, model.config) });
  }
}
tf.serialization.registerClass(Gradients);
