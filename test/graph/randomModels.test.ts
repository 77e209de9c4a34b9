import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GraphError } from "../../src/errors.js";
import {
  copyModel,
  getActivations,
  getModelLayers,
  mergeBatchNormalization,
  modelWoSoftmax,
  subModel,
  traceModelExecution,
} from "../../src/graph/index.js";
import { randomSource } from "../support/arrays.js";
import { withoutLeak } from "../support/backends.js";
import { randomInputs, randomModel } from "../support/randomModels.js";
import { untouched } from "../support/untouched.js";

await tf.setBackend("cpu");

type Values = Float32Array[];

function run(model: tf.LayersModel, xs: readonly tf.Tensor[]): Values {
  return tf.tidy(() =>
    [model.predict([...xs]) as tf.Tensor | tf.Tensor[]].flat().map((y) => y.dataSync() as Float32Array),
  );
}

/** To a share of the largest number, at least 1. */
function close(got: Values, want: Values, tolerance: number, message: string): void {
  assert.is(got.length, want.length, message);
  for (const [i, y] of got.entries()) {
    const expected = want[i]!;
    const largest = Math.max(1, ...expected.map(Math.abs));
    const off = Math.max(...y.map((v, k) => Math.abs(v - expected[k]!)));
    assert.ok(off <= tolerance * largest, `${message}: output ${i} is off by ${off}`);
  }
}

/** Runs a function for many models, each of which must be as it was afterwards, and nothing be left. */
function forEach(fn: (model: tf.LayersModel, xs: tf.Tensor[], want: Values, seed: number) => void): void {
  let models = 0;
  for (let seed = 1; seed <= 120; seed++) {
    const model = randomModel(seed);
    if (model === null) continue;
    models++;
    const xs = randomInputs(model);
    const want = run(model, xs);
    try {
      untouched(model, () => withoutLeak(() => fn(model, xs, want, seed)));
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    tf.dispose(xs);
  }
  assert.ok(models > 80, String(models));
}

test("copies, and copies of copies, of models put together at random are the models", () => {
  forEach((model, xs, want) => {
    for (const shareWeights of [true, false]) {
      const copy = copyModel(model, { shareWeights });
      assert.equal(copy.toJSON(null, false), model.toJSON(null, false));
      const again = copyModel(copy, { shareWeights });
      close(run(copy, xs), want, 0, "copy");
      copy.dispose();
      close(run(again, xs), want, 0, "copy of the copy");
      again.dispose();
    }
  });
});

test("without softmax, outputs of models put together at random are logits or what they were", () => {
  forEach((model, xs, want) => {
    const copy = modelWoSoftmax(model, { shouldFindSoftmax: false });
    tf.tidy(() => {
      const got = run(copy, xs).map((y, i) => {
        const isSame = y.every((v, k) => Math.abs(v - want[i]![k]!) < 1e-5);
        return isSame ? y : (tf.softmax(tf.tensor(y, [2, y.length / 2])).dataSync() as Float32Array);
      });
      close(got, want, 1e-5, "softmax");
    });
    copy.dispose();
  });
});

test("batch normalisations of models put together at random are merged exactly, to 2e-5, or kept", () => {
  let count = 0;
  forEach((model, xs, want) => {
    const { model: copy, merged, kept } = mergeBatchNormalization(model);
    close(run(copy, xs), want, 2e-5, "merged");
    const left = getModelLayers(copy).filter((layer) => layer.getClassName() === "BatchNormalization");
    assert.is(left.length, kept.length);
    count += merged.length;
    copy.dispose();
  });
  assert.ok(count > 20, String(count));
});

test("the calls of a trace, made one after the other, give the outputs and all activations", () => {
  forEach((model, xs, want) => {
    tf.tidy(() => {
      const { executionList, outputs } = traceModelExecution(model);
      const values = valuesOf(model, xs);
      close(
        outputs.map((y) => values.get(y)!.dataSync() as Float32Array),
        want,
        0,
        "outputs",
      );
      const flat = traceModelExecution(model, { reapplyOnCopiedLayers: true });
      const inputs = flat.executionList.slice(0, model.inputs.length).map(({ ys }) => ys[0]!);
      const copy = tf.model({ inputs, outputs: flat.outputs });
      close(run(copy, xs), want, 0, "reapplied");
      copy.dispose();
      const activations = Object.values(getActivations(model, xs));
      for (const { ys } of executionList) {
        for (const y of ys) {
          const value = values.get(y)!.dataSync();
          assert.ok(activations.some((a) => a.dataSync().every((v, k) => v === value[k])));
        }
      }
    });
  });
});

test("between any tensors a part of a model put together at random computes what the model does, or is refused", () => {
  let cuts = 0;
  forEach((model, xs, _, seed) => {
    const random = randomSource(seed);
    tf.tidy(() => {
      const values = valuesOf(model, xs);
      const tensors = [...values.keys()];
      const some = () =>
        Array.from(
          { length: 1 + Math.floor(random() * 3) },
          () => tensors[Math.floor(random() * tensors.length)]!,
        );
      for (let i = 0; i < 6; i++) {
        const [from, to] = [[...new Set(some())], some()];
        let part: tf.LayersModel;
        try {
          part = subModel(model, { from, to });
        } catch (error) {
          assert.instance(error, GraphError);
          continue;
        }
        const value = (x: tf.SymbolicTensor) => values.get(x)!;
        const want = to.map((y) => value(y).dataSync() as Float32Array);
        close(run(part, from.map(value)), want, 1e-6, "part");
        part.dispose();
        cuts++;
      }
    });
  });
  assert.ok(cuts > 50, String(cuts));
});

/** What each tensor of a model's execution is for inputs, layer by layer. */
function valuesOf(model: tf.LayersModel, xs: readonly tf.Tensor[]): Map<tf.SymbolicTensor, tf.Tensor> {
  const values = new Map(model.inputs.map((x, i) => [x, xs[i]!]));
  for (const { layer, xs: from, ys } of traceModelExecution(model).executionList) {
    if (ys.every((y) => values.has(y))) continue;
    const given = from.map((x) => values.get(x)!);
    const made = [layer.apply(given.length === 1 ? given[0]! : given)].flat() as tf.Tensor[];
    for (const [i, y] of ys.entries()) values.set(y, made[i]!);
  }
  return values;
}

test.run();
