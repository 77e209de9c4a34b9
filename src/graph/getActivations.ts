import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, DisposedError, ShapeError } from "../errors.js";
import { describe } from "../layers/describe.js";
import { graphOf } from "./checkModel.js";
import { modelFromTrace } from "./modelFromTrace.js";
import { findTensors, namedTensors } from "./namedTensors.js";
import { trace } from "./trace.js";

/**
 * What layers inside a model give for an input, by name, in one pass forward. Of what comes in between nothing is kept.
 *
 * @param x the model's input, or a list of one tensor an input; as for `model.predict`
 * @param layers names of layers, one or a list: paths for layers inside nested models (`"encoder/conv1"`), the names of
 *   nested models, `"shared:1"` for the second call of a layer that is called several times. Default: all layers.
 * @returns the tensors by those names, which are the caller's to dispose; a layer's further outputs (the states of an
 *   LSTM) as `"lstm[1]"`, `"lstm[2]"`
 * @throws GraphError for a name that the model does not have, with the nearest; ArgumentError for what is no layers model
 *   or no tensor; ShapeError; DisposedError; UnsupportedLayerError for a layer that cannot be copied. Nothing stays allocated then.
 * @example const { conv1, "encoder/conv2": deep } = getActivations(model, x, ["conv1", "encoder/conv2"]);
 */
export function getActivations(
  model: tf.LayersModel,
  x: tf.Tensor | tf.Tensor[],
  layers?: string | readonly string[],
): Record<string, tf.Tensor> {
  const who = "getActivations";
  graphOf(who, model);
  const xs = [x].flat();
  for (const tensor of xs) {
    if (!(tensor instanceof tf.Tensor))
      throw new ArgumentError(`${who}: expected x to be tensors, got ${describe(tensor)}`);
  }
  if (xs.length !== model.inputs.length) {
    throw new ArgumentError(
      `${who}: expected ${model.inputs.length} inputs (${model.inputNames.join(", ")}), got ${xs.length}`,
    );
  }
  for (const [i, value] of xs.entries()) checkInput(who, model.inputs[i] as tf.SymbolicTensor, value);
  const traced = trace(model, who);
  const names = layers === undefined ? [...namedTensors(traced).keys()] : [...new Set([layers].flat())];
  const wanted = names.flatMap((name) =>
    findTensors(who, model.name, traced, name).map((id, i) => ({
      name: i === 0 ? name : `${name}[${i}]`,
      id,
    })),
  );
  const outputs = [...new Set(wanted.map(({ id }) => id))];
  if (outputs.length === 0) return {};
  const inputs = traced.inputs.map((id, i) => ({ id, name: traced.inputLayers[i]?.name as string }));
  const part = modelFromTrace(who, traced, { name: model.name, inputs, outputs, unusedInputs: "leave out" });
  try {
    const given = xs.filter((_, i) => part.inputNames.includes(inputs[i]?.name as string));
    const batchSize = given[0]?.shape[0] as number;
    const ys = part.predict(given, { batchSize: Math.max(batchSize, 1) }) as tf.Tensor | tf.Tensor[];
    const values = new Map([ys].flat().map((y, i) => [outputs[i] as number, y]));
    const taken = new Set<number>();
    return Object.fromEntries(
      wanted.map(({ name, id }) => {
        // Of two names for the same tensor (a nested model and its last layer) each gets one of its own.
        const y = values.get(id) as tf.Tensor;
        const own = taken.has(id) ? y.clone() : y;
        taken.add(id);
        return [name, own];
      }),
    );
  } finally {
    part.dispose();
  }
}

/** What tfjs's `predict` takes: one dimension is for as many samples of one number. */
function checkInput(who: string, input: tf.SymbolicTensor, x: tf.Tensor): void {
  const name = input.sourceLayer.name;
  if (x.isDisposed) throw new DisposedError(`${who}: the tensor for the input "${name}" is disposed`);
  const shape = x.rank === 1 ? [...x.shape, 1] : x.shape;
  const fits =
    shape.length === input.shape.length &&
    shape.every((size, axis) => size === (input.shape[axis] ?? size)) &&
    shape[0] !== 0;
  if (fits) return;
  throw new ShapeError(
    `${who}: expected at least one sample of shape ${show(input.shape.slice(1))} for the input "${name}", got a tensor of shape ${show(x.shape)}`,
  );
}
