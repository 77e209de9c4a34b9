/**
 * Recurrent layers that stand for themselves. tfjs runs a model's layers with one record of arguments, into which masks and
 * initial states are written, so that a recurrent layer gets those of the one before it. A model with masks or initial
 * states is therefore opened with these, which take from that record what is theirs.
 */
import * as tf from "@tensorflow/tfjs";
import { type Layer, layerFromConfig } from "./internals.js";
import { KerasGRUCell } from "./KerasGRUCell.js";

type Config = Record<string, unknown>;
type Kwargs = Parameters<tf.RNN["apply"]>[1];

abstract class OwnRNN extends tf.RNN {
  /** Whether its input has a mask. */
  private readonly masked: boolean;

  constructor(config: Config, cell: Layer) {
    super({ ...config, cell } as unknown as ConstructorParameters<typeof tf.RNN>[0]);
    this.masked = config.masked === true;
  }

  override apply(inputs: Parameters<tf.RNN["apply"]>[0], kwargs?: Kwargs): ReturnType<tf.RNN["apply"]> {
    // Initial states come among the inputs.
    const { initialState: _another, ...rest } = (kwargs ?? {}) as Config;
    return super.apply(inputs, rest as Kwargs);
  }

  override call(
    inputs: tf.Tensor | tf.Tensor[],
    kwargs: Parameters<tf.RNN["call"]>[1],
  ): tf.Tensor | tf.Tensor[] {
    const { mask, ...rest } = kwargs as Config;
    return super.call(inputs, (this.masked ? { ...rest, mask } : rest) as typeof kwargs);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), masked: this.masked };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config);
  }
}

export class KerasSimpleRNN extends OwnRNN {
  static override readonly className = "KerasSimpleRNN";
  constructor(config: Config) {
    super(config, layerFromConfig("SimpleRNNCell", { ...config }));
  }
}

export class KerasLSTM extends OwnRNN {
  static override readonly className = "KerasLSTM";
  constructor(config: Config) {
    super(config, layerFromConfig("LSTMCell", { ...config }));
  }
}

/** Also the one with `resetAfter`, Keras's default; for its equations see its cell. */
export class KerasGRU extends OwnRNN {
  static override readonly className = "KerasGRU";
  constructor(config: Config) {
    const resetAfter = config.resetAfter !== false;
    super(config, resetAfter ? new KerasGRUCell(config) : layerFromConfig("GRUCell", { ...config }));
  }
}
