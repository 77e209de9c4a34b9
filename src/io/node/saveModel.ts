import { randomUUID } from "node:crypto";
import { lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { TracelightError } from "../../errors.js";
import { copyModel } from "../../graph/copyModel.js";
import { modelFromArtifacts } from "../modelFromArtifacts.js";
import { withUniqueNames } from "../uniqueNames.js";
import { writeError } from "./writeFile.js";

/**
 * Saves a model as `loadLayersModel` and `tf.loadLayersModel` read it: model.json and weights.bin in a folder, which is made
 * if it does not exist. Both files are written in full before either takes its place; if anything fails, the folder has the
 * files that it had before. Layers of nested models that share a name get another one in the files, as TensorFlow.js does not
 * load them otherwise.
 *
 * @throws TracelightError with code "WRITE" and the reason that the system gives
 * @example await saveLayersModel(model, "out/model")
 */
export async function saveLayersModel(model: tf.LayersModel, folder: string): Promise<void> {
  await write("saveLayersModel", await artifactsOf(model), folder);
}

/**
 * Saves a model as `saveLayersModel` does, after checking that what is written gives the same outputs: it is built again, and
 * both are run on the same random inputs. A model with layers of this library is read by `loadModel`, and by
 * `tf.loadLayersModel` after `registerLayers()`.
 *
 * @throws TracelightError with code "WRITE" where it cannot be written, or would not give the same outputs
 * @example await saveModel(await loadModel("in.keras"), "out/")
 */
export async function saveModel(model: tf.LayersModel, folder: string): Promise<void> {
  const artifacts = await artifactsOf(model);
  checkArtifacts(model, artifacts);
  await write("saveModel", artifacts, folder);
}

async function artifactsOf(model: tf.LayersModel): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    }),
  );
  return withUniqueNames(model, artifacts as tf.io.ModelArtifacts);
}

/** Largest difference, as part of the largest output: both run the same layers, and differ by nothing but rounding. */
const SAME = 1e-5;

function checkArtifacts(
  model: tf.LayersModel,
  { modelTopology, weightSpecs, weightData }: tf.io.ModelArtifacts,
): void {
  const data = tf.io.CompositeArrayBuffer.join(weightData as tf.io.WeightData);
  // Of one that keeps states from call to call, a copy with none, so that its own stay as they are.
  const stateful = model.layers.some((layer) => layer.stateful);
  const original = stateful ? copyModel(model) : model;
  const copy = modelFromArtifacts({
    modelTopology: structuredClone(modelTopology) as object,
    weightSpecs: weightSpecs as tf.io.WeightsManifestEntry[],
    weightData: data,
  });
  try {
    const off = tf.tidy(() => {
      const xs = model.inputs.map((input) => {
        const shape = input.shape.map((n, axis) => n ?? (axis === 0 ? 2 : 8));
        return input.dtype === "float32"
          ? tf.randomNormal(shape, 0, 1, "float32", 1)
          : tf.ones(shape, input.dtype);
      });
      const [wanted, got] = [original, copy].map((m) => [m.predict(xs)].flat()) as [tf.Tensor[], tf.Tensor[]];
      return wanted.map((y, i) => {
        const [a, b] = [y, got[i] as tf.Tensor].map((t) => tf.cast(t, "float32")) as [tf.Tensor, tf.Tensor];
        const size = tf.max(tf.abs(a)).dataSync()[0] as number;
        return (tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number) / Math.max(size, 1e-30);
      });
    });
    const worst = Math.max(...off);
    if (!(worst <= SAME)) {
      throw new TracelightError(
        "WRITE",
        `saveModel: the model as written differs from the model by ${worst} of its largest output`,
      );
    }
  } finally {
    copy.dispose();
    if (stateful) original.dispose();
  }
}

async function write(who: string, artifacts: tf.io.ModelArtifacts, folder: string): Promise<void> {
  const { weightSpecs, weightData, ...json } = artifacts;
  const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
  try {
    await replaceFiles(folder, {
      "weights.bin": new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
      "model.json": `${JSON.stringify({ ...json, weightsManifest })}\n`,
    });
  } catch (error) {
    throw writeError(who, folder, error);
  }
}

/** Writes files aside, then swaps them in one after the other; swaps back if one cannot be. */
async function replaceFiles(folder: string, files: Record<string, Uint8Array | string>): Promise<void> {
  const aside = join(folder, `.${randomUUID()}.tmp`);
  await mkdir(aside, { recursive: true });
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(aside, name), content);
    for (const name of Object.keys(files)) {
      const [target, old] = [join(folder, name), join(aside, `${name}.old`)];
      if (await renameIfThere(target, old)) undo.unshift(() => rename(old, target));
      await rename(join(aside, name), target);
      undo.unshift(() => rm(target));
    }
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  const found = await lstat(from).catch(() => undefined);
  if (found?.isDirectory()) throw new Error(`${from} is a folder`);
  if (found !== undefined) await rename(from, to);
  return found !== undefined;
}
