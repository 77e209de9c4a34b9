import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, DisposedError, GraphError, ShapeError } from "../../src/errors.js";
import { getActivations, subModel, traceModelExecution } from "../../src/graph/index.js";
import { withoutLeak } from "../support/backends.js";
import { convNet, nestedNet, randomTensor, sharedNet } from "../support/models.js";
import { throws } from "../support/throws.js";
import { untouched } from "../support/untouched.js";

await tf.setBackend("cpu");

const run = (model: tf.LayersModel, ...xs: tf.Tensor[]) =>
  [model.predict(xs) as tf.Tensor | tf.Tensor[]].flat().map((y) => [...y.dataSync()]);
const names = (model: tf.LayersModel) =>
  model.layers.filter((l) => l.getClassName() !== "InputLayer").map((l) => l.name);

test("subModel gives the layers between two, whose inputs and outputs are what the named layers give", () => {
  const model = convNet();
  const part = subModel(model, { from: "pool1", to: "pool2" });
  assert.equal(names(part), ["conv2", "relu2", "pool2"]);
  assert.equal(part.inputNames, ["pool1_output"]);
  assert.equal(part.inputs[0]!.shape, [null, 4, 4, 4]);
  const x = randomTensor([2, 10, 10, 2], 1);
  const [pool1, pool2] = [subModel(model, { to: "pool1" }), subModel(model, { to: ["pool2"] })];
  assert.equal(run(part, pool1.predict(x) as tf.Tensor), run(pool2, x));
  assert.equal(run(subModel(model), x), run(model, x));
});

test("layers of nested models go by their paths, nested models by theirs, a shared layer's calls by number", () => {
  const model = nestedNet();
  const x = randomTensor([2, 6], 1);
  assert.equal(names(subModel(model, { to: "inner/block:0" })), [
    "stem",
    "inner/block/hidden",
    "inner/block/out",
  ]);
  assert.equal(
    run(subModel(model, { to: "inner/block/out:1" }), x),
    run(subModel(model, { to: "inner/block:1" }), x),
  );
  assert.equal(run(subModel(model, { to: "inner" }), x), run(model, x));
  const [front, back] = [
    subModel(model, { to: "inner/block/hidden:0" }),
    subModel(model, { from: "inner/block/hidden:0" }),
  ];
  assert.equal(run(back, front.predict(x) as tf.Tensor), run(model, x));
});

test("several tensors can be cut, and tensors themselves be given", () => {
  const model = sharedNet();
  const [a, b] = [randomTensor([2, 4], 1), randomTensor([2, 4], 2)];
  const front = subModel(model, { to: ["shared:0", "shared:1"] });
  const back = subModel(model, { from: ["shared:0", "shared:1"], to: "logits" });
  assert.equal(back.inputNames, ["shared_0_output", "shared_1_output"]);
  assert.equal(
    run(back, ...(front.predict([a, b]) as tf.Tensor[])),
    run(subModel(model, { to: "logits" }), a, b),
  );
  const logits = model.getLayer("logits").output as tf.SymbolicTensor;
  assert.equal(names(subModel(model, { from: logits })), ["softmax"]);
  // What is not needed for it is no input.
  assert.equal(subModel(model, { to: "shared:1" }).inputNames, ["b"]);
});

test("the parts share the weights, and any of the models can be disposed first; the model is left as it is", () => {
  const model = convNet();
  untouched(model, () => withoutLeak(() => subModel(model, { from: "conv1", to: "pool2" }).dispose()));
  const part = subModel(model, { to: "conv2" });
  const x = randomTensor([1, 10, 10, 2], 1);
  const want = run(part, x);
  model.dispose();
  assert.equal(run(part, x), want);
  const before = tf.memory().numTensors;
  part.dispose();
  assert.ok(tf.memory().numTensors < before);
});

test("a tensor that is cut at twice is an output twice, which tfjs runs, and no input twice", () => {
  const model = sharedNet();
  const x = model.inputs.map((_, i) => randomTensor([2, 4], i));
  withoutLeak(() => {
    const twice = subModel(model, { to: ["sum", "sum", "a", "a"] });
    const [sum, again, a, input] = tf.tidy(() =>
      (twice.predict(x) as tf.Tensor[]).map((y) => [...y.dataSync()]),
    );
    assert.equal([sum, a], [again, input]);
    assert.equal(a, [...x[0]!.dataSync()]);
    twice.dispose();
    throws(
      () => subModel(model, { from: ["sum", "sum"] }),
      ArgumentError,
      'subModel: expected different tensors from which to cut, got "sum_output" twice',
    );
  });
});

test("a nested model that is given one tensor twice, and uses it further, runs when it is unrolled", () => {
  const [query, value] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
  const mixed = tf.layers.add({ name: "mix" }).apply([query, value]) as tf.SymbolicTensor;
  const block = tf.model({
    name: "block",
    inputs: [query, value],
    outputs: tf.layers.multiply({ name: "gate" }).apply([mixed, query]) as tf.SymbolicTensor,
  });
  const x = tf.input({ shape: [3], name: "x" });
  const hidden = tf.layers.dense({ units: 3, name: "hidden" }).apply(x) as tf.SymbolicTensor;
  const model = tf.model({ inputs: x, outputs: block.apply([hidden, hidden]) as tf.SymbolicTensor });
  const input = randomTensor([2, 3], 1);
  untouched(model, () =>
    withoutLeak(() => {
      const part = subModel(model);
      tf.tidy(() => {
        assert.equal(run(part, input), run(model, input));
        const { "block/gate": gate } = getActivations(model, input);
        assert.equal([[...gate!.dataSync()]], run(model, input));
      });
      part.dispose();
    }),
  );
  // Where nothing else takes it, nothing is put in.
  const doubled = tf.layers.add({ name: "double" }).apply([hidden, hidden]) as tf.SymbolicTensor;
  assert.equal(names(subModel(tf.model({ inputs: x, outputs: doubled }))), ["hidden", "double"]);
  const { executionList, outputs } = traceModelExecution(model, { reapplyOnCopiedLayers: true });
  assert.equal(run(tf.model({ inputs: executionList[0]!.ys, outputs }), input), run(model, input));
});

test("tensors of two uses of one layer, which tfjs calls the same, can both be cut from", () => {
  const model = nestedNet();
  const uses = traceModelExecution(model).executionList.filter(({ layer }) => layer.name === "hidden");
  const from = uses.map(({ ys }) => ys[0]!);
  assert.is(from.length, 2);
  const part = subModel(model, { from, to: from });
  assert.is(new Set(part.inputNames).size, 2);
  part.dispose();
});

test("unknown names, ambiguous ones, foreign tensors and impossible cuts are refused; the model is left as it is", () => {
  const model = sharedNet();
  const who = "subModel: ";
  untouched(model, () =>
    withoutLeak(() => {
      const refuse = (options: object, kind: new (...a: never[]) => Error, message: string) =>
        throws(() => subModel(model, options), kind, who + message);
      refuse(
        { to: "logit" },
        GraphError,
        'the model "shared_net" has no layer "logit"; did you mean "logits"?',
      );
      refuse(
        { to: "xyzzy1234" },
        GraphError,
        'the model "shared_net" has no layer "xyzzy1234"; there are "a", "b", "shared:0", "shared:1", "sum", "logits", "softmax"',
      );
      refuse(
        { to: "shared" },
        GraphError,
        'layer "shared" of model "shared_net" is called 2 times; name one of "shared:0", "shared:1"',
      );
      refuse(
        { from: "sum", to: "shared:0" },
        GraphError,
        'what is asked for needs the input "a" too, which is not among "sum_output"',
      );
      refuse(
        { from: ["a", "b", "sum"], to: "logits" },
        GraphError,
        'what is asked for does not depend on "a"',
      );
      refuse({ to: [] }, ArgumentError, "expected at least one tensor to which to cut, got none");
      refuse({ to: 3 }, ArgumentError, "expected names of layers or symbolic tensors, got 3");
      const foreign = tf.input({ shape: [1], name: "foreign" });
      refuse({ to: foreign }, GraphError, `the tensor "${foreign.name}" is none of the model "shared_net"`);
    }),
  );
});

test("of a layer inside nested models the name alone brings up its paths", () => {
  const model = nestedNet();
  throws(
    () => subModel(model, { to: "hidden" }),
    GraphError,
    /has no layer "hidden"; did you mean "inner\/block\/hidden:0" or/,
  );
  throws(
    () => subModel(model, { to: "inner/block/hiden" }),
    GraphError,
    /did you mean "inner\/block\/hidden:0" or/,
  );
});

test("getActivations gives what was asked for by name, and keeps nothing else", () => {
  const model = nestedNet();
  const x = randomTensor([2, 6], 1);
  const before = tf.memory().numTensors;
  const activations = untouched(model, () =>
    getActivations(model, x, ["stem", "inner/block/hidden:1", "inner"]),
  );
  assert.equal(Object.keys(activations), ["stem", "inner/block/hidden:1", "inner"]);
  assert.is(tf.memory().numTensors, before + 3);
  assert.equal(activations.stem!.shape, [2, 4]);
  assert.equal([[...activations.inner!.dataSync()]], run(model, x));
  tf.dispose(activations);
  assert.equal(Object.keys(getActivations(model, x, "stem")), ["stem"]);
});

test("getActivations names all layers without a list, each tensor its own, and the states of a recurrent layer", () => {
  const x = tf.input({ shape: [3, 2], name: "x" });
  const [y] = tf.layers.lstm({ units: 2, name: "lstm", returnState: true }).apply(x) as tf.SymbolicTensor[];
  const model = tf.model({ inputs: x, outputs: y! });
  const value = randomTensor([2, 3, 2], 1);
  withoutLeak(() => {
    const all = getActivations(model, value);
    assert.equal(Object.keys(all), ["x", "lstm", "lstm[1]", "lstm[2]"]);
    assert.equal([...all.lstm!.dataSync()], [...all["lstm[1]"]!.dataSync()]);
    tf.dispose(all);
    assert.is(value.isDisposed, false);
  });
});

test("getActivations takes an input for each that the model has, tensors, and names that there are", () => {
  const model = sharedNet();
  const a = randomTensor([2, 4], 1);
  withoutLeak(() => {
    throws(
      () => getActivations(model, a, "sum"),
      ArgumentError,
      "getActivations: expected 2 inputs (a, b), got 1",
    );
    throws(
      () => getActivations(model, [a, 3 as never], "sum"),
      ArgumentError,
      "getActivations: expected x to be tensors, got 3",
    );
    for (const shape of [[2, 5], [4], [0, 4]]) {
      const wrong = tf.zeros(shape);
      throws(
        () => getActivations(model, [a, wrong], "sum"),
        ShapeError,
        `getActivations: expected at least one sample of shape [4] for the input "b", got a tensor of shape [${shape.join(", ")}]`,
      );
      wrong.dispose();
      throws(
        () => getActivations(model, [a, wrong], "sum"),
        DisposedError,
        'getActivations: the tensor for the input "b" is disposed',
      );
    }
    throws(
      () => getActivations(model, [a, a], ["sum", "som"]),
      GraphError,
      'getActivations: the model "shared_net" has no layer "som"; did you mean "sum"?',
    );
  });
});

test.run();
