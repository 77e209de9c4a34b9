import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mergeBatchNormalization } from "../../src/graph/index.js";
import { withoutLeak } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";
import { untouched } from "../support/untouched.js";

await tf.setBackend("cpu");
const l = tf.layers;
type Layer = tf.layers.Layer;

const norm = (name = "norm", config = {}) => l.batchNormalization({ name, ...config });

function chain(shape: number[], ...layers: Layer[]): tf.LayersModel {
  const x = tf.input({ shape });
  const y = layers.reduce((t, layer) => layer.apply(t) as tf.SymbolicTensor, x);
  return withRandomWeights(tf.model({ inputs: x, outputs: y }), 11);
}

/** Merges, compares outputs on a batch of two, and tells what was merged into what, and what was kept. */
function merge(model: tf.LayersModel): { merged: string[]; kept: string[] } {
  return untouched(model, () =>
    withoutLeak(() => {
      const { model: copy, merged, kept } = mergeBatchNormalization(model);
      tf.tidy(() => {
        const xs = model.inputs.map((x, i) => randomTensor(x.shape.map((n) => n ?? 2) as number[], 5 + i));
        const run = (m: tf.LayersModel) =>
          xs[0]!.rank === 5 ? [volumes(m, xs[0]!)] : [m.predict(xs) as tf.Tensor | tf.Tensor[]].flat();
        const [want, got] = [run(model), run(copy)];
        for (const [i, y] of got.entries()) {
          const error = tf.max(tf.abs(tf.sub(y, want[i]!))).dataSync()[0]!;
          const largest = tf.max(tf.abs(want[i]!)).dataSync()[0]!;
          assert.ok(error <= 1e-5 * largest, `off by ${error} of ${largest}`);
        }
      });
      const left = copy.layers
        .filter((layer) => layer.getClassName() === "BatchNormalization")
        .map(({ name }) => name);
      assert.equal(left.sort(), kept.map(({ layer }) => layer).sort());
      copy.dispose();
      return {
        merged: merged.map(({ layer, into }) => `${layer} > ${into}`),
        kept: kept.map(({ reason }) => reason),
      };
    }),
  );
}

/** What a chain of layers gives for volumes, which tfjs's batch normalisation does not take: that one by its formula. */
function volumes(model: tf.LayersModel, x: tf.Tensor): tf.Tensor {
  return model.layers.slice(1).reduce((y, layer) => {
    if (layer.getClassName() !== "BatchNormalization") return layer.apply(y) as tf.Tensor;
    const [gamma, beta, mean, variance] = layer.getWeights() as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const normal = tf.div(tf.sub(y, mean), tf.sqrt(tf.add(variance, layer.getConfig().epsilon as number)));
    return tf.add(tf.mul(normal, gamma), beta);
  }, x);
}

const linear: Record<string, [shape: number[], make: (config: object) => Layer]> = {
  Dense: [[5], (c) => l.dense({ units: 4, name: "linear", ...c })],
  "Dense on a sequence": [[3, 5], (c) => l.dense({ units: 4, name: "linear", ...c })],
  Conv1D: [[8, 3], (c) => l.conv1d({ filters: 4, kernelSize: 3, name: "linear", ...c })],
  Conv2D: [[6, 6, 3], (c) => l.conv2d({ filters: 4, kernelSize: [3, 2], name: "linear", ...c })],
  Conv3D: [[4, 4, 4, 2], (c) => l.conv3d({ filters: 3, kernelSize: 2, name: "linear", ...c })],
  Conv2DTranspose: [
    [4, 4, 3],
    (c) => l.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, name: "linear", ...c }),
  ],
  Conv3DTranspose: [
    [3, 3, 3, 2],
    (c) => l.conv3dTranspose({ filters: 3, kernelSize: 2, name: "linear", ...c }) as Layer,
  ],
  DepthwiseConv2D: [
    [6, 6, 3],
    (c) => l.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, name: "linear", ...c }),
  ],
  SeparableConv2D: [
    [6, 6, 3],
    (c) => l.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2, name: "linear", ...c }),
  ],
};

for (const [name, [shape, make]] of Object.entries(linear)) {
  for (const useBias of [true, false]) {
    test(`a batch normalisation after a ${name} ${useBias ? "with" : "without"} bias goes into it`, () => {
      assert.equal(merge(chain(shape, make({ useBias }), norm(), l.reLU())), {
        merged: ["norm > linear"],
        kept: [],
      });
    });

    test(`a batch normalisation before a ${name} ${useBias ? "with" : "without"} bias goes into it, where it does not pad`, () => {
      const model = chain(shape, norm(), make({ useBias, activation: "tanh" }));
      const expected = name.endsWith("Transpose")
        ? {
            merged: [],
            kept: [
              `it stands on an input; "linear" (${name}) after it pads, where its offset does not reach`,
            ],
          }
        : { merged: ["norm > linear"], kept: [] };
      assert.equal(merge(model), expected);
    });
  }
}

test("a batch normalisation without offset goes into a transposed or padding convolution behind it", () => {
  for (const make of [
    () => l.conv2dTranspose({ filters: 2, kernelSize: 3, name: "linear" }),
    () => l.conv2d({ filters: 2, kernelSize: 3, padding: "same", name: "linear" }),
    () => l.separableConv2d({ filters: 2, kernelSize: 3, padding: "same", name: "linear" }),
  ]) {
    const model = chain([5, 5, 3], norm("norm", { center: false }), make());
    const layer = model.getLayer("norm");
    tf.tidy(() => {
      const [gamma, mean, variance] = layer.getWeights();
      layer.setWeights([gamma!, tf.zerosLike(mean!), variance!]);
    });
    assert.equal(merge(model).merged, ["norm > linear"]);
  }
});

test("kernels of one pixel see everything, whatever the padding", () => {
  const conv = l.conv2d({ filters: 2, kernelSize: 1, padding: "same", strides: 2, name: "linear" });
  assert.equal(merge(chain([5, 5, 3], norm(), conv)).merged, ["norm > linear"]);
  const up = l.conv2dTranspose({ filters: 2, kernelSize: 1, name: "linear" });
  assert.equal(merge(chain([5, 5, 3], norm(), up)).merged, ["norm > linear"]);
});

test("several in a row go into one layer, from either side, with and without scale and center", () => {
  const model = chain(
    [5, 5, 3],
    norm("n1", { scale: false }),
    norm("n2"),
    l.conv2d({ filters: 4, kernelSize: 3, name: "linear" }),
    norm("n3", { center: false }),
    norm("n4", { scale: false, center: false }),
  );
  const { merged, kept } = merge(model);
  assert.equal([merged.sort(), kept], [["n1 > linear", "n2 > linear", "n3 > linear", "n4 > linear"], []]);
});

test("what cannot be merged stays, and says why", () => {
  const reasons = (...layers: Layer[]) => merge(chain([6, 6, 2], ...layers)).kept;
  assert.equal(
    reasons(
      l.conv2d({ filters: 2, kernelSize: 3, activation: "relu", name: "c" }),
      norm(),
      l.flatten({ name: "f" }),
    ),
    [
      '"c" (Conv2D) before it has the activation relu; "f" (Flatten) after it is no linear layer with a kernel',
    ],
  );
  assert.equal(reasons(norm(), l.conv2d({ filters: 2, kernelSize: 3, padding: "same", name: "c" })), [
    'it stands on an input; "c" (Conv2D) after it pads, where its offset does not reach',
  ]);
  assert.equal(reasons(l.conv2d({ filters: 6, kernelSize: 1, name: "c" }), norm("norm", { axis: 1 })), [
    "along axis 1, which is not the last, TensorFlow.js 4.22 normalises wrongly on some backends",
  ]);
  const channelsFirst = l.conv2d({ filters: 2, kernelSize: 1, dataFormat: "channelsFirst", name: "c" });
  assert.equal(reasons(channelsFirst, norm()), [
    'it does not work on the channels of "c" (Conv2D) before it; nothing comes after it',
  ]);
});

test("a layer whose output goes elsewhere too, or is an output, keeps its batch normalisation", () => {
  const x = tf.input({ shape: [4] });
  const z = l.dense({ units: 4, name: "linear" }).apply(x) as tf.SymbolicTensor;
  const y = norm().apply(z) as tf.SymbolicTensor;
  const branching = withRandomWeights(
    tf.model({ inputs: x, outputs: l.add().apply([y, z]) as tf.SymbolicTensor }),
    3,
  );
  assert.equal(merge(branching).merged, []);
  assert.equal(merge(withRandomWeights(tf.model({ inputs: x, outputs: [y, z] }), 3)).merged, []);
  assert.equal(merge(withRandomWeights(tf.model({ inputs: x, outputs: y }), 3)).merged, ["norm > linear"]);
});

test("layers that are always called together merge once, also in nested models that are used twice", () => {
  const block = tf.sequential({
    name: "block",
    layers: [l.dense({ units: 4, name: "linear", inputShape: [4] }), norm(), l.reLU()],
  });
  const model = chain([4], block, block, l.dense({ units: 2 }));
  assert.equal(merge(model), { merged: ["block/norm > block/linear"], kept: [] });
  const shared = l.dense({ units: 4, name: "shared" });
  const { merged, kept } = merge(chain([4], shared, norm("a"), l.reLU(), shared, norm("b"), l.reLU()));
  assert.equal([merged, kept.length], [[], 2]);
});

test("the other layers share the model's weights, merged ones have their own; the copy saves and loads", async () => {
  const model = chain(
    [4],
    l.dense({ units: 4, name: "linear" }),
    norm(),
    l.dense({ units: 2, name: "last" }),
  );
  const { model: copy } = mergeBatchNormalization(model);
  assert.is(copy.getLayer("last").getWeights()[0]!.dataId, model.getLayer("last").getWeights()[0]!.dataId);
  assert.equal(
    copy.weights.map(({ originalName }) => originalName),
    ["linear/kernel", "linear/bias", "last/kernel", "last/bias"],
  );
  model.dispose();
  const x = randomTensor([2, 4], 3);
  const y = copy.predict(x) as tf.Tensor;
  let saved: tf.io.ModelArtifacts | undefined;
  await copy.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
  assert.equal([...(loaded.predict(x) as tf.Tensor).dataSync()], [...y.dataSync()]);
});

test.run();
