import type * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer, listAnalyzers } from "../../src/analyzers/index.js";
import { UnsupportedLayerError } from "../../src/errors.js";
import { backends, withoutLeak } from "../support/backends.js";
import {
  buildRecorded,
  type RecordedCase,
  type RecordedModel,
  readRecorded,
  referenceFiles,
  skipWithout,
  tensorOf,
  valuesOf,
} from "../support/reference.js";

/** Layers whose recorded cases are out of reach yet, and are refused by name. */
const REFUSED: Record<string, RegExp> = {
  "conv1d_series.json": /layer "\w+" \(\w*1D\)/,
  "depthwise_separable.json": /layer "\w+" \((Depthwise|Separable)Conv2D\)/,
  "embedding_dense.json": /layer "\w+" \(Embedding\) takes token numbers/,
};
/** Keyword arguments of the recorded tools that this library's methods have, in its own words. */
const OPTIONS = ["epsilon", "bias", "postprocess"];

const methods = listAnalyzers().map((method) => method.name);
const files = referenceFiles("attributions", ".json").filter(
  (name) => !name.includes(".part") && !name.startsWith("single_layer"),
);

/** Cases of our methods with options that we have, where the tool is right. */
function comparable({ analyzer, kwargs, error, defect, unstable }: RecordedCase): boolean {
  return (
    methods.includes(analyzer) &&
    Object.keys(kwargs).every((k) => OPTIONS.includes(k)) &&
    !error &&
    !defect &&
    !unstable
  );
}

function relevanceOf(recorded: RecordedModel, { relevance, sameAs }: RecordedCase): Float32Array[] {
  const found = relevance ?? recorded.cases.find(({ id }) => id === sameAs)!.relevance!;
  return Object.keys(recorded.inputs).map((name) => valuesOf(found[name]!) as Float32Array);
}

for (const file of files) {
  const recorded = readRecorded(file);
  const cases = recorded.cases.filter(comparable);
  for (const { backend, use } of backends.filter(({ backend }) => backend !== "wasm as it is")) {
    test(`${file}: ${cases.length} recorded attributions are met within their tolerance, and none leaks (${backend})`, async () => {
      await use();
      const model = buildRecorded(recorded);
      const inputs = Object.values(recorded.inputs).map(tensorOf);
      let met = 0;
      for (const c of cases) {
        const options = { ...c.kwargs, neuronSelectionMode: c.neuronSelectionMode };
        const select = c.neuronSelectionMode === "index" ? { neuronSelection: c.neuronSelection! } : {};
        const refused = REFUSED[file];
        const explain = () => {
          const explanation = createAnalyzer(c.analyzer, model, options).explain(inputs, select);
          const got = (explanation.relevance as tf.Tensor[]).map((r) => r.dataSync() as Float32Array);
          explanation.dispose();
          return got;
        };
        if (refused) {
          // A method that can do the layer all the same must do it right.
          let got: Float32Array[] | null = null;
          try {
            got = withoutLeak(explain);
          } catch (error) {
            assert.instance(error, UnsupportedLayerError);
            assert.match((error as Error).message, refused);
          }
          if (got === null) continue;
          assertMet(c, got, relevanceOf(recorded, c));
        } else {
          assertMet(c, withoutLeak(explain), relevanceOf(recorded, c));
        }
        met++;
      }
      assert.ok(met > 0 || file in REFUSED);
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
