import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { trace } from "../../src/graph/trace.js";
import { type LinearRule, lower, type Share } from "../../src/reverse/index.js";
import { isLinear } from "../../src/reverse/linear.js";
import { applyLinearRule } from "../../src/reverse/rule.js";
import type { LinearStep } from "../../src/reverse/steps.js";
import { epsilonRule, zRule } from "../../src/rules/index.js";
import { backends } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";

/** Every linear kind with weights, and those without, as one-layer models. */
const layers: Record<string, { shapes: number[][]; make: () => tf.layers.Layer; weightless?: boolean }> = {
  dense: { shapes: [[5]], make: () => tf.layers.dense({ units: 4 }) },
  "dense on rows": { shapes: [[3, 5]], make: () => tf.layers.dense({ units: 2 }) },
  "conv2d valid": { shapes: [[5, 4, 2]], make: () => tf.layers.conv2d({ filters: 3, kernelSize: 3 }) },
  "conv2d same, stride 2": {
    shapes: [[5, 6, 2]],
    make: () => tf.layers.conv2d({ filters: 2, kernelSize: [3, 2], strides: 2, padding: "same" }),
  },
  "conv2d dilated": {
    shapes: [[6, 6, 1]],
    make: () => tf.layers.conv2d({ filters: 2, kernelSize: 2, dilationRate: 2, padding: "same" }),
  },
  "conv2d without bias": {
    shapes: [[4, 4, 2]],
    make: () => tf.layers.conv2d({ filters: 2, kernelSize: 2, useBias: false }),
  },
  "batch normalization": { shapes: [[3, 4]], make: () => tf.layers.batchNormalization({}) },
  "batch normalization without scale and center": {
    shapes: [[4]],
    make: () => tf.layers.batchNormalization({ scale: false, center: false }),
  },
  "average pooling same": {
    shapes: [[5, 5, 2]],
    make: () => tf.layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" }),
    weightless: true,
  },
  "global average pooling": {
    shapes: [[3, 4, 2]],
    make: () => tf.layers.globalAveragePooling2d({}),
    weightless: true,
  },
  add: {
    shapes: [
      [3, 2],
      [3, 2],
    ],
    make: () => tf.layers.add(),
    weightless: true,
  },
  "add with broadcasting": {
    shapes: [
      [3, 2],
      [1, 2],
    ],
    make: () => tf.layers.add(),
    weightless: true,
  },
  concatenate: {
    shapes: [
      [3, 2],
      [3, 4],
    ],
    make: () => tf.layers.concatenate(),
    weightless: true,
  },
};

const share = (weight: number, terms: Share["terms"], bias: Share["bias"], epsilon = 1e-9): Share => ({
  weight,
  terms,
  bias,
  stabilizer: { kind: "signed", epsilon },
});
/** Rules as the papers write them: those of the library, and others of the field to show that the engine does them. */
const rules: Record<string, LinearRule> = {
  "z with bias": zRule({ bias: true }),
  "z without bias": zRule({ bias: false }),
  "epsilon 0.25": epsilonRule({ epsilon: 0.25, bias: true }),
  "epsilon 0.1 without bias": epsilonRule({ epsilon: 0.1, bias: false }),
  "alpha 2 beta 1": [
    share(
      2,
      [
        { x: "positive", w: "positive" },
        { x: "negative", w: "negative" },
      ],
      "positive",
      0.01,
    ),
    share(
      -1,
      [
        { x: "positive", w: "negative" },
        { x: "negative", w: "positive" },
      ],
      "negative",
      0.01,
    ),
  ],
  "w squared": [share(1, [{ x: "ones", w: "squared" }], "none")],
  flat: [share(1, [{ x: "ones", w: "ones" }], "none")],
};

const inputParts = {
  all: (x: number) => x,
  positive: (x: number) => Math.max(x, 0),
  negative: (x: number) => Math.min(x, 0),
  ones: () => 1,
};
const kernelParts = { ...inputParts, squared: (w: number) => w * w };

/**
 * R_i = sum_shares weight sum_j z_ij / stabilised(z_j) R_j with z_ij written out in a dense matrix, in float64.
 * W[i][j] is 0 where input i does not reach output j; `reaches` tells that from a weight that is 0.
 */
function slowRule(
  rule: LinearRule,
  W: number[][],
  reaches: boolean[][],
  b: number[],
  x: number[],
  r: number[],
): { inputs: number[]; biases: number; bounds: number[]; biasBound: number } {
  const inputs: number[] = x.map(() => 0);
  const bounds: number[] = x.map(() => 0);
  let biases = 0;
  let biasBound = 0;
  for (const { weight, terms, bias, stabilizer } of rule) {
    r.forEach((rj, j) => {
      const zij = x.map((xi, i) =>
        reaches[i]![j]
          ? terms.reduce((sum, t) => sum + inputParts[t.x](xi) * kernelParts[t.w](W[i]![j]!), 0)
          : 0,
      );
      const bj = bias === "none" ? 0 : inputParts[bias](b[j]!);
      const z = zij.reduce((a, c) => a + c, bj);
      const stable =
        stabilizer.kind === "exact"
          ? z + (z === 0 ? stabilizer.epsilon : 0)
          : z + stabilizer.epsilon * (z >= 0 ? 1 : -1);
      // A relative error e in the terms of z is one of e * condition in the quotient.
      const condition = 1 + zij.reduce((sum, c) => sum + Math.abs(c), Math.abs(bj)) / Math.abs(stable);
      zij.forEach((share, i) => {
        inputs[i]! += (weight * share * rj) / stable;
        bounds[i]! += Math.abs((weight * share * rj) / stable) * condition;
      });
      biases += (weight * bj * rj) / stable;
      biasBound += Math.abs((weight * bj * rj) / stable) * condition;
    });
  }
  return { inputs, biases, bounds, biasBound };
}

/** The dense matrix of a layer: what it makes of each unit vector, less what it makes of zero. */
function matrixOf(run: (x: Float32Array) => number[], size: number): { W: number[][]; b: number[] } {
  const b = run(new Float32Array(size));
  const W = Array.from({ length: size }, (_, i) => {
    const unit = new Float32Array(size);
    unit[i] = 1;
    return run(unit).map((y, j) => y - b[j]!);
  });
  return { W, b };
}

for (const { backend, use } of backends) {
  for (const [layerName, { shapes, make, weightless }] of Object.entries(layers)) {
    for (const [ruleName, rule] of Object.entries(rules)) {
      if (weightless && rule.some(({ terms }) => terms.some(({ w }) => w !== "all"))) continue;
      test(`${ruleName} on ${layerName} is the rule written out in float64, to the rounding of float32 (${backend})`, async () => {
        await use();
        for (const seed of [1, 2, 3]) {
          const inputs = shapes.map((shape) => tf.input({ shape }));
          const layer = make();
          const model = withRandomWeights(
            tf.model({
              inputs,
              outputs: layer.apply(inputs.length === 1 ? inputs[0]! : inputs) as tf.SymbolicTensor,
            }),
            seed,
          );
          const step = lower("test", trace(model)).steps[0]! as LinearStep;
          assert.ok(isLinear(step));
          tf.tidy(() => {
            const xs = shapes.map((shape, i) => randomTensor([2, ...shape], seed * 10 + i));
            const y = model.predict(xs) as tf.Tensor;
            const flatRelevance = randomTensor([2, y.size / 2], seed + 50);
            // Global pooling is followed by a reshape; the step's own output keeps the axes.
            const own = layerName === "global average pooling" ? tf.reshape(y, [2, 1, 1, 2]) : y;
            const got = applyLinearRule(rule, { step, xs, y: own, r: tf.reshape(flatRelevance, own.shape) });
            const sizes = shapes.map((shape) => shape.reduce((a, c) => a * c, 1));
            const run = (kernelOnes: boolean) => (flat: Float32Array) =>
              tf.tidy(() => {
                const before = layer.getWeights();
                if (kernelOnes) layer.setWeights(before.map((w) => tf.onesLike(w)));
                const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, c) => a + c, 0));
                const split = shapes.map((shape, i) =>
                  tf.tensor(flat.slice(starts[i], starts[i]! + sizes[i]!), [1, ...shape]),
                );
                const values = [...(model.predict(split) as tf.Tensor).dataSync()];
                if (kernelOnes) layer.setWeights(before.map((w) => tf.clone(w)));
                return values;
              });
            const kept = layer.getWeights().map((w) => w.clone());
            const total = sizes.reduce((a, c) => a + c, 0);
            const { W, b } = matrixOf(run(false), total);
            const reaches = matrixOf(run(true), total).W.map((row) => row.map((w) => Math.abs(w) > 1e-3));
            if (kept.length > 0) layer.setWeights(kept);
            for (const sample of [0, 1]) {
              const x = xs.flatMap((t) => [...t.gather([sample]).dataSync()]);
              const r = [...flatRelevance.gather([sample]).dataSync()];
              const want = slowRule(rule, W, reaches, b, x, r);
              const all = got.inputs.flatMap((t) => [...t.gather([sample]).dataSync()]);
              const rounding = 5e-6;
              want.inputs.forEach((v, i) => {
                assert.ok(Math.abs(v - all[i]!) <= rounding * want.bounds[i]!, `${v} ${all[i]}`);
              });
              const biases = got.taken.reduce((sum, t) => sum + t.dataSync()[sample]!, 0);
              assert.ok(
                Math.abs(biases - want.biases) <= rounding * want.biasBound,
                `biases ${biases} ${want.biases}`,
              );
            }
          });
          model.dispose();
        }
      });
    }
  }
}

test.run();
