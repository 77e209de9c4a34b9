import * as tf from "@tensorflow/tfjs";
import type { Shape } from "./internals.js";
import { type BaseConfig, OwnLayer } from "./OwnLayer.js";
import { checkGrowth } from "./operations/growth.js";
import { namedArguments, type OperationRule } from "./operations/rule.js";
import { operations } from "./operations.js";

/** A value in an operation's arguments: plain, or the input of that number. */
export type OperationArgument =
  | null
  | string
  | number
  | boolean
  | { input: number }
  | { slice: (number | null)[] }
  | { ellipsis: true }
  | { constant: OperationArgument; dtype: tf.DataType }
  | OperationArgument[];

/** Text that tfjs leaves as it is when it writes and reads a configuration: all other keys get their words joined otherwise. */
interface Verbatim {
  name: string;
}

interface OperationOptions {
  /** Keras's class name of the operation. */
  operation: Verbatim;
  /** JSON of a list of OperationArgument. */
  args: Verbatim;
  /** JSON of a record of OperationArgument. */
  kwargs: Verbatim;
}

/** The configuration of an Operation. */
export function operationConfig(
  name: string,
  operation: string,
  args: OperationArgument[],
  kwargs: Record<string, OperationArgument> = {},
): BaseConfig & OperationOptions {
  const verbatim = (text: string) => ({ name: text });
  return {
    name,
    operation: verbatim(operation),
    args: verbatim(JSON.stringify(args)),
    kwargs: verbatim(JSON.stringify(kwargs)),
  };
}

/**
 * A bare operation among the layers of a Keras model, such as `x * 2`, `x[:, 0]` or `keras.ops.mean(x)`. Its inputs are the
 * tensors among its arguments; the others are kept.
 */
export class Operation extends OwnLayer<OperationOptions> {
  static readonly className = "Operation";

  constructor(config: BaseConfig & Partial<OperationOptions>) {
    const { operation, args, kwargs } = operationConfig("", "Identity", [{ input: 0 }]);
    super(config, { operation, args, kwargs });
    this.supportsMasking = false;
  }

  protected override compute(inputs: tf.Tensor[]): tf.Tensor | tf.Tensor[] {
    const operation = this.options.operation.name;
    const args = JSON.parse(this.options.args.name) as OperationArgument[];
    const kwargs = JSON.parse(this.options.kwargs.name) as Record<string, OperationArgument>;
    const fill = (argument: OperationArgument): unknown => {
      if (Array.isArray(argument)) return argument.map(fill);
      if (typeof argument !== "object" || argument === null) return argument;
      if ("input" in argument) return inputs[argument.input];
      if ("constant" in argument)
        return tf.tensor(argument.constant as tf.TensorLike, undefined, argument.dtype);
      return argument;
    };
    const rule = operations[operation] as OperationRule;
    const named = Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, fill(value)]));
    return rule.run(namedArguments(rule, args.map(fill), named));
  }

  /**
   * By running it: on zeros of two batch sizes, so that what changes with the batch is known as unknown. Sizes that are not
   * known are tried likewise; where they must be a multiple of something (windows of images that lie in the batch), larger ones.
   */
  protected override shapeAfter(inputs: Shape[]): (number | null)[] | (number | null)[][] {
    let failed: unknown;
    for (const sizes of UNKNOWN) {
      try {
        return this.shapesWith(inputs, sizes);
      } catch (error) {
        failed ??= error;
      }
    }
    throw failed;
  }

  private shapesWith(
    inputs: Shape[],
    sizes: readonly [number, number],
  ): (number | null)[] | (number | null)[][] {
    const args = JSON.parse(this.options.args.name) as OperationArgument[];
    const kwargs = JSON.parse(this.options.kwargs.name) as Record<string, OperationArgument>;
    const given = namedArguments(operations[this.options.operation.name] as OperationRule, args, kwargs);
    checkGrowth(
      inputs.map((shape) => shape.map((n) => n ?? sizes[1])),
      given,
    );
    const [a, b] = sizes.map((unknown) =>
      tf.tidy(() =>
        [this.compute(inputs.map((shape) => tf.zeros(shape.map((n) => n ?? unknown))))]
          .flat()
          .map((t) => t.shape),
      ),
    ) as [number[][], number[][]];
    const shapes = a.map((shape, i) => shape.map((n, axis) => (n === b[i]?.[axis] ? n : null)));
    return shapes.length === 1 ? (shapes[0] as (number | null)[]) : shapes;
  }
}

/** Pairs of sizes that stand for unknown ones. */
const UNKNOWN: readonly [number, number][] = [
  [2, 3],
  [64, 128],
  [720, 1440],
];
