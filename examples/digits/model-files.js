import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";

/**
 * Writes a model in TensorFlow.js layers format: model.json and weights.bin.
 *
 * @param {tf.LayersModel} model
 * @param {string} directory
 */
export async function writeModel(model, directory) {
  mkdirSync(directory, { recursive: true });
  const saveHandler = tf.io.withSaveHandler(async (artifacts) => {
    const { modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy } = artifacts;
    const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
    const json = { format, generatedBy, convertedBy, modelTopology, weightsManifest };
    const weights = tf.io.CompositeArrayBuffer.join(weightData);
    writeFileSync(join(directory, "model.json"), `${JSON.stringify(json)}\n`);
    writeFileSync(join(directory, "weights.bin"), Buffer.from(weights));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
  });
  await model.save(saveHandler);
}

/**
 * Reads what `writeModel` wrote.
 *
 * @param {string} directory
 */
export function readModel(directory) {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(directory, "model.json"), "utf8"));
  const weightData = Uint8Array.from(readFileSync(join(directory, "weights.bin"))).buffer;
  return tf.loadLayersModel(
    tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
  );
}
