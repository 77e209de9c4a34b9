/**
 * Relevance through recurrent layers against the equations of Arras et al. 2017 (arXiv:1706.07206), written out for one sample in
 * plain float64 numbers: gates take nothing, sums and products with weights go by their rules.
 */
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer } from "../../src/analyzers/index.js";
import { UnsupportedLayerError } from "../../src/errors.js";
import { init } from "../../src/kernels/index.js";
import { layerFromConfig } from "../../src/layers/internals.js";
import { registerLayers } from "../../src/layers/registerLayers.js";
import { withoutLeak } from "../support/backends.js";
import { randomTensor, withRandomWeights } from "../support/models.js";
import { throws } from "../support/throws.js";

await init();
registerLayers();

const [TIMES, IN, UNITS] = [4, 3, 2];
type Vector = number[];
/** Shares of what the terms of a sum gave: the terms, the bias, and the relevance of their sum, to that of the terms. */
type Rule = (terms: Vector, bias: number, r: number) => Vector;

const total = (values: Vector) => values.reduce((a, b) => a + b, 0);
const epsilonRule =
  (epsilon: number): Rule =>
  (terms, bias, r) => {
    const z = total(terms) + bias;
    return terms.map((term) => (term / (z + (z >= 0 ? epsilon : -epsilon))) * r);
  };
const zRule: Rule = (terms, bias, r) => terms.map((term) => (term / (total(terms) + bias)) * r);
/** What speaks for the sum, the bias among it: x+ w+ and x- w- are the positive terms. */
const positiveRule: Rule = (terms, bias, r) => {
  const positive = terms.map((term) => Math.max(term, 0));
  const z = total(positive) + Math.max(bias, 0);
  return positive.map((term) => (z === 0 ? 0 : (term / z) * r));
};
const flatRule: Rule = (terms, _bias, r) => terms.map(() => r / terms.length);

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const rows = (size: number) => Array.from({ length: size }, (_, i) => i);

/** A matrix `[from, to]` with its bias, by a rule. */
class Linear {
  constructor(
    private readonly weight: (i: number, j: number) => number,
    private readonly bias: (j: number) => number,
    private readonly rule: Rule,
  ) {}

  apply(x: Vector): Vector {
    return rows(UNITS).map((j) => total(x.map((value, i) => value * this.weight(i, j))) + this.bias(j));
  }

  back(x: Vector, r: Vector): Vector {
    const shares = rows(UNITS).map((j) =>
      this.rule(
        x.map((value, i) => value * this.weight(i, j)),
        this.bias(j),
        r[j]!,
      ),
    );
    return x.map((_, i) => total(shares.map((share) => share[i]!)));
  }
}

interface Weights {
  kernel: Float64Array;
  recurrent: Float64Array;
  bias: Float64Array;
  gates: number;
}

/** The g-th gate over input and state side by side. */
function joined({ kernel, recurrent, bias, gates }: Weights, g: number, rule: Rule): Linear {
  const at = (j: number) => g * UNITS + j;
  return new Linear(
    (i, j) => (i < IN ? kernel[i * gates * UNITS + at(j)]! : recurrent[(i - IN) * gates * UNITS + at(j)]!),
    (j) => bias[at(j)]!,
    rule,
  );
}

interface Moment {
  h: Vector;
  c: Vector;
  back(rh: Vector, rc: Vector): { x: Vector; h: Vector; c: Vector };
}
type Cell = (weights: Weights, rule: Rule) => (x: Vector, h: Vector, c: Vector) => Moment;

const zeros = () => rows(UNITS).map(() => 0);
/** Sums of two terms go by Z. */
const apart = (a: Vector, b: Vector, r: Vector): [Vector, Vector] => {
  const shares = a.map((value, j) => zRule([value, b[j]!], 0, r[j]!).map((s) => (Number.isNaN(s) ? 0 : s)));
  return [shares.map((share) => share[0]!), shares.map((share) => share[1]!)];
};
const plus = (a: Vector, b: Vector) => a.map((value, j) => value + b[j]!);
const times = (a: Vector, b: Vector) => a.map((value, j) => value * b[j]!);

const cells: Record<string, { gates: number; cell: Cell }> = {
  SimpleRNN: {
    gates: 1,
    cell: (weights, rule) => (x, h) => {
      const map = joined(weights, 0, rule);
      return {
        h: map.apply([...x, ...h]).map(Math.tanh),
        c: zeros(),
        back: (rh) => {
          const r = map.back([...x, ...h], rh);
          return { x: r.slice(0, IN), h: r.slice(IN), c: zeros() };
        },
      };
    },
  },
  LSTM: {
    gates: 4,
    cell: (weights, rule) => (x, h, c) => {
      const z = rows(4).map((g) => joined(weights, g, rule).apply([...x, ...h]));
      const kept = times(z[1]!.map(sigmoid), c);
      const added = times(z[0]!.map(sigmoid), z[2]!.map(Math.tanh));
      const next = plus(kept, added);
      return {
        h: times(z[3]!.map(sigmoid), next.map(Math.tanh)),
        c: next,
        back: (rh, rc) => {
          const [rKept, rAdded] = apart(kept, added, plus(rh, rc));
          const r = joined(weights, 2, rule).back([...x, ...h], rAdded);
          return { x: r.slice(0, IN), h: r.slice(IN), c: rKept };
        },
      };
    },
  },
  GRU: {
    gates: 3,
    cell: (weights, rule) => (x, h) => {
      const [z, reset] = [0, 1].map((g) =>
        joined(weights, g, rule)
          .apply([...x, ...h])
          .map(sigmoid),
      );
      const after = [...x, ...times(reset!, h)];
      const map = joined(weights, 2, rule);
      const g = map.apply(after).map(Math.tanh);
      const kept = times(z!, h);
      const fresh = times(
        z!.map((value) => 1 - value),
        g,
      );
      return {
        h: plus(kept, fresh),
        c: zeros(),
        back: (rh) => {
          const [rKept, rFresh] = apart(kept, fresh, rh);
          const r = map.back(after, rFresh);
          return { x: r.slice(0, IN), h: plus(r.slice(IN), rKept), c: zeros() };
        },
      };
    },
  },
  KerasGRU: {
    gates: 3,
    cell: (weights, rule) => (x, h) => {
      const { kernel, recurrent, bias } = weights;
      const at = (g: number, j: number) => g * UNITS + j;
      const ofX = (g: number) =>
        new Linear(
          (i, j) => kernel[i * 3 * UNITS + at(g, j)]!,
          (j) => bias[at(g, j)]!,
          rule,
        );
      const ofH = (g: number) =>
        new Linear(
          (i, j) => recurrent[i * 3 * UNITS + at(g, j)]!,
          (j) => bias[3 * UNITS + at(g, j)]!,
          rule,
        );
      const [z, reset] = [0, 1].map((g) => plus(ofX(g).apply(x), ofH(g).apply(h)).map(sigmoid));
      const fromX = ofX(2).apply(x);
      const open = times(reset!, ofH(2).apply(h));
      const g = plus(fromX, open).map(Math.tanh);
      const kept = times(z!, h);
      const fresh = times(
        z!.map((value) => 1 - value),
        g,
      );
      return {
        h: plus(kept, fresh),
        c: zeros(),
        back: (rh) => {
          const [rKept, rFresh] = apart(kept, fresh, rh);
          const [rX, rOpen] = apart(fromX, open, rFresh);
          return { x: ofX(2).back(x, rX), h: plus(ofH(2).back(h, rOpen), rKept), c: zeros() };
        },
      };
    },
  },
};

/** The relevance of a series, and what the layer gives: of each time step in the order in which it runs. */
function slow(
  className: string,
  layer: tf.layers.Layer,
  series: Vector[],
  rule: Rule,
  rs: (ys: Vector[]) => Vector[],
) {
  const [kernel, recurrent, bias] = layer.getWeights().map((weight) => Float64Array.from(weight.dataSync()));
  const { gates, cell } = cells[className]!;
  const move = cell({ kernel: kernel!, recurrent: recurrent!, bias: bias!, gates }, rule);
  const moments: Moment[] = [];
  for (const x of series) moments.push(move(x, moments.at(-1)?.h ?? zeros(), moments.at(-1)?.c ?? zeros()));
  const given = rs(moments.map(({ h }) => h));
  let [rh, rc] = [zeros(), zeros()];
  const relevance: Vector[] = [];
  for (let t = series.length - 1; t >= 0; t--) {
    const back = moments[t]!.back(plus(rh, given[t]!), rc);
    relevance[t] = back.x;
    [rh, rc] = [back.h, back.c];
  }
  return relevance;
}

function layerOf(className: string, config: object): tf.layers.Layer {
  return layerFromConfig(className, {
    units: UNITS,
    activation: "tanh",
    ...(className === "SimpleRNN" ? {} : { recurrentActivation: "sigmoid" }),
    ...config,
  });
}

/** A model of the layer alone, whose sum over units (and time) is explained: relevance starts as its output. */
function modelOf(layer: tf.layers.Layer, seed: number): tf.LayersModel {
  const x = tf.input({ shape: [TIMES, IN] });
  return withRandomWeights(tf.model({ inputs: x, outputs: layer.apply(x) as tf.SymbolicTensor }), seed);
}

function close(got: ArrayLike<number>, want: Vector, what: string): void {
  const largest = Math.max(...want.map(Math.abs));
  // float32 against float64, over sums that may nearly cancel.
  want.forEach((value, i) =>
    assert.ok(Math.abs(got[i]! - value) <= 2e-4 * largest, `${what} [${i}]: ${got[i]}, ${value}`),
  );
}

const rules: { method: string; options: object; rule: Rule }[] = [
  { method: "lrp.z", options: {}, rule: zRule },
  { method: "lrp.epsilon", options: { epsilon: 0.01 }, rule: epsilonRule(0.01) },
  { method: "lrp.alpha_1_beta_0", options: {}, rule: positiveRule },
  { method: "lrp.flat", options: {}, rule: flatRule },
];

for (const className of Object.keys(cells)) {
  test(`relevance through ${className} is that of its equations, for both orders of time, last or all outputs`, () => {
    for (const { method, options, rule } of rules) {
      for (const goBackwards of [false, true]) {
        for (const returnSequences of [false, true]) {
          const layer = layerOf(className, { goBackwards, returnSequences });
          const model = modelOf(layer, 5);
          const x = randomTensor([2, TIMES, IN], 3);
          const got = withoutLeak(() =>
            tf.tidy(() => {
              const analyzer = createAnalyzer(method, model, { ...options, neuronSelectionMode: "all" });
              return [...analyzer.analyze(x).dataSync()];
            }),
          );
          const values = x.dataSync();
          const want = rows(2).flatMap((sample) => {
            const series = rows(TIMES).map((t) => [
              ...values.slice((sample * TIMES + t) * IN, (sample * TIMES + t + 1) * IN),
            ]);
            const order = goBackwards ? series.toReversed() : series;
            const relevance = slow(className, layer, order, rule, (ys) =>
              returnSequences ? ys : ys.map((y, t) => (t === TIMES - 1 ? y : zeros())),
            );
            return (goBackwards ? relevance.toReversed() : relevance).flat();
          });
          close(got, want, `${className} ${method} ${goBackwards} ${returnSequences}`);
          x.dispose();
          model.dispose();
        }
      }
    }
  });
}

const merges = {
  concat: (ys: tf.SymbolicTensor[]) => tf.layers.concatenate().apply(ys),
  sum: (ys: tf.SymbolicTensor[]) => tf.layers.add().apply(ys),
  ave: (ys: tf.SymbolicTensor[]) => tf.layers.average().apply(ys),
  mul: (ys: tf.SymbolicTensor[]) => tf.layers.multiply().apply(ys),
} as const;

test("a Bidirectional gives what its two layers give side by side, merged in every way", () => {
  for (const mergeMode of ["concat", "sum", "ave", "mul"] as const) {
    const inner = tf.layers.lstm({ units: UNITS });
    const model = modelOf(tf.layers.bidirectional({ layer: inner as tf.RNN, mergeMode }), 4);
    const forward = tf.layers.lstm({ units: UNITS });
    const backward = tf.layers.lstm({ units: UNITS, goBackwards: true });
    const input = tf.input({ shape: [TIMES, IN] });
    const ys = [forward, backward].map((layer) => layer.apply(input) as tf.SymbolicTensor);
    const apartModel = tf.model({ inputs: input, outputs: merges[mergeMode](ys) as tf.SymbolicTensor });
    const weights = model.getWeights();
    forward.setWeights(weights.slice(0, 3));
    backward.setWeights(weights.slice(3));
    const x = randomTensor([2, TIMES, IN], 8);
    const [got, want] = [model, apartModel].map((one) =>
      tf.tidy(() => [...createAnalyzer("lrp.epsilon", one).analyze(x).dataSync()]),
    ) as [number[], number[]];
    close(got, want, mergeMode);
    x.dispose();
    model.dispose();
    apartModel.dispose();
  }
});

test("a Bidirectional's sequences of both directions are in the order of time, and are conserved", () => {
  const inner = tf.layers.gru({ units: UNITS, returnSequences: true });
  const model = modelOf(tf.layers.bidirectional({ layer: inner as tf.RNN, mergeMode: "concat" }), 6);
  const x = randomTensor([2, TIMES, IN], 9);
  // Of the first moment's units backwards, which saw all times, and forwards, which saw one.
  const seen = (neuron: number) =>
    tf.tidy(() => {
      const relevance = createAnalyzer("lrp.z", model, { neuronSelectionMode: "index" }).explain(x, {
        neuronSelection: neuron,
      });
      for (const gap of relevance.delta ?? [Number.NaN]) assert.ok(Math.abs(gap) < 1e-4, String(gap));
      const byTime = tf.max(tf.abs(relevance.relevance as tf.Tensor), [0, 2]).dataSync();
      return [...byTime].map((value) => value > 0);
    });
  assert.equal(seen(0), [true, false, false, false]);
  assert.equal(seen(UNITS), [true, true, true, true]);
  x.dispose();
  model.dispose();
});

test("stateful layers, rules for what the input holds, and deep Taylor are refused by name", () => {
  const refused = (model: tf.LayersModel, method: string, options: object, why: RegExp) => {
    throws(() => createAnalyzer(method, model, options), UnsupportedLayerError, why);
    model.dispose();
  };
  const plain = () => modelOf(tf.layers.lstm({ units: UNITS, name: "memory" }), 1);
  const noRule = /layer "memory" \(\w+\) has no rule of relevance/;
  refused(plain(), "lrp", { rule: "Z", inputLayerRule: "Flat" }, noRule);
  refused(plain(), "lrp", { rule: [[["Dense"], "Z"]] }, noRule);
  refused(plain(), "deep_taylor", {}, noRule);
  refused(plain(), "lrp.epsilon_plus_flat", {}, noRule);
  const x = tf.input({ batchShape: [2, TIMES, IN] });
  const stateful = tf.layers.lstm({ units: UNITS, name: "memory", stateful: true });
  refused(tf.model({ inputs: x, outputs: stateful.apply(x) as tf.SymbolicTensor }), "lrp.z", {}, noRule);
});

test("recurrent layers take the rule of dense layers, or one of their own by class", () => {
  const model = modelOf(tf.layers.lstm({ units: UNITS }), 2);
  const x = randomTensor([1, TIMES, IN], 7);
  const relevance = (method: string, options: object) =>
    tf.tidy(() => [...createAnalyzer(method, model, options).analyze(x).dataSync()]);
  assert.equal(
    relevance("lrp", {
      rule: [
        [["LSTM"], "Flat"],
        [["*"], "Z"],
      ],
    }),
    relevance("lrp.flat", {}),
  );
  assert.equal(
    relevance("lrp.sequential_preset_a", { epsilon: 0.1 }),
    relevance("lrp.epsilon", { epsilon: 0.1 }),
  );
  x.dispose();
  model.dispose();
});

test.run();
