import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ArgumentError,
  DisposedError,
  GraphError,
  ShapeError,
  UnsupportedLayerError,
} from "../../src/errors.js";
import { copyLayer, copyLayerWoActivation, copyModel, getModelLayers } from "../../src/graph/index.js";
import { isContainer } from "../../src/layers/internals.js";
import { withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";
import { zoo } from "../support/zoo.js";

await tf.setBackend("cpu");
const l = tf.layers;

const valuesOf = (layer: tf.layers.Layer) => layer.getWeights().map((w) => [...w.dataSync()]);
const run = (layer: tf.layers.Layer, x: tf.Tensor) =>
  tf.tidy(() => [layer.apply(x)].flat().map((y) => [...(y as tf.Tensor).dataSync()])[0]!);
function builtDense(name = `made_${Math.random()}`): tf.layers.Layer {
  const layer = l.dense({ name, units: 3, activation: "softmax", biasInitializer: "randomNormal" });
  layer.apply(tf.input({ shape: [2] }));
  return layer;
}
const x = tf.tensor2d([[1, -2]]);

test("a copy has the class, the settings and the weights of the layer, a new name, and no calls", () => {
  const dense = builtDense();
  const copy = copyLayer(dense);
  assert.is(copy.getClassName(), "Dense");
  assert.is.not(copy.name, dense.name);
  assert.equal({ ...copy.getConfig(), name: "" }, { ...dense.getConfig(), name: "" });
  assert.equal([copy.inboundNodes.length, dense.inboundNodes.length], [0, 1]);
  assert.equal(valuesOf(copy), valuesOf(dense));
  assert.equal(run(copy, x), run(dense, x));
  assert.is(copyLayer(dense, { nameTemplate: "no_%s_2" }).name, `no_${dense.name}_2`);
});

test("every layer of the zoo has a copy with its config and weights, shared and not, and nothing is left of either", () => {
  for (const entry of zoo) {
    const model = entry.make();
    for (const layer of getModelLayers(model)) {
      if (layer.getClassName() === "InputLayer") continue;
      for (const reuseSymbolicTensors of [true, false]) {
        const weights = layer.weights.length;
        const before = tf.memory().numTensors;
        const copy = copyLayer(layer, { reuseSymbolicTensors });
        assert.is(tf.memory().numTensors - before, reuseSymbolicTensors ? 0 : weights, layer.name);
        assert.is(copy.weights.length, weights, layer.name);
        assert.equal(valuesOf(copy), valuesOf(layer), layer.name);
        assert.is(copy.getClassName(), isContainer(layer) ? copy.getClassName() : layer.getClassName());
        copy.dispose();
        assert.is(tf.memory().numTensors, before, `${layer.name} ${reuseSymbolicTensors}`);
      }
    }
    model.dispose();
  }
});

test("shared weights are the same variables; copied ones are not", () => {
  const dense = builtDense();
  const [shared, own] = [copyLayer(dense), copyLayer(dense, { reuseSymbolicTensors: false })];
  const before = valuesOf(dense);
  tf.tidy(() => dense.setWeights(dense.getWeights().map((w) => tf.mul(w, 2))));
  assert.equal(valuesOf(shared), valuesOf(dense));
  assert.equal(valuesOf(own), before);
  tf.tidy(() => shared.setWeights(shared.getWeights().map((w) => tf.zerosLike(w))));
  assert.ok(
    valuesOf(dense)
      .flat()
      .every((v) => v === 0),
  );
});

for (const used of ["built by hand", "called on tensors", "called on a symbolic tensor"] as const) {
  test(`a layer ${used} and its copy are disposed in either order, and nothing stays`, () => {
    for (const first of ["layer", "copy"] as const) {
      withoutLeak(() => {
        const layer = l.dense({ units: 3 });
        if (used === "built by hand") layer.build([null, 2]);
        else if (used === "called on tensors") run(layer, x);
        else layer.apply(tf.input({ shape: [2] }));
        const copy = copyLayer(layer);
        const [gone, alive] = first === "layer" ? [layer, copy] : [copy, layer];
        const want = run(alive, x);
        // tfjs refuses to dispose a layer that was never used; once a copy shares its weights it can be.
        gone.dispose();
        assert.equal(run(alive, x), want);
        alive.dispose();
      });
    }
  });
}

test("a layer that is used in a model after it was copied is freed with both", () => {
  for (const first of ["model", "copy"] as const) {
    withoutLeak(() => {
      const layer = l.dense({ units: 3 });
      layer.build([null, 2]);
      const copy = copyLayer(layer);
      const input = tf.input({ shape: [2] });
      const model = tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
      const [gone, alive] = first === "model" ? [model, copy] : [copy, model];
      gone.dispose();
      alive.dispose();
    });
  }
});

test("a copy in a model is freed with the model", () => {
  const dense = builtDense();
  withoutLeak(() => {
    const input = tf.input({ shape: [2] });
    const copy = copyLayer(dense, { reuseSymbolicTensors: false });
    tf.model({ inputs: input, outputs: copy.apply(input) as tf.SymbolicTensor }).dispose();
  });
  dense.dispose();
});

test("keepBias: false drops the bias, also of cells and wrapped layers", () => {
  const dense = builtDense();
  const copy = copyLayer(dense, { keepBias: false });
  assert.equal(valuesOf(copy), valuesOf(dense).slice(0, 1));
  assert.is(copy.getConfig().useBias, false);
  const lstm = l.lstm({ units: 2 });
  lstm.apply(tf.input({ shape: [3, 2] }));
  assert.is(copyLayer(lstm, { keepBias: false }).weights.length, 2);
  const both = l.bidirectional({ layer: l.gru({ units: 2 }) as tf.RNN, mergeMode: "sum" });
  both.apply(tf.input({ shape: [3, 2] }));
  assert.is(copyLayer(both, { keepBias: false }).weights.length, both.weights.length - 2);
  const steps = l.timeDistributed({ layer: l.dense({ units: 2 }) });
  steps.apply(tf.input({ shape: [3, 2] }));
  assert.is(copyLayer(steps, { keepBias: false }).weights.length, 1);
  const flatten = copyLayer(l.flatten(), { keepBias: false });
  assert.is(flatten.getClassName(), "Flatten");
});

test("given weights are copied, in the order of getWeights(), without the bias where it is dropped", () => {
  const dense = builtDense();
  withoutLeak(() => {
    const weights = [tf.ones([2, 3]), tf.fill([3], 5)];
    const copy = copyLayer(dense, { weights });
    tf.dispose(weights);
    assert.equal(valuesOf(copy), [Array(6).fill(1), Array(3).fill(5)]);
    const kernel = tf.ones([2, 3]);
    const bare = copyLayer(dense, { weights: kernel, keepBias: false });
    assert.equal(valuesOf(bare), [Array(6).fill(1)]);
    kernel.dispose();
    copy.dispose();
    bare.dispose();
  });
});

test("weights that do not fit are refused with the shapes", () => {
  const dense = builtDense("fits");
  withoutLeak(() => {
    const kernel = tf.ones([3, 3]);
    throws(
      () => copyLayer(dense, { weights: [kernel] }),
      ShapeError,
      'copyLayer: expected 2 weights of shape [2, 3], [3] for layer "fits" (Dense), got a tensor of shape [3, 3]',
    );
    throws(
      () => copyLayer(l.dense({ units: 2, name: "raw" }), { weights: [kernel] }),
      GraphError,
      'copyLayer: layer "raw" (Dense) is not built, so its copy cannot be given weights yet',
    );
    kernel.dispose();
  });
});

test("the copy of a layer that is not built is not built", () => {
  const copy = copyLayer(l.conv2d({ filters: 2, kernelSize: 3 }));
  assert.equal([copy.built, copy.weights.length], [false, 0]);
});

test("copyLayerWoActivation makes the activation linear, in layers, activation layers, cells and wrappers", () => {
  const dense = builtDense();
  const linear = copyLayerWoActivation(dense);
  const z = tf.tidy(() => tf.softmax(linear.apply(x) as tf.Tensor).dataSync());
  run(dense, x).forEach((y, i) => assert.ok(Math.abs(y - z[i]!) < 1e-6));
  for (const layer of [l.softmax(), l.reLU(), l.elu(), l.activation({ activation: "tanh" })]) {
    const copy = copyLayerWoActivation(layer, { nameTemplate: "%s_linear" });
    assert.equal([copy.getClassName(), copy.name], ["Activation", `${layer.name}_linear`]);
    assert.equal(run(copy, x), [1, -2]);
  }
  const lstm = l.lstm({ units: 2, activation: "tanh" });
  assert.equal(
    [copyLayerWoActivation(lstm).getConfig().activation, lstm.getConfig().recurrentActivation],
    ["linear", copyLayerWoActivation(lstm).getConfig().recurrentActivation],
  );
  const steps = copyLayerWoActivation(
    l.timeDistributed({ layer: l.dense({ units: 2, activation: "softmax" }) }),
  );
  assert.is(
    ((steps.getConfig().layer as tf.serialization.ConfigDict).config as { activation: string }).activation,
    "linear",
  );
  assert.is("activation" in copyLayerWoActivation(l.flatten()).getConfig(), false);
});

test("a copy saves and loads beside the layer it was made of", async () => {
  const dense = builtDense();
  const input = tf.input({ shape: [2] });
  const copy = copyLayer(dense, { nameTemplate: "%s_copy" });
  const outputs = [dense.apply(input), copy.apply(input)] as tf.SymbolicTensor[];
  const model = tf.model({ inputs: input, outputs });
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
  const [a, b] = loaded.predict(x) as tf.Tensor[];
  assert.equal([...a!.dataSync()], [...b!.dataSync()]);
});

test("layers that were only ever called on tensors, or built by hand, have copies with weights of their own, too", () => {
  const image = tf.randomUniform([1, 5, 5, 2], -1, 1, "float32", 3);
  const series = tf.randomUniform([1, 4, 3], -1, 1, "float32", 3);
  const cases: [() => tf.layers.Layer, tf.Tensor][] = [
    [() => l.dense({ units: 2 }), series],
    [() => l.conv2d({ filters: 2, kernelSize: 2 }), image],
    [() => l.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }), image],
    [() => l.separableConv2d({ filters: 3, kernelSize: 2, depthMultiplier: 2 }), image],
    [() => l.conv2dTranspose({ filters: 2, kernelSize: 2 }), image],
    [() => l.batchNormalization(), image],
    [() => l.layerNormalization(), image],
    [() => l.layerNormalization({ axis: [1, 2] }), image],
    [() => l.prelu({ sharedAxes: [1] }), image],
    [() => l.lstm({ units: 2 }), series],
    [() => l.bidirectional({ layer: l.gru({ units: 2 }) as tf.RNN, mergeMode: "concat" }), series],
    [() => l.timeDistributed({ layer: l.dense({ units: 2 }) }), series],
    [() => l.embedding({ inputDim: 4, outputDim: 2 }), tf.tensor2d([[1, 2, 3]])],
    [() => l.convLstm2d({ filters: 1, kernelSize: 2 }) as tf.layers.Layer, image.expandDims(0)],
  ];
  for (const [make, input] of cases) {
    for (const reuseSymbolicTensors of [true, false]) {
      withoutLeak(() => {
        const layer = make();
        const want = run(layer, input);
        const copy = copyLayer(layer, { reuseSymbolicTensors });
        assert.is(copy.weights.length, layer.weights.length, layer.name);
        assert.equal(run(copy, input), want, layer.name);
        layer.dispose();
        assert.equal(run(copy, input), want, layer.name);
        copy.dispose();
      });
    }
    const built = make();
    built.build(input.shape);
    assert.equal(valuesOf(copyLayer(built, { reuseSymbolicTensors: false })), valuesOf(built), built.name);
  }
});

test("a registered layer of a user's that was only ever called on tensors shares its weights, and cannot be given others", () => {
  class Bare extends l.Layer {
    static readonly className = "BareInCopies";
    override build(shape: tf.Shape): void {
      this.addWeight("w", [shape.at(-1) as number], "float32", tf.initializers.randomNormal({}));
      super.build(shape);
    }
    override call(input: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.tidy(() => tf.mul([input].flat()[0]!, this.weights[0]!.read()));
    }
  }
  const bare = new Bare({ name: "bare" });
  const want = run(bare, x);
  const copy = copyLayer(bare);
  assert.equal(run(copy, x), want);
  throws(
    () => copyLayer(bare, { reuseSymbolicTensors: false }),
    GraphError,
    /^copyLayer: layer "bare" \(BareInCopies\) was only ever called on tensors, so the shape/,
  );
});

test("PReLU without its activation is linear and has no weights", () => {
  const prelu = l.prelu();
  prelu.build([null, 2]);
  withoutLeak(() => {
    const copy = copyLayerWoActivation(prelu);
    assert.equal([run(copy, x), copy.weights.length], [[1, -2], 0]);
  });
});

test("a constant that a layer makes from its config is made anew; one that comes out differently is refused", () => {
  class Constant extends l.Layer {
    static readonly className = "ConstantInCopies";
    readonly values: number[];
    readonly constant: tf.Tensor;
    constructor(config: { name?: string; values: number[]; random?: boolean }) {
      super(config as object);
      this.values = config.values;
      this.constant = config.random ? tf.randomNormal([2]) : tf.tensor1d(config.values);
    }
    override call(input: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.mul([input].flat()[0]!, this.constant);
    }
    override getConfig(): tf.serialization.ConfigDict {
      return { ...super.getConfig(), values: this.values };
    }
  }
  const layer = new Constant({ values: [3, 4] });
  assert.equal(run(copyLayer(layer), x), [3, -8]);
  const random = new Constant({ name: "random", values: [1, 1], random: true });
  withoutLeak(() =>
    throws(
      () => copyLayer(random),
      UnsupportedLayerError,
      /"random" \(ConstantInCopies\) cannot be copied: made anew from its config it has another tensor in its field constant/,
    ),
  );
});

test("what a class of a user's does not tell in its config is copied, too", () => {
  class Power extends l.Layer {
    static readonly className = "PowerInCopies";
    readonly exponents: number[];
    readonly times = (x: tf.Tensor) => tf.mul(x, this.factor);
    private dim: number | undefined;
    constructor(
      private readonly factor: number,
      private readonly then: (x: tf.Tensor) => tf.Tensor,
      ...exponents: number[]
    ) {
      super({});
      this.exponents = exponents;
    }
    override build(shape: tf.Shape): void {
      this.dim = shape.at(-1)!;
      super.build(shape);
    }
    override call(input: tf.Tensor | tf.Tensor[]): tf.Tensor {
      assert.is(this.dim, 2);
      return this.then(tf.pow(this.times([input].flat()[0]!), this.exponents));
    }
  }
  const layer = new Power(3, tf.neg, 1, 2);
  const x = tf.input({ shape: [2] });
  const model = tf.model({ inputs: x, outputs: layer.apply(x) as tf.SymbolicTensor });
  const copy = copyModel(model);
  assert.equal(run(copy, tf.tensor2d([[1, 2]])), [-3, -36]);
  (copy.layers[1] as unknown as { factor: number }).factor = 1;
  assert.equal(run(copy, tf.tensor2d([[1, 2]])), [-1, -4]);
});

test("a class of a user's loses its activation where it takes it from its config, and is refused where it does not", () => {
  class Ending extends l.Layer {
    static readonly className: string = "EndingInCopies";
    readonly activation: string;
    constructor(config: { activation?: string; fixed?: boolean; name?: string }) {
      super(config as object);
      this.activation = config.fixed ? "softmax" : (config.activation ?? "softmax");
    }
    override call(input: tf.Tensor | tf.Tensor[]): tf.Tensor {
      const x = [input].flat()[0]!;
      return this.activation === "softmax" ? tf.softmax(x) : tf.clone(x);
    }
  }
  const ending = new Ending({});
  assert.equal(run(copyLayerWoActivation(ending), x), [1, -2]);
  class Fixed extends Ending {
    static override readonly className: string = "FixedInCopies";
    constructor(config: { name?: string }) {
      super({ ...config, fixed: true });
    }
  }
  throws(
    () => copyLayerWoActivation(new Fixed({ name: "fixed" })),
    UnsupportedLayerError,
    /"fixed" \(FixedInCopies\) cannot be copied: made anew from its config with the activation linear it has softmax/,
  );
});

test("a copied input layer is one, of the same shape", () => {
  const copy = copyLayer(tf.input({ shape: [3], dtype: "int32", name: "tokens" }).sourceLayer, {
    nameTemplate: "%s_2",
  });
  const y = copy.getOutputAt(0) as tf.SymbolicTensor;
  assert.equal([copy.name, y.shape, y.dtype], ["tokens_2", [null, 3], "int32"]);
});

/** Keeps a variable, or a layer, that TensorFlow.js does not know of. */
class Hiding extends l.Layer {
  static readonly className = "Hiding";
  readonly secret: tf.Variable | tf.layers.Layer;
  constructor(config: { name?: string; what?: string } = {}) {
    super(config as object);
    this.secret = config.what === "layer" ? l.dense({ units: 2 }) : tf.variable(tf.ones([2]));
    if (this.secret instanceof l.Layer) this.secret.build([null, 2]);
  }
}

test("a layer that hides its weights is refused, and so is one that makes them in its constructor", () => {
  for (const what of ["variable", "layer"]) {
    const layer = new Hiding({ name: "hiding", what });
    layer.apply(tf.input({ shape: [2] }));
    const before = tf.memory().numTensors;
    throws(
      () => copyLayer(layer),
      UnsupportedLayerError,
      'copyLayer: layer "hiding" (Hiding) cannot be copied: it hides weights from TensorFlow.js in its field secret; ' +
        "make them with addWeight in build()",
    );
    assert.is(tf.memory().numTensors, before);
  }
  class Early extends l.Layer {
    static readonly className = "Early";
    constructor(config: { name?: string }) {
      super(config as object);
      this.addWeight("w", [2], "float32", tf.initializers.ones());
    }
  }
  const early = new Early({ name: "early" });
  early.apply(tf.input({ shape: [2] }));
  const before = tf.memory().numTensors;
  throws(
    () => copyLayer(early),
    UnsupportedLayerError,
    /"early" \(Early\) cannot be copied: it makes its weights in its constructor/,
  );
  assert.is(tf.memory().numTensors, before);
});

test("what is no layer, a disposed one, a template without %s, and changes to a model are refused", () => {
  const who = "copyLayer";
  throws(() => copyLayer(null as never), ArgumentError, `${who}: expected a layer, got null`);
  throws(
    () => copyLayer(l.flatten(), { nameTemplate: "x" }),
    ArgumentError,
    `${who}: expected nameTemplate to have a %s for the old name, got "x"`,
  );
  const dense = builtDense("gone");
  dense.dispose();
  throws(() => copyLayer(dense), DisposedError, `${who}: layer "gone" (Dense) is disposed`);
  const model = tf.sequential({ name: "whole", layers: [l.dense({ units: 1, inputShape: [1] })] });
  throws(
    () => copyLayerWoActivation(model),
    UnsupportedLayerError,
    /copyLayerWoActivation: "whole" \(Sequential\) is a model/,
  );
  throws(
    () => copyLayer(model, { keepBias: false }),
    UnsupportedLayerError,
    /is a model, which is copied as a whole/,
  );
  const copy = copyLayer(model) as unknown as tf.LayersModel;
  assert.equal(
    tf.tidy(() => [...(copy.predict(tf.ones([1, 1])) as tf.Tensor).dataSync()]),
    tf.tidy(() => [...(model.predict(tf.ones([1, 1])) as tf.Tensor).dataSync()]),
  );
});

test.run();
