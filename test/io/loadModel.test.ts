import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, ModelFormatError, UnsupportedLayerError } from "../../src/errors.js";
import { crc32, slowCrc32 } from "../../src/io/crc32.js";
import { inspectModel, loadGraphModel, loadModel, type ModelSource } from "../../src/io/index.js";
import { saveModel } from "../../src/io/node/index.js";
import { randomSource } from "../support/arrays.js";
import { rejects } from "../support/throws.js";
import { makeZip, readZip } from "../support/zip.js";

const golden = fileURLToPath(new URL("../golden/keras/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tracelight-"));
const bytesOf = (name: string) => Uint8Array.from(readFileSync(golden + name));
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** unet.keras's members; its configuration is plain enough to be changed by replacing text. */
const members = readZip(bytesOf("unet.keras"));
const config = text(members["config.json"]);

function archive(changes: Record<string, string | Uint8Array>): Uint8Array<ArrayBuffer> {
  return makeZip({ ...members, ...changes });
}

/** A .keras archive with other text in its configuration. */
function changed(from: string | RegExp, to: string): Uint8Array<ArrayBuffer> {
  assert.ok(
    typeof from === "string" ? config.includes(from) : from.test(config),
    `the configuration has ${from}`,
  );
  return archive({ "config.json": config.replace(from, to) });
}

/** A model of one operation, as Keras 3 writes it. */
function withOperation(className: string, own: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  const input = { batch_shape: [null, 4, 6], dtype: "float32", name: "x" };
  const tensor = {
    class_name: "__keras_tensor__",
    config: { shape: [null, 4, 6], dtype: "float32", keras_history: ["x", 0, 0] },
  };
  return archive({
    "config.json": JSON.stringify({
      module: "keras.src.models.functional",
      class_name: "Functional",
      config: {
        name: "model",
        layers: [
          { module: "keras.layers", class_name: "InputLayer", config: input, name: "x", inbound_nodes: [] },
          {
            module: "keras.src.ops.numpy",
            class_name: className,
            config: { name: "op", ...own },
            name: "op",
            inbound_nodes: [{ args: [tensor], kwargs: {} }],
          },
        ],
        input_layers: ["x", 0, 0],
        output_layers: ["op", 0, 0],
      },
    }),
  });
}

/** A model of one function of TensorFlow, as Keras 2 writes it. */
function withFunction(name: string, others: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  const input = { batch_input_shape: [null, 4, 6], dtype: "float32", name: "x" };
  return archive({
    "metadata.json": '{"keras_version": "2.15.0"}',
    "config.json": JSON.stringify({
      class_name: "Functional",
      config: {
        name: "model",
        layers: [
          { class_name: "InputLayer", config: input, name: "x", inbound_nodes: [] },
          {
            class_name: "TFOpLambda",
            config: { name: "op", trainable: true, dtype: "float32", function: name },
            name: "op",
            inbound_nodes: [["x", 0, 0, others]],
          },
        ],
        input_layers: [["x", 0, 0]],
        output_layers: [["op", 0, 0]],
      },
    }),
  });
}

function registered(): number {
  return Object.keys(tf.engine().registeredVariables).length;
}

/** Neither tensors nor variables may be left. */
async function failsClean(
  source: ModelSource,
  kind: new (...args: never[]) => Error,
  message: string | RegExp,
  options = {},
): Promise<void> {
  const [tensors, variables] = [tf.memory().numTensors, registered()];
  await rejects(loadModel(source, options), kind, message);
  assert.is(tf.memory().numTensors, tensors, "tensors");
  assert.is(registered(), variables, "variables");
}

test.before(async () => {
  await tf.setBackend("cpu");
});
test.after(() => rmSync(folder, { recursive: true }));

function output(model: tf.LayersModel): number[] {
  return tf.tidy(() => {
    const xs = model.inputs.map(({ shape }) => tf.ones(shape.map((n) => n ?? 1)));
    return [...([model.predict(xs)].flat()[0] as tf.Tensor).dataSync()];
  });
}

test("a model is the same from a path, URL, bytes, buffer, Blob, File, files, and its JSON with the weights beside it", async () => {
  const bytes = bytesOf("unet.keras");
  writeFileSync(join(folder, "apart.json"), config);
  writeFileSync(join(folder, "apart.weights.h5"), members["model.weights.h5"] as Uint8Array);
  const file = new File([bytes], "unet.keras");
  const sources: [ModelSource, object?][] = [
    [`${golden}unet.keras`],
    [pathToFileURL(`${golden}unet.keras`)],
    [pathToFileURL(`${golden}unet.keras`).href],
    [bytes],
    [bytes.buffer],
    [new Uint8Array([0, ...bytes]).subarray(1)],
    [new Blob([bytes])],
    [file],
    [[file]],
    [join(folder, "apart.json")],
    [new TextEncoder().encode(config), { weights: members["model.weights.h5"] }],
  ];
  let first: number[] | undefined;
  for (const [source, options] of sources) {
    const before = tf.memory().numTensors;
    const model = await loadModel(source, options);
    const got = output(model);
    first ??= got;
    assert.equal(got, first);
    model.dispose();
    assert.is(tf.memory().numTensors, before);
  }
});

test("bytes that a caller gave may change afterwards: the model has its own", async () => {
  const bytes = bytesOf("gru_reset_after.h5");
  const model = await loadModel(bytes);
  const before = output(model);
  bytes.fill(0);
  assert.equal(output(model), before);
  model.dispose();
});

test("progress goes from above 0 to 1", async () => {
  const told: number[] = [];
  const model = await loadModel(bytesOf("unet.keras"), { onProgress: (fraction) => told.push(fraction) });
  assert.ok(told.length > 2 && (told[0] as number) > 0);
  assert.is(told.at(-1), 1);
  assert.equal(
    told,
    [...told].sort((a, b) => a - b),
  );
  model.dispose();
});

test("saveModel writes what loadModel reads, from a folder, its files and a handler, with names of their own in nested models", async () => {
  for (const name of [
    "shared_nested",
    "operations",
    "masked_functional",
    "encoder_decoder",
    "bidirectionals",
  ]) {
    const model = await loadModel(`${golden}${name}.keras`);
    const out = join(folder, name);
    const warn = console.warn;
    console.warn = () => {};
    await saveModel(model, out);
    console.warn = warn;
    const files = ["model.json", "weights.bin"].map(
      (file) => new File([readFileSync(join(out, file))], file),
    );
    for (const source of [out, join(out, "model.json"), files, tf.io.browserFiles(files)]) {
      // tfjs's own handler reads files as browsers do.
      if (!Array.isArray(source) && typeof source === "object" && typeof FileReader === "undefined") continue;
      const again = await loadModel(source);
      assert.equal(output(again), output(model), name);
      again.dispose();
    }
    model.dispose();
  }
});

test("inspectModel tells version, layers, shapes of weights, and everything that is not supported", async () => {
  const before = tf.memory().numTensors;
  const model = await inspectModel(bytesOf("unet.keras"));
  assert.is(tf.memory().numTensors, before);
  assert.is(model.version, "3.15.1");
  assert.is(model.format, ".keras archive");
  assert.equal(model.layers[1], {
    path: "conv2d",
    className: "Conv2D",
    weights: [[3, 3, 2, 4], [4]],
    unsupported: null,
  });
  const strange = await inspectModel(changed('"class_name": "Concatenate"', '"class_name": "MyOwn"'));
  assert.equal(
    strange.layers
      .filter((layer) => layer.unsupported !== null)
      .map(({ className, unsupported }) => [className, unsupported]),
    [["MyOwn", "this class of layers is not supported, or a class of one's own"]],
  );
});

test("inspectModel says what is not supported of operations and functions", async () => {
  const why = async (bytes: Uint8Array<ArrayBuffer>) =>
    (await inspectModel(bytes)).layers.map(({ unsupported }) => unsupported);
  assert.equal(await why(withOperation("Relu", {})), [null, null]);
  assert.equal(await why(withOperation("Relu", { slope: 1 })), [
    null,
    "its argument slope = 1 is not supported",
  ]);
  assert.equal(await why(withFunction("nn.relu", {})), [null, null]);
  assert.equal(await why(withFunction("nn.conv2d", {})), [null, 'its function "nn.conv2d" is not supported']);
});

test("a call with training = true is refused of Keras 2 alone: in Keras 3 predict goes before it", async () => {
  const training = /("class_name": "BatchNormalization".*?"kwargs": )\{[^}]*\}/;
  const bytes = changed(training, '$1{"training": true}');
  const model = await loadModel(bytes);
  model.dispose();
});

const cases: [string, () => ModelSource, new (...args: never[]) => Error, RegExp][] = [
  [
    "an empty file",
    () => new Uint8Array(0),
    ModelFormatError,
    /^loadModel: the bytes given: .*an empty file$/,
  ],
  [
    "a picture",
    () => Uint8Array.from([0x89, 0x50, 0x4e, 0x47]),
    ModelFormatError,
    /begins with 89 50 4e 47$/,
  ],
  ["JSON of something else", () => new TextEncoder().encode('{"a": 1}'), ModelFormatError, /its keys are a$/],
  [
    "a file that does not exist",
    () => join(folder, "none.keras"),
    ModelFormatError,
    /^loadModel: .*none\.keras does not exist$/,
  ],
  [
    "an archive without a configuration",
    () => makeZip({ "a.txt": "a" }),
    ModelFormatError,
    /expected config\.json in the archive, it has a\.txt$/,
  ],
  [
    "an archive without weights",
    () => makeZip({ "config.json": config }),
    ModelFormatError,
    /expected model\.weights\.h5 in the archive/,
  ],
  [
    "weights without a model",
    () => members["model.weights.h5"] as Uint8Array,
    ModelFormatError,
    /holds the weights of a model, and not its configuration/,
  ],
  [
    "a configuration without weights",
    () => new TextEncoder().encode(config),
    ModelFormatError,
    /expected them as the option weights/,
  ],
  [
    "a later Keras",
    () => archive({ "metadata.json": '{"keras_version": "4.1.0"}' }),
    ModelFormatError,
    /was written by Keras 4\.1\.0; this version reads files of Keras 2 and 3$/,
  ],
  [
    "a zip bomb that says its size",
    () => makeZip({ ...members, "model.weights.h5": new Uint8Array(2 ** 27) }),
    ModelFormatError,
    /says that it unpacks to 134217728 bytes, at most/,
  ],
  [
    "a zip bomb that does not",
    () => makeZip({ ...members, "model.weights.h5": new Uint8Array(2 ** 27) }, { "model.weights.h5": 1000 }),
    ModelFormatError,
    /model\.weights\.h5 cannot be unpacked: .*exceeds/,
  ],
  [
    "a configuration that is no JSON",
    () => archive({ "config.json": config.slice(0, -9) }),
    ModelFormatError,
    /config\.json: is not JSON/,
  ],
  [
    "Python code",
    () => changed('"class_name": "Concatenate"', '"class_name": "Lambda"'),
    UnsupportedLayerError,
    /layer concatenate \(Lambda, Keras 3\.15\.1\): it holds Python code, which is never run/,
  ],
  [
    "a class of one's own",
    () => changed('"class_name": "Concatenate"', '"class_name": "Mine"'),
    UnsupportedLayerError,
    /layer concatenate \(Mine, Keras 3\.15\.1\): this class of layers is not supported/,
  ],
  [
    "a model that is a Python class",
    () => changed('"class_name": "Functional"', '"class_name": "MyModel"'),
    UnsupportedLayerError,
    /the model is of class MyModel, a Python class/,
  ],
  [
    "an activation of one's own",
    () => changed('"activation": "relu"', '"activation": "mine"'),
    UnsupportedLayerError,
    /layer conv2d \(Conv2D, Keras 3\.15\.1\): its activation "mine" is not supported/,
  ],
  [
    "a class of one's own that is called as one of Keras's",
    () =>
      changed(
        /"module": "keras.layers", "class_name": "Concatenate"(.*?)"registered_name": null/,
        '"module": null, "class_name": "Concatenate"$1"registered_name": "mine>Concatenate"',
      ),
    UnsupportedLayerError,
    /layer concatenate \(.*>Concatenate, Keras 3\.15\.1\): this class of layers is not supported/,
  ],
  [
    "half precision",
    () => changed('"config": {"name": "float32"}', '"config": {"name": "mixed_float16"}'),
    UnsupportedLayerError,
    /\(\w+, Keras 3\.15\.1\): it computes in half precision \(dtype mixed_float16\)/,
  ],
  [
    "an operation's argument that is not known",
    () => withOperation("HardSigmoid", { slope: 2 }),
    UnsupportedLayerError,
    /layer op \(HardSigmoid, Keras 3\.15\.1\): its argument slope = 2 is not supported/,
  ],
  [
    "an operation's argument of a value that is not done",
    () => withOperation("Norm", { ord: "nuc", axis: [1, 2] }),
    UnsupportedLayerError,
    /layer op \(Norm, Keras 3\.15\.1\): Norm: over 2 axes, the order nuc is not supported/,
  ],
  [
    "an operation that is not done",
    () => withOperation("Cholesky", {}),
    UnsupportedLayerError,
    /layer op \(Cholesky, Keras 3\.15\.1\): this operation is not supported/,
  ],
  [
    "a cast to a type whose rounding is not done",
    () => withOperation("Cast", { dtype: "float16" }),
    UnsupportedLayerError,
    /layer op \(Cast, Keras 3\.15\.1\): Cast: expected dtype float32, .* got float16/,
  ],
  [
    "a function of TensorFlow that is not done",
    () => withFunction("linalg.cholesky", {}),
    UnsupportedLayerError,
    /layer op \(TFOpLambda, Keras 2\.15\.0\): its function "linalg\.cholesky" is not supported/,
  ],
  [
    "a function of TensorFlow with an argument that is not done",
    () => withFunction("math.cumsum", { axis: 1, exclusive: true }),
    UnsupportedLayerError,
    /layer op \(TFOpLambda, Keras 2\.15\.0\): expected exclusive to be false, got true/,
  ],
  [
    "an option that is not known",
    () => changed('"activation": "relu"', '"activation": "relu", "twist": 3'),
    UnsupportedLayerError,
    /layer conv2d .*its option twist = 3 is not supported$/,
  ],
  [
    "a weight of another shape",
    () => changed('"filters": 6', '"filters": 7'),
    ModelFormatError,
    /layers\/conv2d_1\/vars\/0 has shape \[3, 3, 4, 6\], layer conv2d_1 \(Conv2D\) takes its kernel as \[3, 3, 4, 7\]$/,
  ],
  [
    "a weight too few",
    () => changed('"use_bias": true', '"use_bias": false'),
    ModelFormatError,
    /layer conv2d \(Conv2D\) takes 1 weights, the file has 2 for it$/,
  ],
  [
    "a tensor of a layer that is not there",
    () => changed('"keras_history": ["conv2d", 0, 0]', '"keras_history": ["gone", 0, 0]'),
    ModelFormatError,
    /takes a tensor of "gone", no layer is called so$/,
  ],
  [
    "a circle",
    () => changed('"keras_history": ["input_layer", 0, 0]', '"keras_history": ["conv2d_1", 0, 0]'),
    ModelFormatError,
    /which waits for it$/,
  ],
  [
    "an option that is no number",
    () => changed('"filters": 6', '"filters": {"n": 6}'),
    ModelFormatError,
    /config\.json: layer conv2d_1 \(Conv2D\) cannot be made: expected filters to be a whole number above 0, got \{"n":6\}$/,
  ],
  [
    "an option that TensorFlow.js would take as it comes",
    () => changed(/"strides": \[1, 1\]/, '"strides": [0, 1]'),
    ModelFormatError,
    /layer conv2d \(Conv2D\) cannot be made: expected strides to be whole numbers above 0, got \[0,1\]$/,
  ],
  [
    "a layer that is called with nothing",
    () => changed(/("class_name": "Concatenate".*?"args": )\[.*?\], "kwargs"/, '$1[], "kwargs"'),
    ModelFormatError,
    /config\.json: the layer concatenate takes no tensor$/,
  ],
  [
    "JSON of a hundred thousand brackets",
    () => archive({ "config.json": "[".repeat(1e5) + "]".repeat(1e5) }),
    ModelFormatError,
    /config\.json: expected JSON nested at most 1000 deep, got 100000$/,
  ],
  [
    "a string without end",
    () => archive({ "config.json": `{"class_name": "${"x".repeat(1e7)}` }),
    ModelFormatError,
    /config\.json: is not JSON: Unterminated string/,
  ],
  [
    "a configuration that unpacks to much more than the archive",
    () => makeZip({ ...members, "config.json": `{"a": "${"x".repeat(2 ** 25)}"}` }),
    ModelFormatError,
    /config\.json says that it unpacks to \d+ bytes, at most \d+ are expected here$/,
  ],
  [
    "an operation that makes more than there is memory for",
    () => withOperation("Repeat", { repeats: 1e9, axis: 1 }),
    UnsupportedLayerError,
    /layer op \(Repeat, Keras 3\.15\.1\): it makes a tensor of \d+ elements, at most 134217728 are tried$/,
  ],
  [
    "a class that is called as what every object has",
    () => changed('"class_name": "Concatenate"', '"class_name": "constructor"'),
    UnsupportedLayerError,
    /layer concatenate \(constructor, Keras 3\.15\.1\): this class of layers is not supported/,
  ],
  [
    "nothing",
    () => null as unknown as string,
    Error,
    /^loadModel: expected a path, URL, bytes, .*, got null$/,
  ],
  [
    "a list of no files",
    () => [1] as unknown as File[],
    Error,
    /expected a list of files, got other things in it$/,
  ],
  [
    "what is no source",
    () => 3 as unknown as string,
    Error,
    /^loadModel: expected a path, URL, bytes, Blob, files or handler, got number$/,
  ],
];
for (const [what, source, kind, message] of cases) {
  test(`refused in one sentence, with nothing left behind: ${what}`, () =>
    failsClean(source(), kind, message));
}

test("what is no source is refused in the name of the function that was given it", async () => {
  for (const open of [inspectModel, loadGraphModel]) {
    const refused = await open(3 as unknown as string).catch((error: unknown) => error as Error);
    assert.instance(refused, ArgumentError);
    assert.is(
      (refused as Error).message,
      `${open.name}: expected a path, URL, bytes, Blob, files or handler, got number`,
    );
  }
});

/** Layers in a row, each of the one before it. */
function chain(names: readonly string[], output: string): Uint8Array<ArrayBuffer> {
  const tensor = (name: string) => ({
    class_name: "__keras_tensor__",
    config: { shape: [null, 4], dtype: "float32", keras_history: [name, 0, 0] },
  });
  const layers = names.map((name, i) => ({
    module: "keras.layers",
    class_name: "Activation",
    name,
    config: { name, activation: "relu", trainable: true },
    inbound_nodes: [{ args: [tensor(names[i - 1] ?? "x")], kwargs: {} }],
  }));
  const input = { batch_shape: [null, 4], dtype: "float32", name: "x" };
  const first = {
    module: "keras.layers",
    class_name: "InputLayer",
    name: "x",
    config: input,
    inbound_nodes: [],
  };
  const config = {
    name: "chain",
    layers: [...layers.reverse(), first],
    input_layers: [["x", 0, 0]],
    output_layers: [[output, 0, 0]],
  };
  return archive({ "config.json": JSON.stringify({ class_name: "Functional", config }) });
}

test("layers may stand in any order, and those that no output needs are not made", async () => {
  const names = Array.from({ length: 300 }, (_, i) => `a${i}`);
  const model = await loadModel(chain(names, "a250"));
  assert.equal(
    model.layers.map(({ name }) => name),
    ["x", ...names.slice(0, 251)],
  );
  model.dispose();
  await failsClean(
    chain(["toString", "b", "toString"], "b"),
    ModelFormatError,
    /config\.json: two layers are called toString$/,
  );
});

test("what an output does not need leaves no weights behind", async () => {
  const before = registered();
  const model = await loadModel(
    changed(
      /"output_layers": \[\["\w+", 0, 0\]\]|"output_layers": \["\w+", 0, 0\]/,
      '"output_layers": ["conv2d", 0, 0]',
    ),
  );
  model.dispose();
  assert.is(registered(), before);
});

test("what the caller's functions throw comes out as it is, and nothing is left", async () => {
  const [tensors, variables] = [tf.memory().numTensors, registered()];
  for (const at of [0, 1]) {
    const mine = new Error("mine");
    let caught: unknown;
    await loadModel(bytesOf("unet.keras"), {
      onProgress: (fraction) => {
        if (fraction >= at) throw mine;
      },
    }).catch((error: unknown) => {
      caught = error;
    });
    assert.is(caught, mine);
  }
  assert.equal([tf.memory().numTensors, registered()], [tensors, variables]);
});

test("a Buffer of Node is read, though its slices are no copies", async () => {
  const model = await loadModel(Buffer.from(bytesOf("unet.keras")));
  model.dispose();
});

test("over the network: progress of the way here, a signal, and in one sentence what went wrong", async () => {
  const bytes = bytesOf("unet.keras");
  const server = createServer((request, response) => {
    const { url } = request;
    if (url === "/stalls") return;
    if (url === "/breaks") {
      response.setHeader("content-length", bytes.length);
      response.write(bytes.subarray(0, 100));
      setTimeout(() => response.destroy(), 20);
      return;
    }
    response.setHeader("content-length", bytes.length);
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const told: number[] = [];
    (await loadModel(`${base}/model.keras`, { onProgress: (fraction) => told.push(fraction) })).dispose();
    assert.ok(told.some((fraction) => fraction > 0 && fraction <= 0.5));
    assert.is(told.at(-1), 1);
    assert.equal(
      told,
      [...told].sort((a, b) => a - b),
    );
    await failsClean(`${base}/breaks`, ModelFormatError, /\/breaks: cannot be fetched: terminated/);
    await failsClean("http://", ModelFormatError, /^loadModel: http:\/\/ is no URL that can be opened here$/);
    const reason = new Error("mine");
    await failsClean(`${base}/stalls`, Error, "mine", { signal: abortedIn(20, reason) });
    await failsClean(bytes, Error, "mine", { signal: AbortSignal.abort(reason) });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

function abortedIn(milliseconds: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), milliseconds);
  return controller.signal;
}

test("a pipe is refused, where opening it would wait for ever", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  await failsClean(pipe, ModelFormatError, /pipe cannot be read: it is neither a file nor a folder$/);
});

for (const name of ["unet.keras", "bidirectionals.h5", "masked_functional.h5"]) {
  test(`${name}, cut or with bits flipped anywhere, opens or is refused, soon, and leaves nothing`, async () => {
    const whole = bytesOf(name);
    const random = randomSource(5);
    const warn = console.warn;
    console.warn = () => {};
    for (let run = 0; run < 120; run++) {
      const bytes = Uint8Array.from(whole);
      for (let flips = 0; flips <= run % 3; flips++) {
        const at = Math.floor(random() * (run % 2 ? bytes.length : 8000)) % bytes.length;
        bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
      }
      const given = run % 4 === 3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
      const [tensors, variables] = [tf.memory().numTensors, registered()];
      try {
        (await loadModel(given)).dispose();
        // A .keras archive has checksums: what opens there had its flips outside of what is read.
      } catch (error) {
        const known = error instanceof ModelFormatError || error instanceof UnsupportedLayerError;
        assert.ok(known, `run ${run}: ${String((error as Error).stack)}`);
      }
      assert.is(tf.memory().numTensors, tensors, `run ${run}`);
      assert.is(registered(), variables, `run ${run}`);
    }
    console.warn = warn;
  });
}

test("the checksum in JavaScript is zlib's, whatever the length", () => {
  for (const length of [0, 1, 7, 8, 9, 1000, 4099]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 131) & 0xff);
    assert.is(slowCrc32(bytes), crc32(bytes));
  }
});

test("names that TensorFlow.js does not take are changed, and stay apart; inspectModel tells them as they are", async () => {
  for (const name of ["names.keras", "names.h5"]) {
    const model = await loadModel(golden + name);
    const inner = model.layers[1] as unknown as tf.LayersModel;
    assert.equal(model.inputNames, ["the_input"]);
    assert.equal(
      model.layers.map((layer) => layer.name),
      [
        "the_input",
        "inner_part",
        "a_conv",
        "a_conv_1",
        "sum_of_two",
        "both_ways",
        "u_ere",
        "the_output",
        "multiply",
      ],
    );
    assert.equal(
      inner.layers.slice(-2).map((layer) => layer.name),
      ["a_conv", "a_bn"],
    );
    model.dispose();
    const paths = (await inspectModel(golden + name)).layers.map(({ path }) => path);
    assert.ok(paths.includes("inner part/a conv") && paths.includes("äußere"), paths.join());
  }
});

test("an input of one number a sample takes them in a row or in a column", async () => {
  const model = await loadModel(`${golden}numbers.keras`);
  assert.equal(
    model.inputs.map(({ shape }) => shape),
    [
      [null, 4],
      [null, 1],
    ],
  );
  const x = tf.ones([3, 4]);
  const times = tf.tensor1d([1, 2, 5], "int32");
  const outputs = [times, tf.reshape(times, [3, 1])].map((t) =>
    (model.predict([x, t]) as tf.Tensor[]).map((y) => [...y.dataSync()]),
  );
  assert.equal(outputs[0], outputs[1]);
  model.dispose();
});

test.run();
