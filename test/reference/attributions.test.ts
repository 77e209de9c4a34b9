import type * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { UnsupportedLayerError } from "../../src/errors.js";
import { backends, withoutLeak } from "../support/backends.js";
import { inOwnWords, LATER } from "../support/recordedMethods.js";
import {
  buildRecorded,
  type RecordedCase,
  type RecordedModel,
  type RecordedTensor,
  readRecorded,
  referenceFiles,
  skipWithout,
  tensorOf,
  valuesOf,
} from "../support/reference.js";

const files = referenceFiles("attributions", ".json").filter(
  (name) => !name.includes(".part") && !name.startsWith("single_layer"),
);

/** The recorded relevance, one array an input; of a layer's map one array. */
function relevanceOf(recorded: RecordedModel, { relevance, sameAs }: RecordedCase): Float32Array[] {
  if (relevance === undefined) {
    return relevanceOf(recorded, recorded.cases.find(({ id }) => id === sameAs) as RecordedCase);
  }
  if ("data" in relevance && typeof relevance.data === "string")
    return [valuesOf(relevance as RecordedTensor) as Float32Array];
  const byInput = relevance as Record<string, RecordedTensor>;
  return Object.keys(byInput).map((name) => valuesOf(byInput[name]!) as Float32Array);
}

function explained(
  model: tf.LayersModel,
  inputs: tf.Tensor[],
  c: RecordedCase,
  { name, options }: { name: string; options: object },
): Float32Array[] {
  const analyzer = createAnalyzer(name, model, { ...options, neuronSelectionMode: c.neuronSelectionMode });
  const select = c.neuronSelectionMode === "index" ? { neuronSelection: c.neuronSelection! } : {};
  const explanation = analyzer.explain(inputs, select);
  const got = [explanation.relevance].flat().map((r) => (r as tf.Tensor).dataSync() as Float32Array);
  explanation.dispose();
  analyzer.dispose();
  return got;
}

/** Errors of iNNvestigate that are refusals of the method; its others are defects, where we have an answer. */
const refuses = ({ error }: RecordedCase) => error?.startsWith("NotAnalyzeableModelException") ?? false;

for (const file of files) {
  const recorded = readRecorded(file);
  const comparable = recorded.cases.filter((c) => !c.error && !c.unstable && inOwnWords(c) !== null);
  const later = recorded.cases.filter((c) => LATER.includes(c.analyzer)).length;
  for (const { backend, use } of backends.filter(({ backend }) => backend !== "wasm as it is")) {
    test(`${file}: ${comparable.length} recorded attributions are met within their tolerance, and none leaks; ${later} are of methods to come (${backend})`, async () => {
      await use();
      const model = buildRecorded(recorded);
      const inputs = Object.values(recorded.inputs).map(tensorOf);
      const missed: string[] = [];
      for (const c of comparable) {
        const own = inOwnWords(c)!;
        try {
          const got = withoutLeak(() => explained(model, inputs, c, own));
          assertMet(c, got, relevanceOf(recorded, c));
          if (c.signxaiName != null) {
            const named = explained(model, inputs, c, { name: c.signxaiName, options: {} });
            assertMet({ ...c, id: `${c.id} as ${c.signxaiName}` }, named, relevanceOf(recorded, c));
          }
        } catch (error) {
          missed.push(
            `${c.id} ${c.tool} ${JSON.stringify(own)} ${c.neuronSelectionMode}: ${(error as Error).message}`,
          );
        }
      }
      assert.is(missed.length, 0, `${missed.length} of ${comparable.length}:\n${missed.join("\n")}`);
      for (const c of recorded.cases.filter(refuses)) {
        assert.throws(
          () => explained(model, inputs, c, inOwnWords(c)!),
          (error: Error) => error instanceof UnsupportedLayerError && /layer "/.test(error.message),
          c.id,
        );
      }
    });
  }
}
if (files.length === 0) skipWithout("attributions recorded with iNNvestigate, zennit and captum");

/** max |got - want| <= tol * max(1e-6, max |want|), over all inputs together, as the recorded data defines it. */
function assertMet({ id, analyzer, tol }: RecordedCase, got: Float32Array[], want: Float32Array[]): void {
  let difference = 0;
  let scale = 1e-6;
  want.forEach((values, i) => {
    assert.is(got[i]!.length, values.length);
    values.forEach((v, j) => {
      difference = Math.max(difference, Math.abs(v - got[i]![j]!));
      scale = Math.max(scale, Math.abs(v));
    });
  });
  assert.ok(
    difference <= tol * scale,
    `${id} ${analyzer}: off by ${difference / scale} of the largest, allowed ${tol}`,
  );
}

test.run();
