import * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../errors.js";
import { readAll } from "./byteSource.js";
import { isRecord, parseJson } from "./keras/checks.js";
import { type LoadModelOptions, type ModelSource, openSource, readWeights, saying } from "./loadModel.js";

/**
 * Opens a TensorFlow.js graph model: a SavedModel that tensorflowjs_converter converted. It has operations and no layers, so
 * that it can be run, looked into (`traceGraphModel`, `getOpOutputs`) and differentiated, but not
 * cut by layers nor explained by rules over them.
 *
 * @throws ModelFormatError for what is no graph model, damaged or incomplete
 * @example
 * const model = await loadGraphModel("mobilenet/model.json");
 * const { "block1/Relu": features } = getOpOutputs(model, x, "block1/Relu");
 */
export async function loadGraphModel(
  source: Exclude<ModelSource, tf.io.IOHandler>,
  options: Pick<LoadModelOptions, "name"> = {},
): Promise<tf.GraphModel> {
  return saying("loadGraphModel", async () => {
    const opened = await openSource(source, options.name);
    try {
      const { name } = opened.main;
      const json = parseJson(new TextDecoder().decode((await readAll(opened.main)).bytes), name);
      if (!isRecord(json) || !isRecord(json.modelTopology) || !Array.isArray(json.modelTopology.node)) {
        throw new ModelFormatError(
          `${name}: is no graph model: expected modelTopology with a list of nodes; loadModel opens models with layers`,
        );
      }
      const { weightSpecs, weightData } = await readWeights(opened, json);
      const { modelTopology, signature, userDefinedMetadata } = json;
      const artifacts = {
        format: "graph-model",
        modelTopology,
        signature,
        userDefinedMetadata,
        weightSpecs,
        weightData,
      };
      const before = new Set(Object.values(tf.engine().registeredVariables));
      try {
        return await tf.loadGraphModel(tf.io.fromMemory(artifacts as unknown as tf.io.ModelArtifacts));
      } catch (error) {
        for (const variable of Object.values(tf.engine().registeredVariables)) {
          if (!before.has(variable)) variable.dispose();
        }
        const message = error instanceof Error ? error.message : String(error);
        throw new ModelFormatError(`${name}: TensorFlow.js cannot build the graph: ${message}`, {
          cause: error,
        });
      }
    } finally {
      await opened.close();
    }
  });
}
