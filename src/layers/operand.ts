import type * as tf from "@tensorflow/tfjs";
import { type ConstantConfig, constantTensor } from "./constant.js";
import type { Shape } from "./internals.js";

/** The one tensor that a layer is given. */
export function single(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs;
}

/** The shapes of a layer's inputs, as a list. */
export function shapesOf(inputShape: tf.Shape | tf.Shape[]): Shape[] {
  return (Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as Shape[];
}

/** Those operands that a layer is given, with its constants in their places. */
export function withConstants<Name extends string>(
  names: readonly Name[],
  constants: Partial<Record<Name, ConstantConfig>>,
  inputs: tf.Tensor | tf.Tensor[],
): Record<Name, tf.Tensor> {
  const given = Array.isArray(inputs) ? [...inputs] : [inputs];
  return Object.fromEntries(
    names.map((name) => {
      const constant = constants[name];
      return [name, constant === undefined ? given.shift() : constantTensor(constant)];
    }),
  ) as Record<Name, tf.Tensor>;
}
