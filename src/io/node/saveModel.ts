import { randomUUID } from "node:crypto";
import { lstat, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { writeError } from "./writeFile.js";

/**
 * Saves a model as `loadLayersModel` and `tf.loadLayersModel` read it: model.json and weights.bin in a folder, which is made
 * if it does not exist. Both files are written in full before either takes its place; if anything fails, the folder has the
 * files that it had before.
 *
 * @throws TracelightError with code "WRITE" and the reason that the system gives
 * @example await saveLayersModel(model, "out/model")
 */
export async function saveLayersModel(model: tf.LayersModel, folder: string): Promise<void> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    }),
  );
  const { weightSpecs, weightData, ...json } = artifacts as tf.io.ModelArtifacts;
  const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
  try {
    await replaceFiles(folder, {
      "weights.bin": new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
      "model.json": `${JSON.stringify({ ...json, weightsManifest })}\n`,
    });
  } catch (error) {
    throw writeError("saveLayersModel", folder, error);
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
