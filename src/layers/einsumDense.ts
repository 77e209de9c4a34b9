import * as tf from "@tensorflow/tfjs";
import { einsum, readEquation } from "./einsum.js";
import {
  type ActivationFunction,
  activationNamed,
  addWeight,
  type LayerVariable,
  type Shape,
} from "./internals.js";
import { type BaseConfig, OwnLayer, shapesOf } from "./OwnLayer.js";

interface EinsumDenseOptions {
  equation: string;
  /** The shape without the batch; null where it follows from the input. */
  outputShape: (number | null)[] | number;
  activation: string;
  biasAxes: string | null;
}

/** `activation(einsum(equation, x, kernel) + bias)`. tfjs's class of that name has no gradient. */
export class KerasEinsumDense extends OwnLayer<EinsumDenseOptions> {
  static readonly className = "KerasEinsumDense";
  kernel: LayerVariable | null = null;
  bias: LayerVariable | null = null;
  readonly activation: ActivationFunction;

  constructor(config: BaseConfig & Partial<EinsumDenseOptions>) {
    super(config, { equation: "ab,bc->ac", outputShape: [], activation: "linear", biasAxes: null });
    this.activation = activationNamed(this.options.activation);
  }

  /** The size that each letter stands for: what the input knows, then what the output shape says. */
  private sizes(shape: Shape): Map<string, number | null> {
    const { a, out } = readEquation(this.options.equation, shape.length);
    const sizes = new Map<string, number | null>();
    for (const [i, letter] of [...a].entries()) sizes.set(letter, shape[i] ?? null);
    const wanted = [this.options.outputShape].flat();
    const first = out.length - wanted.length;
    for (const [i, n] of wanted.entries()) {
      const letter = out[i + first] as string;
      if (n !== null) sizes.set(letter, n);
    }
    return sizes;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [shape] = shapesOf(inputShape) as [tf.Shape];
    const { b, out } = readEquation(this.options.equation, shape.length);
    const sizes = this.sizes(shape);
    const kernel = [...b].map((letter) => sizes.get(letter) as number);
    this.kernel = addWeight(this, "kernel", kernel, tf.initializers.glorotUniform({}));
    const { biasAxes } = this.options;
    if (biasAxes !== null) {
      const first = Math.min(...[...biasAxes].map((letter) => out.indexOf(letter)));
      const bias = [...out.slice(first)].map((letter) =>
        biasAxes.includes(letter) ? (sizes.get(letter) as number) : 1,
      );
      this.bias = addWeight(this, "bias", bias, tf.initializers.zeros());
    }
    this.built = true;
  }

  protected override compute([x]: [tf.Tensor]): tf.Tensor {
    const y = einsum(readEquation(this.options.equation, x.rank), x, (this.kernel as LayerVariable).read());
    return this.activation.apply(this.bias === null ? y : tf.add(y, this.bias.read()));
  }

  protected override shapeAfter([shape]: [Shape]): (number | null)[] {
    const sizes = this.sizes(shape);
    return [...readEquation(this.options.equation, shape.length).out].map(
      (letter) => sizes.get(letter) ?? null,
    );
  }
}
