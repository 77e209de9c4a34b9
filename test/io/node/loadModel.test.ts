import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ModelFormatError } from "../../../src/errors.js";
import { loadLayersModel } from "../../../src/io/node/loadModel.js";
import { saveLayersModel } from "../../../src/io/node/saveModel.js";
import { convNet } from "../../support/models.js";
import { rejects } from "../../support/throws.js";
import { temporaryFolder } from "./temporaryFolder.js";

interface ModelJson {
  format?: string;
  modelTopology: { config: { layers: { class_name: string; config: Record<string, unknown> }[] } };
  weightsManifest: { paths: string[]; weights: tf.io.WeightsManifestEntry[] }[];
}

test.before(async () => {
  await tf.setBackend("cpu");
});

/** convNet on disk, with a change in its model.json. */
async function savedModel(change: (json: ModelJson) => unknown = () => {}): Promise<string> {
  const folder = temporaryFolder();
  const model = convNet();
  await saveLayersModel(model, folder);
  model.dispose();
  const path = join(folder, "model.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as ModelJson;
  change(json);
  writeFileSync(path, JSON.stringify(json));
  return folder;
}

/** A folder with these files. */
function folderOf(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** Checks the error, and that nothing stays allocated. */
async function fails(path: string, message: string | RegExp): Promise<void> {
  const { numTensors, numBytes } = tf.memory();
  const variables = Object.keys(tf.engine().registeredVariables).length;
  await rejects(loadLayersModel(path), ModelFormatError, message);
  assert.is(tf.memory().numTensors, numTensors, "tensors");
  assert.is(tf.memory().numBytes, numBytes, "bytes");
  assert.is(Object.keys(tf.engine().registeredVariables).length, variables, "variables");
}

test("a model is loaded from its folder or its model.json, and predicts as the one that was saved", async () => {
  const folder = temporaryFolder();
  const model = convNet();
  await saveLayersModel(model, folder);
  const x = tf.randomUniform([2, 10, 10, 2]);
  const expected = (model.predict(x) as tf.Tensor).dataSync();
  for (const path of [folder, join(folder, "model.json")]) {
    const before = tf.memory().numTensors;
    const loaded = await loadLayersModel(path);
    assert.is(tf.memory().numTensors - before, loaded.weights.length, "nothing but the weights");
    assert.equal((loaded.predict(x) as tf.Tensor).dataSync(), expected);
  }
});

test("weights in several shards and groups are put together in the manifest's order", async () => {
  const folder = await savedModel((json) => {
    const [{ weights }] = json.weightsManifest as [ModelJson["weightsManifest"][number]];
    json.weightsManifest = [
      { paths: ["a.bin"], weights: weights.slice(0, 1) },
      { paths: ["b1.bin", "b2.bin"], weights: weights.slice(1) },
    ];
  });
  const bytes = readFileSync(join(folder, "weights.bin"));
  const first = 3 * 3 * 2 * 4 * 4;
  writeFileSync(join(folder, "a.bin"), bytes.subarray(0, first));
  writeFileSync(join(folder, "b1.bin"), bytes.subarray(first, first + 7));
  writeFileSync(join(folder, "b2.bin"), bytes.subarray(first + 7));
  const [loaded, expected] = [await loadLayersModel(folder), convNet()];
  loaded.weights.forEach((weight, i) => {
    assert.equal(weight.read().dataSync(), expected.weights[i]?.read().dataSync(), weight.name);
  });
});

test("a path that does not exist is refused", async () => {
  const path = join(temporaryFolder(), "none.json");
  await fails(path, `loadLayersModel: ${path} does not exist`);
});

test("a folder without model.json is refused", async () => {
  const empty = temporaryFolder();
  await fails(empty, `loadLayersModel: the folder ${empty} has no model.json`);
});

test("files of Keras are refused by name", async () => {
  for (const extension of [".keras", ".h5"]) {
    const path = fileURLToPath(new URL(`../../golden/keras/nested_frozen${extension}`, import.meta.url));
    await fails(
      path,
      `loadLayersModel: ${path}: expected the model.json of a TensorFlow.js layers model, got a model of Keras, ` +
        "which loadModel opens",
    );
  }
});

test("what is not JSON, or no model, is refused with what it is", async () => {
  const file = (content: string) => join(folderOf({ "model.json": content }), "model.json");
  let path = file("{");
  await fails(path, new RegExp(`^loadLayersModel: ${path}: is not JSON: .*JSON`));
  const expected =
    "expected the JSON of a TensorFlow.js or Keras model, with modelTopology or class_name; its keys are";
  path = file("[1]");
  await fails(path, `loadLayersModel: ${path}: ${expected} none`);
  path = file('{"name": "x", "version": "1"}');
  await fails(path, `loadLayersModel: ${path}: ${expected} name, version`);
  path = file('{"modelTopology": "x", "weightsManifest": []}');
  await fails(path, `loadLayersModel: ${path}: ${expected} modelTopology, weightsManifest`);
});

test("a topology without weights is refused", async () => {
  const folder = await savedModel((json) => Reflect.deleteProperty(json, "weightsManifest"));
  await fails(folder, /expected weightsManifest to be a list of .*, got nothing$/);
});

test("a graph model is recognised and named", async () => {
  for (const content of [
    '{"format": "graph-model", "modelTopology": {}, "weightsManifest": []}',
    '{"modelTopology": {"node": []}, "weightsManifest": []}',
  ]) {
    const folder = folderOf({ "model.json": content });
    await fails(
      folder,
      `loadLayersModel: ${join(folder, "model.json")}: expected the model.json of a TensorFlow.js layers model, ` +
        "got a graph model, which loadModel opens",
    );
  }
});

test("a manifest of another form is refused", async () => {
  const folder = await savedModel((json) =>
    Object.assign(json, { weightsManifest: [{ paths: "weights.bin" }] }),
  );
  await fails(
    folder,
    `loadLayersModel: ${join(folder, "model.json")}: expected weightsManifest to be a list of { paths, weights }, each ` +
      'weight with name, shape and dtype, got [{"paths":"weights.bin"}]',
  );
  const dtype = await savedModel((json) =>
    Object.assign(json.weightsManifest[0]?.weights[0] ?? {}, { dtype: "float99" }),
  );
  await fails(dtype, /expected weightsManifest to be a list /);
});

test("a weights file that is missing is named", async () => {
  const folder = await savedModel((json) =>
    Object.assign(json.weightsManifest[0] ?? {}, { paths: ["gone.bin"] }),
  );
  await fails(
    folder,
    `loadLayersModel: ${join(folder, "model.json")}: the weights file gone.bin does not exist`,
  );
});

test("a weights file of the wrong size is named with both numbers of bytes", async () => {
  const folder = await savedModel();
  const path = join(folder, "weights.bin");
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, -4));
  await fails(
    folder,
    `loadLayersModel: ${join(folder, "model.json")}: weights.bin: the manifest wants ${bytes.length} bytes, got ${bytes.length - 4}`,
  );
  writeFileSync(path, Buffer.concat([bytes, bytes]));
  await fails(
    folder,
    `loadLayersModel: ${join(folder, "model.json")}: weights.bin: the manifest wants ${bytes.length} bytes, got ${bytes.length * 2}`,
  );
});

test("a layer class that TensorFlow.js does not know is refused with its message", async () => {
  const folder = await savedModel((json) =>
    Object.assign(json.modelTopology.config.layers.at(-1) ?? {}, { class_name: "Mystery" }),
  );
  await fails(
    folder,
    new RegExp(
      `^loadLayersModel: ${join(folder, "model.json")}: TensorFlow\\.js cannot build the model: Unknown layer: Mystery`,
    ),
  );
});

test("weights that do not fit the layers are refused with their name", async () => {
  const shape = await savedModel((json) => json.weightsManifest[0]?.weights[0]?.shape.reverse());
  await fails(
    shape,
    /model\.json: weight conv1\/kernel has shape \[4, 2, 3, 3\], its layer takes \[3, 3, 2, 4\]$/,
  );
  const name = await savedModel((json) =>
    Object.assign(json.weightsManifest[0]?.weights[1] ?? {}, { name: "x/bias" }),
  );
  await fails(
    name,
    /model\.json: TensorFlow\.js cannot build the model: Provided weight data has no target variable: x\/bias$/,
  );
});

test("loads at the same time do not disturb each other, whether they succeed or fail", async () => {
  const good = await savedModel();
  const bad = await savedModel((json) =>
    Object.assign(json.modelTopology.config.layers.at(-1) ?? {}, { class_name: "Mystery" }),
  );
  const before = tf.memory().numTensors;
  const results = await Promise.allSettled([bad, good, bad, good].map(loadLayersModel));
  assert.equal(
    results.map((result) => result.status),
    ["rejected", "fulfilled", "rejected", "fulfilled"],
  );
  const models = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  assert.is(tf.memory().numTensors - before, models[0]!.weights.length * 2);
  for (const model of models) assert.ok(model.weights.every((weight) => !weight.read().isDisposed));
});

test.run();
