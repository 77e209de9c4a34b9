import type * as tf from "@tensorflow/tfjs";
import { GraphError, UnsupportedLayerError } from "../errors.js";
import { isBuilt, type Layer } from "../layers/internals.js";
import { checkLayer } from "./checkModel.js";

/**
 * A layer's kernel: its one weight of more than one dimension that is not the bias. An embedding's table and PReLU's
 * slopes are such, too. The tensor is the layer's own: not to be disposed.
 *
 * @returns shape and dtype as the layer has it: `[in, out]` for Dense, `[kh, kw, in, out]` for Conv2D
 * @throws UnsupportedLayerError for a layer that has none, or several (SeparableConv, LSTM), with their names; GraphError
 *   for one that is not built; DisposedError
 * @source iNNvestigate utils.keras.graph.get_kernel
 * @example const rows = getKernel(dense).shape[0];
 */
export function getKernel(layer: Layer): tf.Tensor {
  checkLayer("getKernel", layer);
  const named = `layer "${layer.name}" (${layer.getClassName()})`;
  if (!isBuilt(layer)) throw new GraphError(`getKernel: ${named} is not built yet, so it has no weights`);
  const kernels = layer.weights.filter(
    ({ shape, originalName }) => shape.length > 1 && !/(^|\/)bias$/.test(originalName),
  );
  if (kernels.length === 1) return (kernels[0] as (typeof kernels)[number]).read();
  const names = (weights: typeof kernels) => weights.map(({ originalName }) => originalName).join(", ");
  const got =
    kernels.length > 1
      ? `it has ${kernels.length}: ${names(kernels)}`
      : `it has ${layer.weights.length === 0 ? "no weights" : `none among ${names(layer.weights)}`}`;
  throw new UnsupportedLayerError(
    `getKernel: expected one kernel in ${named}, but ${got}`,
    layer.name,
    layer.getClassName(),
  );
}
