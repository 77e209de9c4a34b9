import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { trace } from "../../src/graph/trace.js";
import {
  type BiasPart,
  type Factor,
  type InputPart,
  type KernelPart,
  type LinearRule,
  lower,
  type Term,
} from "../../src/reverse/index.js";
import { isLinear } from "../../src/reverse/linear.js";
import { applyLinearRule } from "../../src/reverse/rule.js";
import type { LinearStep } from "../../src/reverse/steps.js";
import {
  alphaBetaRule,
  alphaBetaXRule,
  boundedRule,
  deviationRule,
  epsilonRule,
  flatRule,
  gammaRule,
  signRule,
  wSquareRule,
  zPlusFastRule,
  zRule,
} from "../../src/rules/index.js";
import { backends } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";

/** Every linear kind with weights, and those without, as one-layer models. */
const layers: Record<
  string,
  { shapes: number[][]; make: () => tf.layers.Layer; weightless?: boolean; only?: string }
> = {
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
  "depthwise convolution": {
    shapes: [[5, 4, 2]],
    make: () => tf.layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: "same", depthMultiplier: 2 }),
  },
  "transposed convolution": {
    shapes: [[3, 4, 2]],
    make: () => tf.layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: "same" }),
  },
  "transposed convolution valid": {
    shapes: [[3, 2, 2]],
    make: () => tf.layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: "valid" }),
  },
  "conv3d dilated": {
    shapes: [[4, 3, 4, 2]],
    make: () => tf.layers.conv3d({ filters: 2, kernelSize: 2, dilationRate: 2, padding: "same" }),
  },
  "conv3d with strides": {
    shapes: [[4, 3, 4, 1]],
    make: () => tf.layers.conv3d({ filters: 2, kernelSize: 2, strides: 2 }),
  },
  "transposed convolution of a volume": {
    shapes: [[2, 2, 3, 2]],
    make: () => tf.layers.conv3dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: "same" }),
    // tfjs 4.22 itself computes this layer wrongly on wasm.
    only: "cpu",
  },
  "average pooling of a volume, same": {
    shapes: [[3, 4, 5, 2]],
    make: () => tf.layers.averagePooling3d({ poolSize: 2, strides: 2, padding: "same" }),
    weightless: true,
  },
  average: {
    shapes: [
      [3, 2],
      [3, 2],
      [3, 2],
    ],
    make: () => tf.layers.average(),
    weightless: true,
  },
  "add of two ranks": { shapes: [[2], [3, 2]], make: () => tf.layers.add(), weightless: true },
  upsampling: {
    shapes: [[2, 3, 2]],
    make: () => tf.layers.upSampling2d({ size: [2, 3] }),
    weightless: true,
  },
  cropping: {
    shapes: [[4, 5, 2]],
    make: () =>
      tf.layers.cropping2D({
        cropping: [
          [1, 0],
          [2, 1],
        ],
      }),
    weightless: true,
  },
  padding: {
    shapes: [[2, 3, 2]],
    make: () => tf.layers.zeroPadding2d({ padding: 1 }),
    weightless: true,
  },
  repeat: { shapes: [[3]], make: () => tf.layers.repeatVector({ n: 2 }), weightless: true },
  permute: { shapes: [[2, 3, 4]], make: () => tf.layers.permute({ dims: [3, 1, 2] }), weightless: true },
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

/** Every rule of the library, with parameters. */
const rules: Record<string, LinearRule> = {
  "z with bias": zRule(),
  "z without bias": zRule({ bias: false }),
  "epsilon 0.25": epsilonRule({ epsilon: 0.25 }),
  "epsilon 0.1 without bias": epsilonRule({ epsilon: 0.1, bias: false }),
  "a quarter of the input's deviation as epsilon": deviationRule({ factor: 0.25 }),
  "alpha 2 beta 1": alphaBetaRule({ alpha: 2, beta: 1 }),
  "alpha 1 beta 0 without bias": alphaBetaRule({ alpha: 1, beta: 0, bias: false }),
  "alpha-beta X of four parts": alphaBetaXRule({ alpha: [2, 0.5], beta: [1, 0.5] }),
  "z plus, fast": zPlusFastRule(),
  "w squared": wSquareRule(),
  "w squared with the bias": wSquareRule({ bias: true }),
  flat: flatRule(),
  "bounded by -1 and 1.5": boundedRule({ low: -1, high: 1.5 }),
  "sign from 0.25": signRule({ mu: 0.25 }),
  "gamma 0.25": gammaRule({ gamma: 0.25 }),
  "gamma 1 without bias": gammaRule({ gamma: 1, bias: false }),
};

const inputPart = (x: number, part: InputPart): number => {
  if (typeof part === "object") return part.constant as number;
  return { all: x, positive: Math.max(x, 0), negative: Math.min(x, 0), ones: 1 }[part];
};
const factorOf = (x: number, factor: Factor): number =>
  typeof factor === "object" && "signFrom" in factor
    ? x >= (factor.signFrom as number)
      ? 1
      : -1
    : inputPart(x, factor);
const weightPart = (w: number, part: KernelPart | BiasPart): number => {
  if (typeof part === "object")
    return w + part.gamma * (part.of === "positive" ? Math.max(w, 0) : Math.min(w, 0));
  return {
    all: w,
    positive: Math.max(w, 0),
    negative: Math.min(w, 0),
    squared: w * w,
    ones: 1,
    none: 0,
  }[part];
};

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
  batch: number[],
): { inputs: number[]; biases: number; bounds: number[]; biasBound: number } {
  const inputs: number[] = x.map(() => 0);
  const bounds: number[] = x.map(() => 0);
  let biases = 0;
  let biasBound = 0;
  const reached = (i: number, j: number) => (reaches[i]![j] ? 1 : 0);
  const deviation = () => {
    const mean = batch.reduce((a, c) => a + c, 0) / batch.length;
    return Math.sqrt(batch.reduce((a, c) => a + (c - mean) ** 2, 0) / batch.length);
  };
  for (const { weight, terms, bias, stabilizer, when } of rule) {
    r.forEach((rj, j) => {
      const y = x.reduce((sum, xi, i) => sum + xi * W[i]![j]!, b[j]!);
      if ((when === "positive" && !(y > 0)) || (when === "negative" && !(y < 0))) return;
      const flows = (i: number, of: (x: number, term: Term) => number) =>
        terms.map((t) => (t.coefficient ?? 1) * of(x[i]!, t) * reached(i, j) * weightPart(W[i]![j]!, t.w));
      const below = x.map((_, i) => flows(i, (xi, t) => inputPart(xi, t.x)).reduce((a, c) => a + c, 0));
      const size = x.map((_, i) =>
        flows(i, (xi, t) => inputPart(xi, t.x)).reduce((a, c) => a + Math.abs(c), 0),
      );
      const above = x.map((_, i) =>
        flows(i, (xi, t) => factorOf(xi, t.factor ?? t.x)).reduce((a, c) => a + c, 0),
      );
      const aboveSize = x.map((_, i) =>
        flows(i, (xi, t) => factorOf(xi, t.factor ?? t.x)).reduce((a, c) => a + Math.abs(c), 0),
      );
      const bj = weightPart(b[j]!, bias);
      const z = below.reduce((a, c) => a + c, bj);
      const epsilon = stabilizer.kind === "deviation" ? stabilizer.factor * deviation() : stabilizer.epsilon;
      const stable =
        stabilizer.kind === "exact" ? z + (z === 0 ? epsilon : 0) : z + epsilon * (z >= 0 ? 1 : -1);
      // A relative error e in the terms of z is one of e * condition in the quotient.
      const condition = 1 + size.reduce((sum, c) => sum + c, Math.abs(bj)) / Math.abs(stable);
      above.forEach((share, i) => {
        inputs[i]! += (weight * share * rj) / stable;
        bounds[i]! += Math.abs((weight * aboveSize[i]! * rj) / stable) * condition;
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
  for (const [layerName, { shapes, make, weightless, only }] of Object.entries(layers)) {
    if (only !== undefined && only !== backend) continue;
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
            const batch = xs.flatMap((t) => [...t.dataSync()]);
            for (const sample of [0, 1]) {
              const x = xs.flatMap((t) => [...t.gather([sample]).dataSync()]);
              const r = [...flatRelevance.gather([sample]).dataSync()];
              const want = slowRule(rule, W, reaches, b, x, r, batch);
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
