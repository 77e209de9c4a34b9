/** What a configuration says of a model's inputs. */
import type * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../../errors.js";
import { layerFromConfig, type Shape } from "../../layers/internals.js";
import { operationConfig } from "../../layers/Operation.js";
import { asShape, isRecord } from "./checks.js";
import type { LayerSpec } from "./modelSpec.js";

/** The shape that an InputLayer states, or a first layer of Keras 2. */
export function inputShapeOf(layer: LayerSpec, where: string): (number | null)[] | null {
  const shape = layer.config.batch_shape ?? layer.config.batch_input_shape ?? null;
  return shape === null ? null : asShape(shape, `${where}: ${layer.name}: its input shape`);
}

/** Of a Sequential that begins with a model. */
export function nestedInput({ model }: LayerSpec): Shape | null {
  if (model === null) return null;
  if (model.kind === "sequential") {
    const [first] = model.layers;
    return first === undefined
      ? null
      : (inputShapeOf(first, model.name) ?? model.inputShape ?? nestedInput(first));
  }
  const [input] = model.inputs;
  const layer = model.layers.find(({ name }) => name === input?.layer);
  return layer === undefined ? null : inputShapeOf(layer, model.name);
}

export function inputDType(layer: LayerSpec, where: string): tf.DataType {
  if (layer.kind !== "input") return "float32";
  const { dtype } = layer.config;
  const name = isRecord(dtype) && isRecord(dtype.config) ? dtype.config.name : dtype;
  if (name === "string")
    throw new ModelFormatError(`${where}: the input ${layer.name} is text, which is not supported`);
  if (name === "bool") return "bool";
  return typeof name === "string" && /int/.test(name) ? "int32" : "float32";
}

/** `[n]` of `[n, 1]`. */
export function withoutLastAxis(x: tf.SymbolicTensor, name: string): tf.SymbolicTensor {
  const config = operationConfig(`${name}_numbers`, "Reshape", [{ input: 0 }, [-1]]);
  return layerFromConfig("Operation", config).apply(x) as tf.SymbolicTensor;
}
