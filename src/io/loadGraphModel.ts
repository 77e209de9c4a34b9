import type * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../errors.js";
import { backendReady } from "../kernels/index.js";
import { graphFromArtifacts } from "./graphFromArtifacts.js";
import { type LoadModelOptions, openModel } from "./openModel.js";
import { type ModelSource, openSource } from "./openSource.js";
import { named, saying } from "./saying.js";

/**
 * Opens a TensorFlow.js graph model: a SavedModel that tensorflowjs_converter converted. It has operations and no layers, so
 * that it can be run, looked into (`traceGraphModel`, `getOpOutputs`) and differentiated, but not
 * cut by layers nor explained by rules over them. `loadModel` opens it as a layers model.
 *
 * @throws ModelFormatError for what is no graph model, damaged or incomplete
 * @example
 * const model = await loadGraphModel("mobilenet/model.json");
 * const { "block1/Relu": features } = getOpOutputs(model, x, "block1/Relu");
 */
export async function loadGraphModel(
  source: Exclude<ModelSource, tf.io.IOHandler>,
  options: Pick<LoadModelOptions, "name" | "signal"> = {},
): Promise<tf.GraphModel> {
  return saying("loadGraphModel", async () => {
    await backendReady();
    const opened = await openSource(source, options);
    const { name } = opened.main;
    try {
      const file = await openModel(opened, options);
      if (!("graph" in file)) {
        throw new ModelFormatError(
          `${name}: is no graph model: expected modelTopology with a list of nodes; loadModel opens models with layers`,
        );
      }
      return await named(name, () => graphFromArtifacts(file.graph));
    } finally {
      await opened.close();
    }
  });
}
