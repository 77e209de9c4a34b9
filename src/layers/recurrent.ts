/**
 * Recurrent layers that stand for themselves. tfjs runs a model's layers with one record of arguments, into which masks and
 * initial states are written, so that a recurrent layer gets those of the one before it. A model with masks or initial
 * states is therefore opened with these, which take from that record what is theirs.
 */
import * as tf from "@tensorflow/tfjs";
import { forgetDropout, forgetStateArguments, type Layer, layerFromConfig } from "./internals.js";
import { KerasGRUCell } from "./KerasGRUCell.js";

type Config = Record<string, unknown>;
type Cell = Layer & { call(inputs: tf.Tensor[], kwargs: object): tf.Tensor[]; stateSize: number | number[] };
type Kwargs = Parameters<tf.RNN["apply"]>[1];

abstract class OwnRNN extends tf.RNN {
  /** Whether its input has a mask. */
  private readonly masked: boolean;
  /** Whether masked steps give zeros, and not what the step before gave. */
  private readonly zeroOutputForMask: boolean;

  constructor(config: Config, cell: Layer) {
    super({ ...config, cell } as unknown as ConstructorParameters<typeof tf.RNN>[0]);
    this.masked = config.masked === true;
    this.zeroOutputForMask = config.zeroOutputForMask === true;
  }

  override apply(inputs: Parameters<tf.RNN["apply"]>[0], kwargs?: Kwargs): ReturnType<tf.RNN["apply"]> {
    // Initial states come among the inputs.
    const { initialState: _another, ...rest } = (kwargs ?? {}) as Config;
    const result = super.apply(inputs, rest as Kwargs);
    forgetStateArguments(this as unknown as Layer);
    return result;
  }

  override call(
    inputs: tf.Tensor | tf.Tensor[],
    kwargs: Parameters<tf.RNN["call"]>[1],
  ): tf.Tensor | tf.Tensor[] {
    forgetDropout(this.cell as unknown as Layer);
    const { mask: given, ...rest } = (kwargs ?? {}) as Config;
    const mask = (Array.isArray(given) ? given[0] : given) as tf.Tensor | null | undefined;
    if (!this.masked || mask === null || mask === undefined) return super.call(inputs, rest as typeof kwargs);
    return tf.tidy(() => {
      const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor;
      const { initialState } = rest as { initialState?: tf.Tensor[] };
      return this.scan(x, mask, initialState ?? (this.stateful ? this.kept() : this.getInitialState(x)));
    });
  }

  /**
   * The steps of a sequence with a mask. A masked step leaves the states as they are, and gives what the step before gave,
   * which is zeros before the first; tfjs gives the state, which another begin of the states makes another value.
   *
   * @source keras/src/backend/tensorflow/rnn.py
   */
  private scan(x: tf.Tensor, mask: tf.Tensor, initial: tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    const cell = this.cell as unknown as Cell;
    const inTime = (t: tf.Tensor) => tf.unstack(this.goBackwards ? tf.reverse(t, 1) : t, 1);
    const steps = inTime(x);
    const kept = inTime(tf.cast(mask, "float32")).map((t) => tf.reshape(t, [t.shape[0] as number, 1]));
    const outputs: tf.Tensor[] = [];
    let states = initial;
    let before: tf.Tensor | null = null;
    for (const [i, step] of steps.entries()) {
      const [output, ...next] = cell.call([step, ...states], {}) as [tf.Tensor, ...tf.Tensor[]];
      const keep = kept[i] as tf.Tensor;
      const choose = (a: tf.Tensor, b: tf.Tensor) => tf.add(tf.mul(keep, a), tf.mul(tf.sub(1, keep), b));
      const hidden: tf.Tensor = before === null || this.zeroOutputForMask ? tf.zerosLike(output) : before;
      before = choose(output, hidden);
      outputs.push(before);
      states = states.map((state, j) => choose(next[j] as tf.Tensor, state));
    }
    if (this.stateful) this.resetStates(states);
    const output = this.returnSequences ? tf.stack(outputs, 1) : (before as tf.Tensor);
    return this.returnState ? [output, ...states] : output;
  }

  private kept(): tf.Tensor[] {
    return (this as unknown as { states_: tf.Tensor[] }).states_;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), masked: this.masked, zeroOutputForMask: this.zeroOutputForMask };
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

/** Of any cell, or cells on one another: `cell` is one, or its class name and configuration. */
export class KerasRNN extends OwnRNN {
  static override readonly className = "KerasRNN";
  constructor({ cell, ...config }: Config) {
    super(config, cell instanceof tf.layers.Layer ? cell : layerFromConfig(...classAndConfig(cell)));
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { cell } = this;
    return { ...super.getConfig(), cell: { className: cell.getClassName(), config: cell.getConfig() } };
  }
}

function classAndConfig(cell: unknown): [className: string, config: object] {
  const { className, config } = cell as { className: string; config: object };
  return [className, config];
}
