import type * as tf from "@tensorflow/tfjs";
import { DisposedError } from "../errors.js";
import type { LayerVariable } from "../layers/internals.js";

/**
 * A layer variable that is another layer's: reads and writes go to the original, so training either trains both.
 *
 * Owners are counted. `retain(owner)` was called once for the layer that holds shared variables, and the first of them to
 * be disposed lets go of the owner by `release`, so that original and copy can be disposed in either order, and the values live as
 * long as one of them does.
 */
export class SharedVariable {
  readonly name: string;
  readonly originalName: string;
  readonly shape: LayerVariable["shape"];
  readonly dtype: LayerVariable["dtype"];
  readonly id: number;
  trainable: boolean;
  #disposed = false;

  constructor(
    private readonly source: LayerVariable,
    /** What models save the variable as. */
    originalName: string,
    private readonly release: () => void,
  ) {
    const { name, shape, dtype, id, trainable } = source as LayerVariable & {
      id: number;
      trainable: boolean;
    };
    this.name = name;
    this.originalName = originalName;
    this.shape = shape;
    this.dtype = dtype;
    this.id = id;
    this.trainable = trainable;
  }

  /** tfjs's optimizers take the tf.Variable itself. */
  get val(): tf.Variable {
    return (this.source as unknown as { val: tf.Variable }).val;
  }

  read(): tf.Tensor {
    this.assertNotDisposed();
    return this.source.read();
  }

  write(value: tf.Tensor): this {
    this.assertNotDisposed();
    this.source.write(value);
    return this;
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    this.assertNotDisposed();
    this.#disposed = true;
    this.release();
  }

  assertNotDisposed(): void {
    if (this.#disposed) throw new DisposedError(`the variable ${this.name} is disposed`);
  }
}
