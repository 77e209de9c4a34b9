import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ArgumentError,
  extractConv2dPatches,
  GraphError,
  gather,
  gatherNd,
  gradients,
  isNotFinite,
  modelFromArtifacts,
  ShapeError,
  toFloatX,
} from "../../src/index.js";
import { randomArray } from "../support/arrays.js";
import { backends, withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";

await tf.setBackend("wasm");

const random = (shape: number[], seed: number) => tf.tensor(randomArray(shape, "float32", seed).data, shape);

const rows = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);

/** A model as it comes back from being saved. */
async function reloaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    }),
  );
  return modelFromArtifacts(saved as Parameters<typeof modelFromArtifacts>[0]);
}

interface Case {
  what: string;
  /** Symbolic inputs to symbolic outputs. */
  build: (...xs: tf.SymbolicTensor[]) => tf.SymbolicTensor;
  eager: (...xs: tf.Tensor[]) => tf.Tensor;
  inputs: { shape: (number | null)[]; dtype?: tf.DataType; values: tf.Tensor }[];
  dtype?: tf.DataType;
}

const cases = (): Case[] => [
  {
    what: "extractConv2dPatches",
    build: (x) => extractConv2dPatches(x!, [3, 2], [2, 1], [1, 1], "same"),
    eager: (x) => extractConv2dPatches(x!, [3, 2], [2, 1], [1, 1], "same"),
    inputs: [{ shape: [null, 5, 6, 2], values: random([2, 5, 6, 2], 1) }],
  },
  {
    what: "gather with constant indices",
    build: (x) => gather(x!, -1, [2, 0, 2]),
    eager: (x) => gather(x!, -1, [2, 0, 2]),
    inputs: [{ shape: [null, 4, 3], values: random([2, 4, 3], 2) }],
  },
  {
    what: "gather with symbolic indices from constant rows",
    build: (i) => gather(rows, 0, i!),
    eager: (i) => gather(rows, 0, i!),
    inputs: [
      {
        shape: [null, 3],
        dtype: "int32",
        values: tf.tensor2d(
          [
            [0, 1, 2],
            [2, 2, 0],
          ],
          [2, 3],
          "int32",
        ),
      },
    ],
  },
  {
    what: "gatherNd",
    build: (x) =>
      gatherNd(x!, [
        [0, 1],
        [1, 2],
      ]),
    eager: (x) =>
      gatherNd(x!, [
        [0, 1],
        [1, 2],
      ]),
    inputs: [{ shape: [null, 3, 2], values: random([2, 3, 2], 3) }],
  },
  {
    what: "toFloatX",
    build: (x) => toFloatX(x!),
    eager: (x) => toFloatX(x!),
    inputs: [{ shape: [null, 3], dtype: "int32", values: tf.tensor2d([[1, 2, 3]], [1, 3], "int32") }],
  },
  {
    what: "isNotFinite",
    build: (x) => isNotFinite(x!),
    eager: (x) => isNotFinite(x!),
    inputs: [{ shape: [null, 3], values: tf.tensor2d([[1, Number.NaN, Number.POSITIVE_INFINITY]]) }],
    dtype: "bool",
  },
];

for (const { backend, use } of backends) {
  for (const { what } of cases()) {
    test(`${what} inside a model gives what it gives for tensors, also when the model was saved and loaded (${backend})`, async () => {
      await use();
      const { build, eager, inputs, dtype } = cases().find((c) => c.what === what)!;
      const before = tf.memory().numTensors;
      const xs = inputs.map(({ shape, dtype: d = "float32" }) => tf.input({ batchShape: shape, dtype: d }));
      const y = build(...xs);
      if (dtype) assert.is(y.dtype, dtype);
      const model = tf.model({ inputs: xs, outputs: y });
      const loaded = await reloaded(model);
      withoutLeak(() =>
        tf.tidy(() => {
          const values = inputs.map((input) => input.values);
          const want = eager(...values);
          assert.equal(
            y.shape.map((n, i) => n ?? want.shape[i]),
            want.shape,
          );
          for (const m of [model, loaded]) {
            const got = m.apply(values.length === 1 ? values[0]! : values) as tf.Tensor;
            assert.equal([got.shape, got.dtype], [want.shape, want.dtype]);
            assert.equal([...got.dataSync()], [...want.dataSync()]);
          }
        }),
      );
      model.dispose();
      loaded.dispose();
      assert.is(tf.memory().numTensors, before);
    });
  }

  test(`symbolic gradients are the tape's, for inputs and inner tensors, saved and loaded (${backend})`, async () => {
    await use();
    const before = tf.memory().numTensors;
    const a = tf.input({ shape: [4], name: `a_${backend.length}` });
    const b = tf.input({ shape: [3] });
    const dense = tf.layers.dense({ units: 3, activation: "tanh", useBias: true });
    const h = dense.apply(a) as tf.SymbolicTensor;
    const y = tf.layers.multiply().apply([h, b]) as tf.SymbolicTensor;
    const dy = tf.input({ shape: [3] });
    const [da, db] = gradients([a, b], y, dy) as [tf.SymbolicTensor, tf.SymbolicTensor];
    // h is a leaf: nothing flows on to a. What y needs besides, b, is an input of the layer.
    const [dh] = gradients(h, [y], [dy]) as [tf.SymbolicTensor];
    assert.equal(
      [da.shape, db.shape, dh.shape],
      [
        [null, 4],
        [null, 3],
        [null, 3],
      ],
    );
    const model = tf.model({ inputs: [a, b, dy], outputs: [y, da, db, dh] });
    const loaded = await reloaded(model);
    assert.is(dense.inboundNodes.length, 1);
    withoutLeak(() =>
      tf.tidy(() => {
        const [va, vb, vd] = [random([2, 4], 1), random([2, 3], 2), random([2, 3], 3)];
        const forward = (p: tf.Tensor, q: tf.Tensor) => tf.mul(dense.apply(p) as tf.Tensor, q);
        const [wa, wb] = tf.grads((p, q) => forward(p!, q!))([va, vb], vd);
        const wants = [forward(va, vb), wa!, wb!, tf.mul(vb, vd)];
        for (const m of [model, loaded]) {
          const got = m.apply([va, vb, vd]) as tf.Tensor[];
          wants.forEach((want, i) => {
            assert.equal(got[i]!.shape, want.shape);
            want.dataSync().forEach((v, k) => assert.ok(Math.abs(v - got[i]!.dataSync()[k]!) < 1e-5));
          });
        }
      }),
    );
    model.dispose();
    loaded.dispose();
    assert.is(tf.memory().numTensors, before);
  });
}

test("symbolic gradients train what they share, and go through nested models", () => {
  const before = tf.memory().numTensors;
  const inner = tf.sequential({
    layers: [tf.layers.dense({ units: 2, inputShape: [3], kernelInitializer: "ones" })],
  });
  const x = tf.input({ shape: [3] });
  const y = inner.apply(x) as tf.SymbolicTensor;
  const [dx] = gradients(x, y, tf.input({ shape: [2] })) as [tf.SymbolicTensor];
  const model = tf.model({ inputs: [x, dx.inputs[1] as tf.SymbolicTensor], outputs: [y, dx] });
  tf.tidy(() => {
    inner.setWeights([tf.fill([3, 2], 5), tf.zeros([2])]);
    const [, gradient] = model.apply([tf.zeros([1, 3]), tf.ones([1, 2])]) as tf.Tensor[];
    assert.equal([...gradient!.dataSync()], [10, 10, 10]);
  });
  model.dispose();
  assert.is(tf.memory().numTensors, before);
});

test("symbolic gradients refuse what they cannot do", () => {
  const [a, b] = [tf.input({ shape: [3], name: "left" }), tf.input({ shape: [3], name: "right" })];
  const y = tf.layers.reLU().apply(a) as tf.SymbolicTensor;
  throws(
    () => gradients(b, y, y),
    GraphError,
    'gradients: no y depends on the tensor "right" of shape [, 3]',
  );
  throws(() => gradients(a, y, []), ArgumentError, "gradients: expected one knownY for each of 1 ys, got 0");
  throws(
    () => gradients(a, y, tf.input({ shape: [4] })),
    ShapeError,
    "gradients: knownYs[0] has shape [, 4], its y has [, 3]",
  );
  const [zeros] = gradients([b], y, y, { unconnected: "zero" }) as [tf.SymbolicTensor];
  const model = tf.model({ inputs: b, outputs: zeros });
  tf.tidy(() =>
    assert.equal(
      [...(model.apply(tf.tensor2d([[1, Number.POSITIVE_INFINITY, 2]])) as tf.Tensor).dataSync()],
      [0, 0, 0],
    ),
  );
});

test.run();
