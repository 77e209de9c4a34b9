import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ModelFormatError } from "../../src/errors.js";
import { copyModel, getActivations, mergeBatchNormalization, modelWoSoftmax } from "../../src/graph/index.js";
import { beforeActivation, isChanged } from "../../src/graph/outputActivation.js";
import { loadModel } from "../../src/io/index.js";
import {
  buildRecorded,
  type RecordedTensor,
  readRecorded,
  referenceFiles,
  referencePath,
  skipWithout,
  tensorOf,
} from "../support/reference.js";
import { untouched } from "../support/untouched.js";

await tf.setBackend("cpu");

/** Asserts |got - want| <= 1e-4 |want| + 1e-5 max |want|, the tolerance that the reference files state. */
function near(got: tf.Tensor, want: tf.Tensor, what: string): void {
  assert.equal(got.shape, want.shape, what);
  const excess = tf.tidy(() => {
    const size = tf.abs(want);
    const bound = tf.add(tf.mul(size, 1e-4), tf.mul(tf.max(size), 1e-5));
    return tf.max(tf.sub(tf.abs(tf.sub(got, want)), bound)).dataSync()[0]!;
  });
  assert.ok(excess <= 0, `${what}: ${excess} beyond the tolerance`);
}

const listed = (ys: tf.Tensor | tf.Tensor[]) => [ys].flat();

const recorded = referenceFiles("attributions", ".json").filter(
  (file) => !file.includes(".part") && file !== "single_layer_rules.json",
);
if (recorded.length === 0) skipWithout("copies of the recorded models");
for (const file of recorded) {
  const reference = readRecorded(file);
  test(`copied, and with batch normalisations merged, ${file.replace(".json", "")} gives the output that Keras recorded`, () => {
    const model = buildRecorded(reference);
    untouched(model, () => {
      const xs = model.inputNames.map((name) => tensorOf(reference.inputs[name]!));
      const { model: merged, kept } = mergeBatchNormalization(model);
      for (const copy of [copyModel(model), copyModel(model, { shareWeights: false }), merged]) {
        near(copy.predict(xs) as tf.Tensor, tensorOf(reference.output), file);
        copy.dispose();
      }
      // A convolution or a dense layer comes before each of them.
      assert.equal(kept, []);
    });
  });
}

interface KerasReference {
  inputs: Record<string, RecordedTensor>;
  outputs: RecordedTensor[];
  layers: Record<string, { outputs: RecordedTensor[] }[]>;
}

const kerasModels = referenceFiles("keras", "").filter((name) => !name.includes("."));
if (kerasModels.length === 0) skipWithout("surgery on the recorded Keras models");
for (const name of kerasModels) {
  const folder = referencePath(`keras/${name}`) as string;
  const model = await loadModel(`${folder}/model.keras`).catch((error: unknown) => {
    if (!(error instanceof ModelFormatError)) throw error;
    console.log(`skipped: surgery on ${name}: ${error.message}`);
    test.skip(name, () => {});
    return null;
  });
  if (model === null) continue;
  const reference = JSON.parse(readFileSync(`${folder}/ref.json`, "utf8")) as KerasReference;
  const xs = model.inputNames.map((input) => tensorOf(reference.inputs[input]!));

  test(`softmax of modelWoSoftmax(${name}) is the output that Keras recorded, and its copies give it`, () => {
    untouched(model, () => {
      const logits = modelWoSoftmax(model, { shouldFindSoftmax: false });
      for (const [i, z] of listed(logits.predict(xs) as tf.Tensor | tf.Tensor[]).entries()) {
        const output = model.outputs[i]!;
        const y = isChanged(output, beforeActivation(output, "softmax")) ? tf.softmax(z) : z;
        near(y, tensorOf(reference.outputs[i]!), `output ${i}`);
      }
      const merged = mergeBatchNormalization(model).model;
      for (const copy of [copyModel(model), merged]) {
        for (const [i, y] of listed(copy.predict(xs) as tf.Tensor | tf.Tensor[]).entries())
          near(y, tensorOf(reference.outputs[i]!), `output ${i} of a copy`);
        copy.dispose();
      }
      logits.dispose();
    });
  });

  test(`getActivations gives what Keras recorded of the layers of ${name}`, () => {
    const activations = getActivations(model, xs);
    const names = Object.keys(reference.layers).filter((layer) => layer in activations);
    assert.ok(names.length > 2);
    for (const layer of names)
      near(activations[layer]!, tensorOf(reference.layers[layer]![0]!.outputs[0]!), layer);
  });
}

test.run();
