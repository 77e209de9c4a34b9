/**
 * Relevance through attention, against the rules of Achtibat et al. 2024 (arXiv:2402.05602) and Ali et al. 2022
 * (arXiv:2202.07304) written out for one sample in plain float64 numbers.
 */
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { UnsupportedLayerError } from "../../src/errors.js";
import { trace } from "../../src/graph/trace.js";
import { init } from "../../src/kernels/index.js";
import { layerFromConfig } from "../../src/layers/internals.js";
import { operationConfig } from "../../src/layers/Operation.js";
import { registerLayers } from "../../src/layers/registerLayers.js";
import { lower, runBackward, runForward } from "../../src/reverse/index.js";
import { withoutLeak } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";

await init();
registerLayers();

interface Case {
  title: string;
  className: string;
  config: object;
  shapes: number[][];
  /** Inputs that are masks, with the values in their place. */
  masks?: Record<number, number[]>;
}

const heads = { numHeads: 2, keyDim: 3 };
const series = [4, 5];
const cases: Case[] = [
  {
    title: "in several heads",
    className: "KerasMultiHeadAttention",
    config: heads,
    shapes: [series, series],
  },
  {
    title: "of another series, with keys of its own",
    className: "KerasMultiHeadAttention",
    config: { ...heads, valueDim: 2, outputShape: [3], roles: ["query", "value", "key"] },
    shapes: [series, [3, 2], [3, 4]],
  },
  {
    title: "without biases, causal",
    className: "KerasMultiHeadAttention",
    config: { ...heads, useBias: false, useCausalMask: true },
    shapes: [series, series],
  },
  {
    title: "with a gate",
    className: "KerasMultiHeadAttention",
    config: { ...heads, useGate: true },
    shapes: [series, series],
  },
  {
    title: "under masks",
    className: "KerasMultiHeadAttention",
    config: { ...heads, roles: ["query", "value", "queryMask", "valueMask"] },
    shapes: [series, series, [4], [4]],
    masks: { 2: [1, 1, 1, 1], 3: [1, 1, 0, 1] },
  },
  {
    title: "over the second of two axes",
    className: "KerasMultiHeadAttention",
    config: { ...heads, attentionAxes: [2] },
    shapes: [
      [2, 3, 5],
      [2, 3, 5],
    ],
  },
  {
    title: "over two axes",
    className: "KerasMultiHeadAttention",
    config: heads,
    shapes: [
      [2, 3, 5],
      [2, 3, 5],
    ],
  },
  {
    title: "in groups of heads",
    className: "GroupQueryAttention",
    config: { headDim: 2, numQueryHeads: 4, numKeyValueHeads: 2 },
    shapes: [series, series],
  },
  { title: "by products", className: "Attention", config: { useScale: true }, shapes: [series, series] },
  {
    title: "by sums",
    className: "Attention",
    config: { scoreMode: "concat", useScale: true },
    shapes: [series, [3, 5]],
  },
  {
    title: "by products, under masks",
    className: "Attention",
    config: { roles: ["query", "value", "queryMask", "valueMask"] },
    shapes: [series, [3, 5], [4], [3]],
    masks: { 2: [1, 0, 1, 1], 3: [1, 1, 0] },
  },
  { title: "of Bahdanau", className: "AdditiveAttention", config: {}, shapes: [series, [3, 5]] },
  { title: "by a Dot layer", className: "Dot", config: { axes: [2, 2] }, shapes: [series, [3, 5]] },
  {
    title: "by a Dot layer of vectors of length 1",
    className: "Dot",
    config: { axes: [2, 2], normalize: true },
    shapes: [series, [3, 5]],
  },
  { title: "by the cosine", className: "Dot", config: { axes: 1, normalize: true }, shapes: [[5], [5]] },
  {
    title: "by a bare product",
    className: "Operation",
    config: operationConfig("product", "Matmul", [{ input: 0 }, { input: 1 }]),
    shapes: [series, [5, 2]],
  },
  {
    title: "by Einstein's sum",
    className: "Operation",
    config: operationConfig("sum", "Einsum", [{ input: 0 }, { input: 1 }], { subscripts: "btd,bsd->bts" }),
    shapes: [series, [3, 5]],
  },
];

/** The layer, and a dense layer behind it. */
function modelOf({ className, config, shapes }: Case): tf.LayersModel {
  const xs = shapes.map((shape) => tf.input({ shape }));
  const y = layerFromConfig(className, { name: "attention", ...config }).apply(xs) as tf.SymbolicTensor;
  const flat = y.shape.length === 2 ? y : (tf.layers.flatten().apply(y) as tf.SymbolicTensor);
  const logits = tf.layers.dense({ units: 2 }).apply(flat) as tf.SymbolicTensor;
  return withRandomWeights(tf.model({ inputs: xs, outputs: logits }), 3);
}

function inputsOf({ shapes, masks = {} }: Case): tf.Tensor[] {
  return shapes.map((shape, i) => {
    const mask = masks[i];
    return mask === undefined
      ? randomTensor([2, ...shape], i + 1)
      : tf.tensor([...mask, ...mask], [2, ...shape], "float32");
  });
}

function closeTo(got: tf.Tensor, want: tf.Tensor, tolerance: number): void {
  assert.equal(got.shape, want.shape);
  const [a, b] = [got.dataSync(), want.dataSync()];
  const largest = Math.max(1, ...b.map(Math.abs));
  b.forEach((v, i) => assert.ok(Math.abs(a[i]! - v) <= tolerance * largest, `${i}: ${a[i]}, expected ${v}`));
}

for (const entry of cases) {
  const { title, className, masks = {} } = entry;

  test(`attention ${title} (${className}): its parts give what the layer gives, and the tape's gradient`, () => {
    withoutLeak(() => {
      const model = modelOf(entry);
      const xs = inputsOf(entry);
      tf.tidy(() => {
        const program = lower("parts", trace(model), { attention: true });
        assert.not(program.steps.some(({ kind }) => kind === "opaque"));
        const values = runForward("parts", program, xs);
        const id = program.outputs[0]!;
        closeTo(values.get(id)!, model.apply(xs) as tf.Tensor, 1e-5);
        const dy = randomTensor([2, 2], 9);
        const rules = program.steps.map(() => ({ kind: "gradient" }) as const);
        const { inputs } = runBackward("parts", program, values, new Map([[id, dy]]), rules);
        const free = xs.filter((_, i) => masks[i] === undefined);
        const f = (...given: tf.Tensor[]) => {
          const all = xs.map((x, i) => (masks[i] === undefined ? (given.shift() as tf.Tensor) : x));
          return tf.sum(tf.mul(model.apply(all) as tf.Tensor, dy));
        };
        const want = tf.grads(f)(free);
        inputs.filter((_, i) => masks[i] === undefined).forEach((got, i) => closeTo(got, want[i]!, 1e-4));
      });
      tf.dispose(xs);
      model.dispose();
    });
  });

  for (const attention of ["attnlrp", "constant"]) {
    test(`attention ${title} (${className}): ${attention} loses nothing but what biases take`, () => {
      withoutLeak(() => {
        const model = modelOf(entry);
        const xs = inputsOf(entry);
        const explanation = createAnalyzer("lrp.epsilon", model, { attention, epsilon: 1e-6 }).explain(xs, {
          neuronSelection: 1,
        });
        const output = explanation.output.dataSync();
        explanation.delta!.forEach((gap, n) =>
          assert.ok(Math.abs(gap) <= 1e-3 * Math.max(1, Math.abs(output[n * 2 + 1]!)), `${gap}`),
        );
        const sizes = [explanation.relevance].flat().map((r) => Math.max(...r.dataSync().map(Math.abs)));
        for (const i of Object.keys(masks)) assert.is(sizes[Number(i)], 0);
        explanation.dispose();
        tf.dispose(xs);
        model.dispose();
      });
    });
  }
}

type Matrix = number[][];
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * b[k]![j]!, 0)));
const turned = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const zip = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix =>
  a.map((row, i) => row.map((v, j) => f(v, b[i]![j]!)));
const added = (a: Matrix, b: Matrix) => zip(a, b, (x, y) => x + y);
const kept = (z: number) => z + (z >= 0 ? 1e-6 : -1e-6);
/** a (R / z) b^T: the relevance of the factor a of z = a b. */
const sharesOf = (a: Matrix, b: Matrix, z: Matrix, r: Matrix): Matrix =>
  zip(
    a,
    product(
      zip(r, z, (x, y) => x / kept(y)),
      turned(b),
    ),
    (x, y) => x * y,
  );
const shareOfRight = (a: Matrix, b: Matrix, z: Matrix, r: Matrix): Matrix =>
  turned(sharesOf(turned(b), turned(a), turned(z), turned(r)));
const halved = (a: Matrix): Matrix => a.map((row) => row.map((v) => v / 2));

/** Both rules, through self-attention in one head with a bias everywhere. */
function slowly(x: Matrix, w: Record<string, Matrix>, b: Record<string, number[]>, r: Matrix, how: string) {
  const dense = (name: string, input: Matrix) =>
    product(input, w[name]!).map((row) => row.map((v, j) => v + b[name]![j]!));
  const [q, k, v] = ["query", "key", "value"].map((name) => dense(name, x)) as [Matrix, Matrix, Matrix];
  const scale = 1 / Math.sqrt(q[0]!.length);
  const scaled = q.map((row) => row.map((value) => value * scale));
  const z = product(scaled, turned(k));
  const s = z.map((row) => {
    const e = row.map((value) => Math.exp(value - Math.max(...row)));
    const sum = e.reduce((one, other) => one + other, 0);
    return e.map((value) => value / sum);
  });
  const o = product(s, v);
  const y = dense("attention_output", o);
  const ro = sharesOf(o, w.attention_output!, y, r);
  const rv = shareOfRight(s, v, o, ro);
  if (how === "constant") return sharesOf(x, w.value!, v, rv);
  const rs = halved(sharesOf(s, v, o, ro));
  // R_i = z_i (R_i - s_i sum R)
  const rz = rs.map((row, t) => {
    const sum = row.reduce((one, other) => one + other, 0);
    return row.map((value, i) => z[t]![i]! * (value - s[t]![i]! * sum));
  });
  const rq = halved(sharesOf(scaled, turned(k), z, rz));
  const rk = halved(turned(shareOfRight(scaled, turned(k), z, rz)));
  return [
    sharesOf(x, w.query!, q, rq),
    sharesOf(x, w.key!, k, rk),
    sharesOf(x, w.value!, v, halved(rv)),
  ].reduce(added);
}

for (const attention of ["attnlrp", "constant"]) {
  test(`${attention} is what its paper says, in float64`, () => {
    withoutLeak(() => {
      const x = tf.input({ shape: [4, 5] });
      const layer = layerFromConfig("KerasMultiHeadAttention", { numHeads: 1, keyDim: 3, outputShape: [1] });
      const y = layer.apply([x, x]) as tf.SymbolicTensor;
      const model = withRandomWeights(tf.model({ inputs: x, outputs: y }), 5);
      const value = randomTensor([1, 4, 5], 1);
      const [w, b]: [Record<string, Matrix>, Record<string, number[]>] = [{}, {}];
      for (const weight of layer.weights) {
        const [, name, kind] = /(query|key|value|attention_output)_(kernel|bias)/.exec(weight.originalName)!;
        const numbers = weight.read();
        tf.tidy(() => {
          if (kind === "bias") b[name!] = [...numbers.dataSync()];
          else w[name!] = numbers.reshape([name === "attention_output" ? 3 : 5, -1]).arraySync() as Matrix;
        });
      }
      // Each of the four outputs in turn; the second of the layer's begins with its value.
      const analyzer = createAnalyzer("lrp.epsilon", model, { attention, epsilon: 1e-6 });
      for (let t = 0; t < 4; t++) {
        const { relevance, output, dispose } = analyzer.explain(value, { neuronSelection: t });
        const r = Array.from({ length: 4 }, (_, i) => [i === t ? output.dataSync()[t]! : 0]);
        const want = slowly((value.arraySync() as Matrix[])[0]!, w, b, r, attention).flat();
        const got = (relevance as tf.Tensor).dataSync();
        const largest = Math.max(...want.map(Math.abs));
        assert.ok(largest > 0);
        // float32 against float64, amplified by small denominators.
        want.forEach((v, i) =>
          assert.ok(Math.abs(v - got[i]!) <= 2e-4 * largest, `${i}: ${got[i]}, expected ${v}`),
        );
        dispose();
      }
      analyzer.dispose();
      tf.dispose(value);
      model.dispose();
    });
  });
}

test("as constants, a softmax's shares take nothing of what they are multiplied with; one that weighs nothing is passed", () => {
  withoutLeak(() => {
    const L = tf.layers;
    const x = tf.input({ shape: [4, 5] });
    const shares = [
      L.dense({ units: 1 }),
      L.flatten(),
      L.softmax({ name: "shares" }),
      L.reshape({ targetShape: [4, 1] }),
    ].reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, x);
    const weighed = L.multiply().apply([shares, x]) as tf.SymbolicTensor;
    const between = [L.globalAveragePooling1d({}), L.dense({ units: 3 }), L.softmax(), L.dense({ units: 2 })];
    const logits = between.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, weighed);
    const model = withRandomWeights(tf.model({ inputs: x, outputs: logits }), 4);
    const value = randomTensor([2, 4, 5], 1);
    const analyzer = createAnalyzer("lrp.epsilon", model, { attention: "constant", epsilon: 1e-6 });
    const { delta, layers, relevance, dispose } = analyzer.explain(value, {
      neuronSelection: 0,
      layers: ["shares"],
    });
    delta!.forEach((gap) => assert.ok(Math.abs(gap) < 1e-4, `${gap}`));
    assert.ok([...layers.shares!.dataSync()].every((v) => v === 0));
    assert.ok((relevance as tf.Tensor).dataSync().some((v) => v !== 0));
    dispose();
    analyzer.dispose();
    value.dispose();
    model.dispose();
  });
});

test("without the option attention is refused, with the two there are; a mask that another layer computes needs no rule", () => {
  withoutLeak(() => {
    const model = modelOf(cases[0]!);
    const advice =
      'has no rule of relevance; gradient and input_t_gradient can explain this model; the lrp methods pass it with the option attention, "attnlrp" or "constant"';
    throws(
      () => createAnalyzer("lrp.z", model),
      UnsupportedLayerError,
      `lrp.z: layer "attention" (KerasMultiHeadAttention) ${advice}`,
    );
    model.dispose();
    const x = tf.input({ shape: [4, 5] });
    const seen = layerFromConfig(
      "Operation",
      operationConfig("seen", "Any", [{ input: 0 }], { axis: -1 }),
    ).apply(x);
    const config = { ...heads, roles: ["query", "value", "valueMask"] };
    const y = layerFromConfig("KerasMultiHeadAttention", config).apply([x, x, seen] as tf.SymbolicTensor[]);
    const masked = withRandomWeights(tf.model({ inputs: x, outputs: y as tf.SymbolicTensor }), 3);
    createAnalyzer("lrp.z", masked, { attention: "attnlrp" }).dispose();
    masked.dispose();
  });
});

test.run();
