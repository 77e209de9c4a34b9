import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer, listAnalyzers, methodSupport } from "../../src/analyzers/index.js";
import { ArgumentError, GraphError, UnsupportedLayerError } from "../../src/errors.js";
import { getModelExecutionTrace } from "../../src/graph/index.js";
import { loadModel } from "../../src/io/index.js";
import { svgToPng } from "../../src/io/node/index.js";
import { modelGraph, modelGraphDot, modelGraphHtml, modelGraphSvg } from "../../src/report/index.js";
import { withoutLeak } from "../support/backends.js";
import { graphFiles } from "../support/graphModel.js";
import { convNet, nestedNet, sharedNet } from "../support/models.js";
import { throws } from "../support/throws.js";
import { untouched } from "../support/untouched.js";
import { zoo } from "../support/zoo.js";

await tf.setBackend("cpu");

/** Boxes as they are drawn: the frame of each node. */
function frames(svg: string): { id: string; x: number; y: number; width: number; height: number }[] {
  const pattern =
    /data-id="(\w+)">.*?<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="8"/g;
  return [...svg.matchAll(pattern)].map(([, id, ...numbers]) => {
    const [x, y, width, height] = numbers.map(Number) as [number, number, number, number];
    return { id: id!, x, y, width, height };
  });
}

test("a graph has a node a call, an edge a use, a box a use of a nested model, and marks bottlenecks and outputs", () => {
  const { nodes, edges, groups } = modelGraph(nestedNet());
  assert.equal(
    nodes.map(({ id, nid, path, group }) => [id, nid, path, group]),
    [
      ["input0", null, "outer_input", null],
      ["node0", 0, "stem", null],
      ["node1", 1, "inner/block/hidden", "group1"],
      ["node2", 2, "inner/block/out", "group1"],
      ["node3", 3, "inner/block/hidden", "group2"],
      ["node4", 4, "inner/block/out", "group2"],
      ["node5", 5, "inner/probabilities", "group0"],
    ],
  );
  assert.equal(
    groups.map(({ id, name, parent }) => [id, name, parent]),
    [
      ["group0", "inner", null],
      ["group1", "inner/block", "group0"],
      ["group2", "inner/block", "group0"],
    ],
  );
  assert.equal(edges.length, 6);
  assert.equal(nodes.map(({ output }) => output).indexOf(true), 6);
  const shared = modelGraph(sharedNet());
  assert.equal(
    shared.nodes.filter(({ bottleneck }) => bottleneck).map(({ path }) => path),
    ["sum", "logits", "softmax"],
  );
  assert.is(shared.parameters, 4 * 6 + 6 + 6 * 3 + 3);
});

test("every model of the zoo is drawn with all its nodes, none over another, nested ones within their boxes", async () => {
  for (const entry of zoo) {
    const model = entry.make();
    const svg = withoutLeak(() => untouched(model, () => modelGraphSvg(modelGraph(model))));
    const drawn = frames(svg);
    assert.is(drawn.length, getModelExecutionTrace(model).length + model.inputs.length, entry.name);
    for (const [i, a] of drawn.entries()) {
      for (const b of drawn.slice(i + 1)) {
        const apart =
          a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `${entry.name}: ${a.id} and ${b.id} overlap`);
      }
    }
    assert.is(svg.match(/class="edge"/g)?.length, modelGraph(model).edges.length);
    assert.is(svg.match(/class="group"/g)?.length ?? 0, modelGraph(model).groups.length);
    const png = await svgToPng(svg, { scale: 0.5 });
    assert.equal([...png.slice(1, 4)], [80, 78, 71]);
  }
});

test("of a graph model the operations are drawn, its weights as their parameters; with a method, its layers", async () => {
  const model = await loadModel(graphFiles());
  const { nodes, edges, className, parameters } = modelGraph(model);
  assert.is(className, "GraphModel");
  assert.is(parameters, 4);
  assert.equal(
    nodes.map(({ path, className: op, parameters: own, output }) => [path, op, own, output]),
    [
      ["x", "Placeholder", 0, false],
      ["product", "MatMul", 4, false],
      ["y", "Relu", 0, true],
    ],
  );
  assert.equal(
    edges.map(({ from, to }) => [
      nodes.findIndex(({ id }) => id === from),
      nodes.findIndex(({ id }) => id === to),
    ]),
    [
      [0, 1],
      [1, 2],
    ],
  );
  assert.match(modelGraphSvg(modelGraph(model)), />MatMul</);
  const support = methodSupport("lrp.z", model);
  assert.equal(
    modelGraph(model, { method: { name: "lrp.z", support } }).nodes.map(({ className: one }) => one),
    ["InputLayer", "GraphOperations"],
  );
  model.dispose();
});

test("several inputs and branches stand in their order, from the left", () => {
  const inputs = Array.from({ length: 4 }, (_, i) => tf.input({ shape: [2], name: `in${i}` }));
  const sum = tf.layers.add({ name: "sum" }).apply(inputs) as tf.SymbolicTensor;
  const outputs = inputs.map((_, i) => tf.layers.reLU({ name: `out${i}` }).apply(sum) as tf.SymbolicTensor);
  const boxes = frames(modelGraphSvg(modelGraph(tf.model({ inputs, outputs }))));
  const order = boxes.toSorted((a, b) => a.y - b.y || a.x - b.x).map(({ id }) => id);
  assert.equal(order, ["input0", "input1", "input2", "input3", "node0", "node1", "node2", "node3", "node4"]);
});

test("the boxes of models that are nested eight deep leave what is outside uncovered", () => {
  let model: tf.LayersModel = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] })] });
  for (let depth = 1; depth < 8; depth++) {
    const x = tf.input({ shape: [2] });
    const outputs = [model.apply(x), tf.layers.dense({ units: 2 }).apply(x)] as tf.SymbolicTensor[];
    model = tf.model({ inputs: x, outputs: tf.layers.add().apply(outputs) as tf.SymbolicTensor });
  }
  const svg = modelGraphSvg(modelGraph(model));
  const input = frames(svg).find(({ id }) => id === "input0")!;
  const tops = [...svg.matchAll(/class="group" x="[-\d.]+" y="([-\d.]+)"/g)].map(([, y]) => Number(y));
  assert.is(tops.length, 7);
  assert.ok(Math.min(...tops) > input.y + input.height + 8, `${tops} ${input.y}`);
});

test("names are escaped in every format", () => {
  // tfjs takes no such names for layers, but for models.
  const model = tf.sequential({
    name: '<m> & "q"',
    layers: [tf.layers.dense({ units: 1, inputShape: [1] })],
  });
  const graph = modelGraph(model);
  for (const text of [modelGraphSvg(graph), modelGraphHtml(graph)]) {
    assert.ok(text.includes("&lt;m&gt; &amp; &quot;q&quot;"));
    assert.not.ok(text.includes("<m>"));
  }
  assert.match(modelGraphDot(graph), /^digraph "<m> & \\"q\\"" \{/);
});

test("DOT has a cluster a nested model and an arrow an edge; what cannot be passed says why", () => {
  const model = nestedNet();
  const support = methodSupport("lrp.z", model);
  const dot = modelGraphDot(modelGraph(model, { method: { name: "lrp.z", support } }));
  assert.is(dot.match(/subgraph "cluster_/g)?.length, 3);
  assert.is(dot.match(/->/g)?.length, 6);
  assert.match(
    dot,
    /node5 \[label="probabilities\\nDense · 3\\n15 parameters", penwidth=2, color="#dc2626".*tooltip="is a softmax/,
  );
  assert.is(dot.split("{").length, dot.split("}").length);
});

test("the page has the picture and a row a node, with what a method makes of it", () => {
  const model = convNet();
  const graph = modelGraph(model, { method: { name: "lrp.z", support: methodSupport("lrp.z", model) } });
  const html = modelGraphHtml(graph);
  assert.is(html.match(/<tr/g)?.length, 1 + 9);
  assert.match(
    html,
    /<td>conv1<\/td><td>Conv2D<\/td><td>8 × 8 × 4<\/td><td class="number">76<\/td><td>yes<\/td><td>passes<\/td>/,
  );
  assert.match(html, /<tr class="refused"><td class="number">7<\/td><td>dense<\/td>/);
});

/** Options that some methods cannot do without. */
const needed: Record<string, object> = {
  lrp: { rule: "Z" },
  "lrp.alpha_beta": { alpha: 2 },
  "lrp.epsilon_gamma_box": { low: 0, high: 1 },
  "deep_taylor.bounded": { low: 0, high: 1 },
  "lrp.sequential_preset_b_flat_until_idx": { untilLayerIdx: 1 },
  "lrp.rule_until_index": { untilLayerIdx: 1 },
};

test("methodSupport says of every node whether a method passes it; where it passes all the method can be made, and only there", () => {
  const models = zoo.map(({ make }) => make()).filter((model) => model.outputs.length === 1);
  for (const { name } of listAnalyzers()) {
    const options = { ...needed[name], disableModelChecks: true };
    for (const model of models) {
      withoutLeak(() => {
        const support = methodSupport(name, model, options);
        assert.equal(
          support.map(({ nid }) => nid),
          getModelExecutionTrace(model).map((_, nid) => nid),
        );
        let refused = false;
        try {
          createAnalyzer(name, model, options).dispose();
        } catch (error) {
          // That there is nothing to make a map of is no node's fault.
          if (error instanceof GraphError && /no convolution/.test(error.message)) return;
          refused = error instanceof UnsupportedLayerError;
        }
        assert.is(
          support.every(({ supported }) => supported),
          !refused,
          `${name} on ${model.name}`,
        );
      });
    }
  }
});

test("methodSupport says of a softmax at the end that it misleads", () => {
  const model = convNet();
  untouched(model, () => {
    const [last] = methodSupport("lrp.z", model).slice(-1);
    assert.match(last!.reason!, /^is a softmax, which mixes every class into the one to explain/);
    assert.ok(methodSupport("input", model).every(({ supported }) => supported));
  });
});

test("methodSupport refuses what is no method and no model", () => {
  throws(() => methodSupport("lrp.zz", convNet()), ArgumentError, /unknown method "lrp.zz"/);
  throws(
    () => methodSupport("lrp.z", null as never),
    ArgumentError,
    "methodSupport: expected a tf.LayersModel, got null",
  );
});

test.run();
