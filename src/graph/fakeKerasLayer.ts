import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { Constants } from "../layers/Constants.js";
import { describe } from "../layers/describe.js";

/**
 * Makes tensors outputs of a layer, so that a model can have them: symbolic ones come back as they are; tensors become
 * constant outputs, of their shape and dtype, of a layer that is fed by `inputs`. Their values are copied.
 *
 * @param inputs symbolic tensors, one or a list: where the new layer hangs
 * @param outputs tensors and symbolic tensors, one or a list
 * @returns one symbolic tensor for each output
 * @throws ArgumentError for what is no tensor, or no input where there is a constant. Nothing stays allocated then.
 * @source iNNvestigate utils.keras.graph.fake_keras_layer (which gives them the shape of the input)
 * @example const [bias] = fakeKerasLayer(x, tf.tensor2d([[0.1, 0.2]]));
 */
export function fakeKerasLayer(
  inputs: tf.SymbolicTensor | tf.SymbolicTensor[],
  outputs: tf.Tensor | tf.SymbolicTensor | (tf.Tensor | tf.SymbolicTensor)[],
): tf.SymbolicTensor[] {
  const who = "fakeKerasLayer";
  const xs = [inputs].flat();
  const ys = [outputs].flat();
  for (const x of xs) {
    if (!(x instanceof tf.SymbolicTensor))
      throw new ArgumentError(`${who}: expected symbolic inputs, got ${describe(x)}`);
  }
  for (const y of ys) {
    if (!(y instanceof tf.SymbolicTensor || y instanceof tf.Tensor))
      throw new ArgumentError(
        `${who}: expected outputs that are tensors or symbolic tensors, got ${describe(y)}`,
      );
  }
  const values = ys.filter((y): y is tf.Tensor => y instanceof tf.Tensor);
  if (values.length === 0) return ys as tf.SymbolicTensor[];
  if (xs.length === 0)
    throw new ArgumentError(`${who}: expected at least one symbolic input to feed the constants' layer`);
  const layer = new Constants({ constants: values.map(({ shape, dtype }) => ({ shape, dtype })) });
  const constants = [layer.apply(xs)].flat() as tf.SymbolicTensor[];
  layer.setWeights(values);
  let next = 0;
  return ys.map((y) => (y instanceof tf.SymbolicTensor ? y : (constants[next++] as tf.SymbolicTensor)));
}
