import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { modelWoSoftmax } from "../../src/graph/index.js";
import { loadModel } from "../../src/io/index.js";
import { backends } from "../support/backends.js";
import { type RecordedTensor, referencePath, skipWithout, tensorOf, valuesOf } from "../support/reference.js";

interface Recorded {
  inputs: Record<string, RecordedTensor>;
  gradients: {
    output: number;
    target: "output" | "pre_softmax";
    index: number[];
    wrt: Record<string, RecordedTensor>;
  }[];
}

const folder = referencePath("keras");
if (folder === null) skipWithout("gradients of Keras models");

for (const name of folder === null ? [] : readdirSync(folder)) {
  for (const file of ["model.keras", "model.h5"]) {
    const path = `${folder}/${name}/${file}`;
    if (!existsSync(path)) continue;
    const { inputs, gradients } = JSON.parse(readFileSync(`${folder}/${name}/ref.json`, "utf8")) as Recorded;
    for (const { backend, use } of backends) {
      // tfjs's own wasm lacks what most gradients need.
      if (backend === "wasm as it is") continue;
      test(`the gradients of ${name}/${file} are Keras's, of outputs and of logits (${backend})`, async () => {
        await use();
        const before = tf.memory().numTensors;
        const model = await loadModel(path);
        const logits = modelWoSoftmax(model, { shouldFindSoftmax: false });
        for (const { output, target, index, wrt } of gradients) {
          const [stop] = Object.keys(wrt).filter((x) => !(x in inputs));
          tf.tidy(() => {
            const analyzer = createAnalyzer("gradient", target === "output" ? model : logits, {
              disableModelChecks: true,
              ...(model.outputs.length > 1 ? { output } : {}),
              ...(stop === undefined ? {} : { stopAt: stop }),
            });
            const xs = Object.values(inputs).map(tensorOf);
            const found = [
              analyzer.analyze(xs.length === 1 ? xs[0]! : xs, { neuronSelection: index }),
            ].flat() as tf.Tensor[];
            Object.values(wrt).forEach((want, i) => {
              const [values, got] = [valuesOf(want), found[i]!.dataSync()];
              const scale = Math.max(1e-30, ...Array.from(values, Math.abs));
              values.forEach((v: number, k: number) =>
                // A half of the tolerance that the reference states.
                assert.ok(
                  Math.abs(v - got[k]!) <= 1e-4 * scale,
                  `${name} ${target} ${i}: ${got[k]}, Keras has ${v}`,
                ),
              );
            });
          });
        }
        logits.dispose();
        model.dispose();
        assert.is(tf.memory().numTensors, before);
      });
    }
  }
}

test.run();
