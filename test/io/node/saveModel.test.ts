import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TracelightError } from "../../../src/errors.js";
import { loadModel } from "../../../src/io/loadModel.js";
import { loadLayersModel } from "../../../src/io/node/loadModel.js";
import { saveLayersModel, saveModel } from "../../../src/io/node/saveModel.js";
import { installKernels } from "../../../src/kernels/index.js";
import "../../support/backends.js";
import { convNet, nestedNet } from "../../support/models.js";
import { rejects } from "../../support/throws.js";
import { temporaryFolder } from "./temporaryFolder.js";

const golden = fileURLToPath(new URL("../../golden/keras/", import.meta.url));

test.before(async () => {
  await tf.setBackend("cpu");
});

test("a saved model has model.json and weights.bin, in a folder that is made if need be", async () => {
  const folder = join(temporaryFolder(), "some", "where");
  const model = convNet();
  await saveLayersModel(model, folder);
  assert.equal(readdirSync(folder).sort(), ["model.json", "weights.bin"]);
  const json = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
  assert.is(json.format, "layers-model");
  assert.equal(json.weightsManifest[0].paths, ["weights.bin"]);
  assert.is(readFileSync(join(folder, "weights.bin")).length, model.countParams() * 4);
});

test("saving allocates no tensors and leaves the model usable", async () => {
  const model = nestedNet();
  const before = tf.memory().numTensors;
  await saveLayersModel(model, temporaryFolder());
  assert.is(tf.memory().numTensors, before);
  assert.ok(model.weights.every((weight) => !weight.read().isDisposed));
});

test("a model that is there already is replaced", async () => {
  const folder = temporaryFolder();
  await saveLayersModel(convNet(1), folder);
  const second = convNet(2);
  await saveLayersModel(second, folder);
  const loaded = await loadLayersModel(folder);
  assert.equal(loaded.weights[0]?.read().dataSync(), second.weights[0]?.read().dataSync());
  assert.equal(readdirSync(folder).sort(), ["model.json", "weights.bin"]);
});

test("when one of the files cannot be put in place, the folder has the files that it had before", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "model.json"));
  writeFileSync(join(folder, "model.json", "inside"), "stays");
  writeFileSync(join(folder, "weights.bin"), "old weights");
  await rejects(
    saveLayersModel(convNet(), folder),
    TracelightError,
    `saveLayersModel: ${folder} cannot be written: ${join(folder, "model.json")} is a folder`,
  );
  assert.equal(readdirSync(folder).sort(), ["model.json", "weights.bin"]);
  assert.is(readFileSync(join(folder, "weights.bin"), "utf8"), "old weights");
  assert.is(readFileSync(join(folder, "model.json", "inside"), "utf8"), "stays");
});

test("when nothing was there before, a failure leaves no half of a model", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "model.json"));
  await rejects(saveLayersModel(convNet(), folder), TracelightError, /model\.json is a folder/);
  assert.equal(readdirSync(folder), ["model.json"]);
});

for (const name of [
  "functions.keras2.h5",
  "masked_bidirectional.keras",
  "masked_merges.keras",
  "residual_attention.keras",
]) {
  test(`${name} of Keras is written as it computes, truth values and whole numbers too`, async () => {
    await tf.setBackend("wasm");
    installKernels();
    const path = fileURLToPath(new URL(`../../golden/keras/${name}`, import.meta.url));
    const model = await loadModel(path);
    // Compares what it has written with the model.
    await saveModel(model, temporaryFolder());
    model.dispose();
    await tf.setBackend("cpu");
  });
}

test("a folder that is a file is refused", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  const error = await saveLayersModel(convNet(), file).catch((caught: unknown) => caught);
  assert.is((error as TracelightError).code, "WRITE");
  assert.match((error as Error).message, /^saveLayersModel: .*file cannot be written: (ENOTDIR|EEXIST)/);
});

test("a model that keeps states from call to call is saved whatever they are, and they stay", async () => {
  const folder = temporaryFolder();
  const layer = tf.layers.lstm({ units: 3, batchInputShape: [2, 4, 3], stateful: true });
  const model = tf.sequential({ layers: [layer] });
  const x = tf.ones([2, 4, 3]);
  const fresh = (model.predict(x) as tf.Tensor).dataSync();
  const states = () =>
    (layer as unknown as { states_: tf.Tensor[] }).states_.map((state) => [...state.dataSync()]);
  const before = states();
  await saveModel(model, folder);
  assert.equal(states(), before);
  const again = await loadModel(folder);
  assert.equal((again.predict(x) as tf.Tensor).dataSync(), fresh);
});

test("a model whose recurrent layers are given states is saved without a warning, and opened again", async () => {
  const warnings: unknown[] = [];
  const warn = console.warn;
  console.warn = (message: unknown) => warnings.push(message);
  try {
    const folder = temporaryFolder();
    const model = await loadModel(`${golden}bidirectional_states.keras`);
    await saveModel(model, folder);
    const again = await loadModel(folder);
    const xs = model.inputs.map(({ shape, dtype }) =>
      tf.ones([2, ...shape.slice(1).map((n) => n ?? 4)], dtype),
    );
    const [a, b] = [model, again].map((m) => [m.predict(xs)].flat().map((y) => [...y.dataSync()]));
    assert.equal(b, a);
    assert.equal(warnings, []);
  } finally {
    console.warn = warn;
  }
});

test.run();
