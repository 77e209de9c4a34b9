import * as tf from "@tensorflow/tfjs";
import { gather } from "../ops/gather.js";
import { firstDtype, withDtype } from "./tensors.js";

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];

/** `gather` as a layer of [x, indices]: for symbolic tensors, and for models that are saved. */
export class Gather extends tf.layers.Layer {
  static readonly className = "Gather";
  readonly #axis: number;

  constructor({ axis, ...args }: LayerArgs & { axis: number }) {
    super(args);
    this.#axis = axis;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x, indices] = inputs as [tf.Tensor, tf.Tensor];
    return gather(x, this.#axis, indices);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [x = [], indices = []] = inputShape as tf.Shape[];
    const axis = this.#axis < 0 ? this.#axis + x.length : this.#axis;
    return [...x.slice(0, axis), ...indices, ...x.slice(axis + 1)];
  }

  override apply(...[inputs, kwargs]: Parameters<tf.layers.Layer["apply"]>) {
    return withDtype(super.apply(inputs, kwargs), firstDtype(inputs));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axis: this.#axis };
  }
}
tf.serialization.registerClass(Gather);
