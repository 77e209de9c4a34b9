import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { trace } from "../../src/graph/trace.js";
import { lower, runBackward, runForward } from "../../src/reverse/index.js";
import { namedRule, type RuleSpec } from "../../src/rules/index.js";
import { backends } from "../support/backends.js";
import {
  buildRecorded,
  type RecordedLayer,
  type RecordedTensor,
  referencePath,
  skipWithout,
  tensorOf,
} from "../support/reference.js";

interface RuleCase {
  id: string;
  tool: string;
  rule: string;
  kwargs: Record<string, unknown>;
  relevance: RecordedTensor;
  tol: number;
}

const path = referencePath("attributions/single_layer_rules.json");
const { layers } = (path === null ? { layers: [] } : JSON.parse(readFileSync(path, "utf8"))) as {
  layers: {
    layer: RecordedLayer;
    input: RecordedTensor;
    output: RecordedTensor;
    relevanceOut: RecordedTensor;
    cases: RuleCase[];
  }[];
};

function ruleOf({ tool, rule, kwargs }: RuleCase) {
  const { zero_params, ...own } = kwargs;
  // zennit's z^B drops the bias in any case.
  const name = rule === "ZBox" ? "Bounded" : rule;
  const bias = zero_params !== undefined && name !== "Bounded" ? { bias: false } : {};
  const withBias = tool === "zennit" && name === "ZPlus" && zero_params === undefined ? { bias: true } : {};
  return namedRule("test", { rule: name, ...own, ...bias, ...withBias } as RuleSpec, {
    zennit: tool === "zennit",
  });
}

for (const { layer, input, output, relevanceOut, cases } of layers) {
  for (const { backend, use } of backends) {
    test(`${layer.name}: ${cases.length} recorded relevances of single rules are met within their tolerance (${backend})`, async () => {
      await use();
      const model = buildRecorded({
        model: {
          layers: [
            {
              name: "input",
              className: "InputLayer",
              config: { batchInputShape: [null, ...input.shape.slice(1)], dtype: "float32" },
              inbound: [],
              weights: [],
            },
            { ...layer, inbound: ["input"] },
          ],
        },
        inputs: { input },
        output,
        cases: [],
      });
      const program = lower("test", trace(model));
      for (const c of cases) {
        tf.tidy(() => {
          const values = runForward("test", program, [tensorOf(input)]);
          const rules = program.steps.map(({ kind }) =>
            kind === "reshape"
              ? ({ kind: "gradient" } as const)
              : ({ kind: "shares", shares: ruleOf(c) } as const),
          );
          const head = new Map([[program.outputs[0]!, tensorOf(relevanceOut)]]);
          const got = runBackward("test", program, values, head, rules).inputs[0]!.dataSync();
          const want = [...tensorOf(c.relevance).dataSync()];
          const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-6);
          const off = want.reduce((m, v, i) => Math.max(m, Math.abs(v - got[i]!)), 0);
          assert.ok(
            off <= c.tol * largest,
            `${c.id} ${c.rule} ${JSON.stringify(c.kwargs)}: off by ${off / largest}`,
          );
        });
      }
      model.dispose();
    });
  }
}
if (path === null) skipWithout("relevances recorded of single rules");

test.run();
