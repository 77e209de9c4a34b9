import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadModel } from "../../src/io/index.js";
import { nodesInOrder } from "../../src/layers/internals.js";
import { backends } from "../support/backends.js";
import { type RecordedTensor, referencePath, skipWithout, tensorOf, valuesOf } from "../support/reference.js";

interface Recorded {
  inputs: Record<string, RecordedTensor>;
  outputs: RecordedTensor[];
  layers: Record<string, { call: number[]; outputs: RecordedTensor[] }[]>;
  gradients: {
    output: number;
    target: "output" | "pre_softmax";
    index: number[];
    wrt: Record<string, RecordedTensor>;
  }[];
}

interface Operation {
  name: string;
  calls: { inbound: [string, number, number][] }[];
}

const folder = referencePath("keras");

/** The largest difference, as part of the largest magnitude. */
function difference(got: tf.Tensor, want: RecordedTensor): number {
  assert.equal(got.shape, want.shape);
  const values = valuesOf(want);
  const found = got.dataSync();
  let [largest, off] = [1e-30, 0];
  for (let i = 0; i < values.length; i++) {
    largest = Math.max(largest, Math.abs(values[i] as number));
    off = Math.max(off, Math.abs((found[i] as number) - (values[i] as number)));
  }
  return off / largest;
}

if (folder === null) skipWithout("Keras models of the reference");
for (const name of folder === null ? [] : readdirSync(folder)) {
  for (const file of ["model.keras", "model.h5"]) {
    const path = `${folder}/${name}/${file}`;
    if (!existsSync(path)) continue;
    const ref = JSON.parse(readFileSync(`${folder}/${name}/ref.json`, "utf8")) as Recorded;
    const meta = JSON.parse(readFileSync(`${folder}/${name}/meta.json`, "utf8")) as {
      name: string;
      layers_order: string[];
      operations: Operation[];
    };

    for (const { backend, use } of backends) {
      test(`${name}/${file} gives Keras's outputs, of the model and of every layer, on ${backend}`, async () => {
        await use();
        const before = tf.memory().numTensors;
        const model = await loadModel(path);
        tf.tidy(() => {
          const xs = Object.values(ref.inputs).map(tensorOf);
          const outputs = [model.predict(xs)].flat();
          for (const [i, output] of outputs.entries())
            assert.ok(difference(output, ref.outputs[i] as RecordedTensor) < 1e-5);
          for (const layer of model.layers) {
            const recorded = ref.layers[layer.name];
            if (recorded === undefined || layer.getClassName() === "InputLayer") continue;
            for (const [call, { outputs: want }] of recorded.entries()) {
              // A nested model's first node is its own making.
              const nested = "nodesByDepth" in layer ? 1 : 0;
              const y = [layer.getOutputAt(call + nested)].flat();
              const inner = tf.model({ inputs: model.inputs, outputs: y });
              const got = [inner.predict(xs)].flat();
              for (const [i, t] of got.entries()) {
                assert.ok(difference(t, want[i] as RecordedTensor) < 1e-5, `${layer.name}, call ${call}`);
              }
            }
          }
        });
        model.dispose();
        assert.is(tf.memory().numTensors, before);
      });
    }

    test(`${name}/${file} has Keras's names, in its order, and connections`, async () => {
      const model = await loadModel(path);
      assert.is(model.name, meta.name);
      assert.equal(
        model.layers.map((layer) => layer.name),
        meta.layers_order,
      );
      for (const layer of model.layers) {
        const { calls } = meta.operations.find((operation) => operation.name === layer.name) as Operation;
        const nodes = nodesInOrder(model as never)?.filter((node) => node.outboundLayer === layer) ?? [];
        assert.equal(
          nodes.map((node) => node.inboundLayers.map((inbound) => inbound.name)),
          calls.map(({ inbound }) => inbound.map(([from]) => from)),
          layer.name,
        );
      }
      model.dispose();
    });
  }
}

test.run();
