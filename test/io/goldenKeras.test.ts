import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { UnsupportedLayerError } from "../../src/errors.js";
import { loadModel } from "../../src/io/index.js";
import { installKernels } from "../../src/kernels/index.js";
import "../support/backends.js";
import { type RecordedTensor, tensorOf, valuesOf } from "../support/reference.js";

/** Models that Keras 3 saved, and what it computes of them; make.py beside them says how. */
const folder = fileURLToPath(new URL("../golden/keras/", import.meta.url));

interface Recorded {
  inputs: RecordedTensor[];
  outputs: RecordedTensor[];
  /** Of the largest entry of the first output, summed over the samples, with respect to each float input. */
  gradients: RecordedTensor[];
}

function difference(got: tf.Tensor, want: RecordedTensor): number {
  assert.equal(got.shape, want.shape);
  const values = valuesOf(want);
  const found = got.dataSync();
  let [largest, off] = [1e-5, 0];
  for (let i = 0; i < values.length; i++) {
    largest = Math.max(largest, Math.abs(values[i] as number));
    const gap = Math.abs((found[i] as number) - (values[i] as number));
    if (!(gap <= off)) off = gap;
  }
  return off / largest;
}

/** The gradient, for each float input, of each sample's largest entry of the first output. */
function gradients(model: tf.LayersModel, xs: tf.Tensor[]): tf.Tensor[] {
  const floats = xs.flatMap((x, i) => (x.dtype === "float32" ? [i] : []));
  const largest = (...given: tf.Tensor[]) => {
    const all = xs.map((x, i) => given[floats.indexOf(i)] ?? x);
    const [y] = [model.apply(all.length === 1 ? (all[0] as tf.Tensor) : all)].flat() as [tf.Tensor];
    return tf.sum(tf.max(tf.reshape(y, [y.shape[0] as number, -1]), 1)) as tf.Scalar;
  };
  return tf.grads(largest)(floats.map((i) => xs[i] as tf.Tensor));
}

/** The same by our own engine, or null where it refuses a layer by name (a mask, tokens). */
function explained(model: tf.LayersModel, xs: tf.Tensor[]): tf.Tensor[] | null {
  try {
    const options = { disableModelChecks: true, ...(model.outputs.length > 1 ? { output: 0 } : {}) };
    const analyzer = createAnalyzer("gradient", model, options);
    const found = [analyzer.analyze(xs.length === 1 ? (xs[0] as tf.Tensor) : xs)].flat() as tf.Tensor[];
    return found.filter((_, i) => xs[i]?.dtype === "float32");
  } catch (error) {
    if (error instanceof UnsupportedLayerError) return null;
    throw error;
  }
}

for (const name of readdirSync(folder).flatMap((file) =>
  file.endsWith(".json") ? [file.slice(0, -5)] : [],
)) {
  for (const ending of [".keras", ".h5", ".keras2.h5"]) {
    if (!existsSync(folder + name + ending)) continue;
    for (const backend of ["cpu", "wasm"]) {
      test(`${name}${ending}: outputs within 1e-5 and gradients within 1e-4 of Keras's, the tape's and our own, and nothing left (${backend})`, async () => {
        await tf.setBackend(backend);
        if (backend === "wasm") installKernels();
        const ref = JSON.parse(readFileSync(`${folder}${name}.json`, "utf8")) as Recorded;
        const before = tf.memory().numTensors;
        const model = await loadModel(folder + name + ending);
        tf.tidy(() => {
          const xs = ref.inputs.map(tensorOf);
          const ys = [model.predict(xs)].flat();
          assert.is(ys.length, ref.outputs.length);
          for (const [i, y] of ys.entries())
            assert.ok(difference(y, ref.outputs[i] as RecordedTensor) < 1e-5, `output ${i}`);
          if (ref.gradients.length === 0) return;
          for (const [i, g] of gradients(model, xs).entries()) {
            assert.ok(difference(g, ref.gradients[i] as RecordedTensor) < 1e-4, `gradient ${i}`);
          }
          for (const [i, g] of (explained(model, xs) ?? []).entries())
            assert.ok(difference(g, ref.gradients[i] as RecordedTensor) < 1e-4, `explained gradient ${i}`);
        });
        model.dispose();
        assert.is(tf.memory().numTensors, before);
      });
    }
  }
}

test.run();
