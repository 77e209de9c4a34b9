import type * as tf from "@tensorflow/tfjs";
import { ModelFormatError } from "../../errors.js";
import { backendReady } from "../../kernels/index.js";
import { modelFromArtifacts } from "../modelFromArtifacts.js";
import { openModel } from "../openModel.js";
import { openSource } from "../openSource.js";
import { named, saying } from "../saying.js";

/**
 * Loads a TensorFlow.js layers model from disk, as `model.save` and tensorflowjs_converter write it: model.json with the
 * topology and a weights manifest, and beside it the files that the manifest names. The model is not compiled. `loadModel`
 * opens every other format too.
 *
 * @param path of model.json, whatever its name, or of the folder that it is in
 * @throws ModelFormatError that says what was expected and what is there; nothing stays allocated then
 * @example const model = await loadLayersModel("examples/digits/model")
 */
export async function loadLayersModel(path: string): Promise<tf.LayersModel> {
  return saying("loadLayersModel", async () => {
    await backendReady();
    const opened = await openSource(path, {});
    const { name } = opened.main;
    try {
      const file = await openModel(opened, {});
      if ("artifacts" in file) return await named(name, () => modelFromArtifacts(file.artifacts));
      const what = "graph" in file ? "a graph model" : "a model of Keras";
      throw new ModelFormatError(
        `${name}: expected the model.json of a TensorFlow.js layers model, got ${what}, which loadModel opens`,
      );
    } finally {
      await opened.close();
    }
  });
}
