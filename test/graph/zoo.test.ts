import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  copyModel,
  getActivations,
  getBottleneckTensors,
  getModelExecutionTrace,
  getModelLayers,
  mergeBatchNormalization,
  modelWoOutputActivation,
  modelWoSoftmax,
  preSoftmaxTensors,
  subModel,
  traceModelExecution,
} from "../../src/graph/index.js";
import { innerLayers, type Layer } from "../../src/layers/internals.js";
import { withoutLeak } from "../support/backends.js";
import { untouched } from "../support/untouched.js";
import { runningZoo, type ZooModel, zoo, zooInputs, zooOutputs } from "../support/zoo.js";

await tf.setBackend("cpu");

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.is(a.length, b.length);
  return Math.max(0, ...Array.from(a, (v, i) => Math.abs(v - b[i]!)));
}

function same(got: Float32Array[], want: Float32Array[], tolerance: number, message: string): void {
  assert.is(got.length, want.length, message);
  for (const [i, y] of got.entries()) {
    const d = distance(y, want[i]!);
    assert.ok(d <= tolerance, `${message}: output ${i} is off by ${d}`);
  }
}

/** Runs a function for each model of the zoo; all that it makes must be gone afterwards and the model as it was. */
function forEach(models: readonly ZooModel[], fn: (model: tf.LayersModel, entry: ZooModel) => void): void {
  for (const entry of models) {
    const model = entry.make();
    try {
      untouched(model, () => withoutLeak(() => fn(model, entry)));
    } catch (error) {
      throw new Error(`${entry.name}: ${(error as Error).message}`, { cause: error });
    }
    model.dispose();
  }
}

test("the zoo has at least 25 models, and every layer class of tfjs-layers is in one", () => {
  assert.ok(runningZoo.length >= 25);
  const withInner = (layer: Layer): Layer[] => [layer, ...innerLayers(layer).flatMap(withInner)];
  const there = new Set<string>();
  for (const entry of zoo) {
    const model = entry.make();
    for (const layer of [model, ...getModelLayers(model).flatMap(withInner)]) there.add(layer.getClassName());
  }
  const own = ["Constants", "ExtractConv2dPatches"];
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  const registered = Object.keys(classNameMap).filter(
    (name) =>
      (classNameMap[name]![0] as unknown as { prototype: unknown }).prototype instanceof tf.layers.Layer,
  );
  assert.equal(
    // `tf.model` makes a Functional, which says that it is a Model.
    registered.filter((name) => !there.has(name) && name !== "Functional" && !own.includes(name)),
    [],
  );
});

test("copies of every model give its outputs, with shared weights and with weights of their own", () => {
  forEach(zoo, (model, entry) => {
    for (const shareWeights of [true, false]) {
      const tensors = tf.memory().numTensors;
      const copy = copyModel(model, { shareWeights });
      assert.is(tf.memory().numTensors - tensors, shareWeights ? 0 : model.weights.length);
      assert.equal(
        [copy.name, copy.inputNames, copy.outputNames, copy.weights.map((w) => w.originalName)],
        [model.name, model.inputNames, model.outputNames, model.weights.map((w) => w.originalName)],
      );
      // tfjs itself leaves out an initial state, and the names of stacked cells.
      if (!["initial_state", "cells"].includes(entry.name))
        assert.equal(copy.toJSON(null, false), model.toJSON(null, false));
      if (!entry.cannotRun) same(zooOutputs(copy, entry), zooOutputs(model, entry), 0, "copy");
      copy.dispose();
    }
  });
});

test("softmax of the outputs of modelWoSoftmax is every model's outputs, to 1e-6", () => {
  forEach(runningZoo, (model, entry) => {
    const copy = modelWoSoftmax(model, { shouldFindSoftmax: entry.softmax });
    tf.tidy(() => {
      const xs = zooInputs(model, entry);
      const want = [model.predict(xs) as tf.Tensor | tf.Tensor[]].flat();
      const got = [copy.predict(xs) as tf.Tensor | tf.Tensor[]].flat();
      const changed = got.map((y, i) => distance(y.dataSync(), want[i]!.dataSync()) > 1e-6);
      assert.is(changed.includes(true), entry.softmax);
      same(
        got.map((y, i) => (changed[i] ? tf.softmax(y) : y).dataSync() as Float32Array),
        want.map((y) => y.dataSync() as Float32Array),
        1e-6,
        "softmax",
      );
    });
    copy.dispose();
  });
});

test("modelWoOutputActivation takes off every last activation, and leaves outputs without one", () => {
  const activations: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    activations: tf.sigmoid,
    decoder: (x) => x,
    wrapped_block_twice: (x) => x,
    steps_around_steps: (x) => x,
  };
  forEach(runningZoo, (model, entry) => {
    if (model.outputs.length > 1) return;
    const copy = modelWoOutputActivation(model);
    tf.tidy(() => {
      const [z] = zooOutputs(copy, entry);
      const shape = model.outputs[0]!.shape.map((n) => n ?? 3);
      const y = (activations[entry.name] ?? tf.softmax)(tf.tensor(z!, shape as number[]));
      same([y.dataSync() as Float32Array], zooOutputs(model, entry), 1e-6, "activation");
    });
    copy.dispose();
  });
});

test("the calls made again on copied layers are every model's outputs; no entry is a model", () => {
  forEach(zoo, (model, entry) => {
    const { executionList, layers, outputs } = traceModelExecution(model, { reapplyOnCopiedLayers: true });
    const plain = traceModelExecution(model);
    assert.equal(
      executionList.map(({ layer }) => layer.getClassName()),
      plain.executionList.map(({ layer }) => layer.getClassName()),
    );
    assert.ok(layers.every((layer) => !("nodesByDepth" in layer) && !plain.layers.includes(layer)));
    const inputs = executionList.slice(0, model.inputs.length).map(({ ys }) => ys[0]!);
    if (entry.cannotRun) for (const layer of layers) layer.dispose();
    else {
      const flat = tf.model({ inputs, outputs });
      same(zooOutputs(flat, entry), zooOutputs(model, entry), 0, "flat");
      flat.dispose();
    }
  });
});

test("every tensor of a trace has one maker, and those it says use it do", () => {
  forEach(zoo, (model) => {
    const nodes = getModelExecutionTrace(model);
    const ys = nodes.flatMap((node) => node.ys);
    assert.is(new Set(ys).size, ys.length);
    for (const node of nodes) {
      node.xs.forEach((x, i) => {
        const maker = nodes[node.xsNids[i] ?? -1];
        assert.is(
          maker === undefined ? model.inputs.includes(x) : maker.ys.includes(x),
          true,
          `${node.path} ${i}`,
        );
        assert.is(maker?.layer ?? x.sourceLayer, node.xsLayers[i]);
      });
      node.ysNids.forEach((users, i) => {
        const real = nodes.filter(({ xs }) => xs.includes(node.ys[i]!)).map(({ nid }) => nid);
        assert.equal(users, real.length === 0 ? [null] : real);
      });
    }
    assert.equal(
      traceModelExecution(model).outputs.map((y) => y.shape),
      model.outputs.map((y) => y.shape),
    );
  });
});

test("cut in two at any bottleneck, every model gives its outputs", () => {
  let cuts = 0;
  forEach(runningZoo, (model, entry) => {
    const { executionList, outputs } = traceModelExecution(model);
    for (const tensor of getBottleneckTensors(model.inputs, outputs, executionList)) {
      // Masks do not pass from one model to another.
      if (entry.name === "masked" || entry.name === "text") continue;
      const [front, back] = [subModel(model, { to: tensor }), subModel(model, { from: tensor })];
      tf.tidy(() => {
        const middle = front.predict(zooInputs(model, entry)) as tf.Tensor;
        const ys = [back.predict(middle) as tf.Tensor | tf.Tensor[]].flat();
        same(
          ys.map((y) => y.dataSync() as Float32Array),
          zooOutputs(model, entry),
          1e-6,
          tensor.name,
        );
      });
      front.dispose();
      back.dispose();
      cuts++;
    }
  });
  assert.ok(cuts > 80, String(cuts));
});

test("getActivations gives every layer's output, the last of which are the model's", () => {
  forEach(runningZoo, (model, entry) => {
    tf.tidy(() => {
      const activations = getActivations(model, zooInputs(model, entry));
      const { executionList } = traceModelExecution(model);
      assert.ok(Object.keys(activations).length >= executionList.length);
      const last = zooOutputs(model, entry)[0]!;
      assert.ok(
        Object.values(activations).some((y) => y.size === last.length && distance(y.dataSync(), last) === 0),
      );
    });
  });
});

test("with batch normalisations merged every model gives its outputs, to 1e-5 of the largest", () => {
  forEach(runningZoo, (model, entry) => {
    const { model: copy, merged, kept } = mergeBatchNormalization(model);
    const want = zooOutputs(model, entry);
    same(
      zooOutputs(copy, entry),
      want,
      1e-5 * Math.max(...want.flatMap((y) => [...y].map(Math.abs))),
      "merged",
    );
    const left = getModelLayers(copy).filter((layer) => layer.getClassName() === "BatchNormalization");
    assert.is(left.length, kept.length);
    const count: Record<string, number> = { residual: 1 };
    assert.is(merged.length, count[entry.name] ?? 0);
    copy.dispose();
  });
});

test("preSoftmaxTensors of every model's outputs are its logits", () => {
  for (const entry of runningZoo.filter(({ softmax }) => softmax)) {
    const model = entry.make();
    const outputs = preSoftmaxTensors(model.outputs);
    const [logits, want] = [tf.model({ inputs: model.inputs, outputs }), modelWoSoftmax(model)];
    same(zooOutputs(logits, entry), zooOutputs(want, entry), 0, entry.name);
  }
});

test("every copied model saves, loads and gives the same", async () => {
  for (const entry of runningZoo) {
    // What tfjs 4.22 saves of a SeparableConv2D lacks its depthMultiplier, so that it cannot load it, copied or not.
    if (entry.name === "separable") continue;
    const model = entry.make();
    const copy = copyModel(model, { shareWeights: false });
    let saved: tf.io.ModelArtifacts | undefined;
    await copy.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
      }),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
    same(zooOutputs(loaded, entry), zooOutputs(model, entry), 0, entry.name);
  }
});

test.run();
