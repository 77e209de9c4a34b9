import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ModelFormatError } from "../../src/errors.js";
import { type LayersModelArtifacts, modelFromArtifacts } from "../../src/io/modelFromArtifacts.js";
import { convNet, nestedNet, sharedNet } from "../support/models.js";
import { throws } from "../support/throws.js";

type Json = Record<string, never>;

async function artifactsOf(model: tf.LayersModel): Promise<LayersModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    }),
  );
  const { modelTopology = {}, weightSpecs = [], weightData = new ArrayBuffer() } = saved ?? {};
  return {
    modelTopology: structuredClone(modelTopology),
    weightSpecs,
    weightData: tf.io.CompositeArrayBuffer.join(weightData),
  };
}

function recurrentNet(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.lstm({ units: 8, inputShape: [4, 3], returnSequences: true }),
      tf.layers.bidirectional({ layer: tf.layers.gru({ units: 3 }) as tf.RNN, mergeMode: "concat" }),
      tf.layers.dense({ units: 2 }),
    ],
  });
}

/** Runs `load`, which must fail, and checks that neither tensors nor registered variables are left. */
function failsWithoutLeak(load: () => unknown, message: string | RegExp): void {
  const tensors = tf.memory().numTensors;
  const variables = Object.keys(tf.engine().registeredVariables).length;
  throws(load, ModelFormatError, message);
  assert.is(tf.memory().numTensors, tensors, "tensors");
  assert.is(Object.keys(tf.engine().registeredVariables).length, variables, "variables");
}

for (const [name, make] of Object.entries({ convNet, nestedNet, sharedNet, recurrentNet })) {
  test(`a model is built with its weights and its configuration, as it was saved: ${name}`, async () => {
    const model = make();
    const artifacts = await artifactsOf(model);
    const before = tf.memory().numTensors;
    const built = modelFromArtifacts(structuredClone(artifacts));
    assert.is(tf.memory().numTensors - before, new Set(built.weights).size, "nothing but the weights");
    assert.equal(built.toJSON(null, false), model.toJSON(null, false));
    assert.is(built.weights.length, model.weights.length);
    const xs = model.inputs.map((input) => tf.randomUniform([2, ...(input.shape.slice(1) as number[])]));
    const results = [model, built].map((m) => [m.predict(xs)].flat().map((y) => [...y.dataSync()]));
    assert.equal(results[1], results[0]);
    built.dispose();
    assert.ok(model.weights.every((weight) => !weight.read().isDisposed));
  });
}

for (const [name, make] of Object.entries({
  "a layer called twice": sharedNet,
  "a model called twice": () => {
    const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })];
    const inner = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] })] });
    const apply = (x: tf.SymbolicTensor) => inner.apply(x) as tf.SymbolicTensor;
    return tf.model({
      inputs: [a, b],
      outputs: tf.layers.add().apply([apply(a), apply(b)]) as tf.SymbolicTensor,
    });
  },
  "dropout in recurrent layers": () =>
    tf.sequential({
      layers: [
        tf.layers.lstm({
          units: 3,
          inputShape: [4, 2],
          dropout: 0.5,
          recurrentDropout: 0.5,
          returnSequences: true,
        }),
        tf.layers.bidirectional({ layer: tf.layers.gru({ units: 3, dropout: 0.5 }) as tf.RNN }),
      ],
    }),
})) {
  test(`disposing a model frees all of it: ${name}`, async () => {
    const artifacts = await artifactsOf(make());
    const before = tf.memory().numTensors;
    const model = modelFromArtifacts(artifacts);
    tf.tidy(() => {
      model.predict(model.inputs.map(({ shape }) => tf.ones([2, ...(shape.slice(1) as number[])])));
    });
    model.dispose();
    assert.is(tf.memory().numTensors, before);
  });
}

test("initializers are not run: the orthogonal ones of large recurrent layers take long, and warn", async () => {
  const warnings: unknown[] = [];
  const warn = console.warn;
  console.warn = (message: unknown) => warnings.push(message);
  try {
    const artifacts = await artifactsOf(
      tf.sequential({ layers: [tf.layers.gru({ units: 30, inputShape: [2, 1] })] }),
    );
    assert.is(warnings.length, 1);
    const model = modelFromArtifacts(artifacts);
    assert.is(warnings.length, 1);
    assert.is(
      (model.layers[0]!.getConfig().recurrentInitializer as { className: string }).className,
      "Orthogonal",
    );
  } finally {
    console.warn = warn;
  }
});

test("weights of an optimizer are passed over, and quantized weights are read", () => {
  const modelTopology = tf
    .sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2], useBias: false, name: "d" })] })
    .toJSON(null, false) as unknown as object;
  const model = modelFromArtifacts({
    modelTopology,
    weightSpecs: [
      {
        name: "d/kernel",
        shape: [2, 1],
        dtype: "float32",
        quantization: { dtype: "uint8", min: -1, scale: 0.5 },
      },
      { name: "d/kernel/momentum", shape: [1], dtype: "float32", group: "optimizer" },
    ],
    weightData: Uint8Array.from([0, 4, 0, 0, 0, 0]).buffer,
  });
  assert.equal([...(model.weights[0]?.read().dataSync() ?? [])], [-1, 1]);
});

test("user-defined metadata are kept", async () => {
  const model = modelFromArtifacts({
    ...(await artifactsOf(convNet())),
    userDefinedMetadata: { labels: ["a", "b"] },
  });
  assert.equal(model.getUserDefinedMetadata(), { labels: ["a", "b"] });
});

/** convNet's artifacts with a change in its topology; the model itself is disposed. */
async function changed(change: (topology: { class_name: string; config: { layers: Json[] } }) => void) {
  const model = convNet();
  const artifacts = await artifactsOf(model);
  model.dispose();
  change(artifacts.modelTopology as Parameters<typeof change>[0]);
  return artifacts;
}

test("a layer of an unknown class is named, and the layers before it are freed", async () => {
  const artifacts = await changed((t) =>
    Object.assign(t.config.layers.at(-1) as Json, { class_name: "Mystery" }),
  );
  failsWithoutLeak(
    () => modelFromArtifacts(artifacts),
    /^TensorFlow\.js cannot build the model: Unknown layer: Mystery\. /,
  );
});

test("a layer whose configuration TensorFlow.js refuses fails with what it says, and nothing stays", async () => {
  const artifacts = await changed((t) => {
    Object.assign((t.config.layers.at(-1) as unknown as { config: object }).config, {
      activation: "mystery",
    });
  });
  failsWithoutLeak(
    () => modelFromArtifacts(artifacts),
    /cannot build the model: Unknown activation: mystery/,
  );
});

test("a weight of the wrong shape is named with both shapes", async () => {
  const { weightSpecs, ...rest } = await changed(() => {});
  const specs = weightSpecs.map((spec, i) =>
    i === 0 ? { ...spec, shape: [...spec.shape].reverse() } : spec,
  );
  const [first] = weightSpecs;
  failsWithoutLeak(
    () => modelFromArtifacts({ ...rest, weightSpecs: specs }),
    `weight ${first?.name} has shape [${specs[0]?.shape.join(", ")}], its layer takes [${first?.shape.join(", ")}]`,
  );
});

test("weights that the model does not have, or that are missing, are refused", async () => {
  const { weightSpecs, ...rest } = await changed(() => {});
  const renamed = weightSpecs.map((spec, i) => (i === 1 ? { ...spec, name: "other/bias" } : spec));
  failsWithoutLeak(
    () => modelFromArtifacts({ ...rest, weightSpecs: renamed }),
    "TensorFlow.js cannot build the model: Provided weight data has no target variable: other/bias",
  );
  failsWithoutLeak(
    () => modelFromArtifacts({ ...rest, weightSpecs: weightSpecs.slice(0, 1) }),
    /cannot build the model: \d+ of \d+ weights are not set: /,
  );
  failsWithoutLeak(
    () => modelFromArtifacts({ ...rest, weightSpecs, weightData: new ArrayBuffer(8) }),
    /^TensorFlow\.js cannot build the model: /,
  );
});

test("layers that wait for one that is not there, or for each other, are refused: TensorFlow.js would wait for ever", async () => {
  type Node = [string, number, number, object][];
  type Layers = { name: string; inbound_nodes: Node[] }[];
  const changes: ((layers: Layers) => void)[] = [
    (layers) => layers.shift(),
    (layers) => {
      const last = layers.at(-1) as Layers[number];
      last.inbound_nodes = [[[last.name, 0, 0, {}]]];
    },
  ];
  for (const change of changes) {
    const { modelTopology, ...rest } = await artifactsOf(sharedNet());
    const topology = structuredClone(modelTopology) as { config: { layers: Layers } };
    change(topology.config.layers);
    failsWithoutLeak(
      () => modelFromArtifacts({ modelTopology: topology, ...rest }),
      /^the layers of \S+ wait for each other, or for one that is not there$/,
    );
  }
});

test("an initializer whose numbers are none is refused: TensorFlow.js would draw for ever", async () => {
  const { modelTopology, ...rest } = await artifactsOf(sharedNet());
  const text = JSON.stringify(modelTopology).replace(/"scale":[^,]+/, '"scale":"x"');
  failsWithoutLeak(
    () => modelFromArtifacts({ modelTopology: JSON.parse(text) as object, ...rest }),
    /^layer \S+: expected scale of its \w+Initializer to be a number, got "x"$/,
  );
});

test("a topology that is no model's is refused", () => {
  const rest = { weightSpecs: [], weightData: new ArrayBuffer() };
  failsWithoutLeak(
    () => modelFromArtifacts({ modelTopology: {}, ...rest }),
    "expected a topology with class_name Sequential, Model or Functional and a config, got class_name nothing",
  );
  failsWithoutLeak(
    () => modelFromArtifacts({ modelTopology: { class_name: "toString", config: {} }, ...rest }),
    /got class_name toString/,
  );
  failsWithoutLeak(
    () => modelFromArtifacts({ modelTopology: { class_name: "Dense", config: { units: 1 } }, ...rest }),
    "expected the topology of a model, got that of a layer of class Dense",
  );
});

test("a failure leaves the variables that others made", async () => {
  const mine = tf.variable(tf.scalar(3), true, "conv1/kernel_of_mine");
  const artifacts = await changed((t) =>
    Object.assign(t.config.layers.at(-1) as Json, { class_name: "Mystery" }),
  );
  throws(() => modelFromArtifacts(artifacts), ModelFormatError, /Mystery/);
  assert.equal([...mine.dataSync()], [3]);
});

test.before(async () => {
  await tf.setBackend("cpu");
});

test.run();
