import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { decode } from "fast-png";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tenDigits } from "../../examples/digits/data.js";
import { listAnalyzers } from "../../src/analyzers/index.js";
import { decodeNpy, encodeNpy } from "../../src/io/index.js";
import { saveLayersModel } from "../../src/io/node/index.js";
import { encodePng, inputImage } from "../../src/report/index.js";
import { tracelight } from "../support/commandLine.js";
import { digitsModelPath } from "../support/digits.js";
import { graphFiles } from "../support/graphModel.js";
import { stackedCells, withRandomWeights } from "../support/models.js";

const test = suite("cli");
const folder = mkdtempSync(join(tmpdir(), "tracelight-"));
const path = (name: string) => join(folder, name);
const { images } = tenDigits();
const digit = (i: number) => images.slice(i * 784, (i + 1) * 784);

test.before(async () => {
  writeFileSync(
    path("three.png"),
    encodePng(inputImage({ data: digit(3), shape: [28, 28] }, { range: [0, 1] })),
  );
  writeFileSync(path("two.npy"), encodeNpy({ data: images.slice(784 * 1, 784 * 3), shape: [2, 28, 28, 1] }));
  const bad = digit(5);
  bad[100] = Number.NaN;
  writeFileSync(path("nan.npy"), encodeNpy({ data: bad, shape: [28, 28, 1] }));
  writeFileSync(path("flat.npy"), encodeNpy({ data: digit(5), shape: [784] }));
  writeFileSync(path("broken.png"), "not a picture");
  await tf.setBackend("cpu");
  const recurrent = tf.sequential({
    name: "r",
    layers: [stackedCells({ name: "memory", inputShape: [3, 2] }), tf.layers.dense({ units: 2 })],
  });
  await saveLayersModel(withRandomWeights(recurrent, 1), path("recurrent"));
  writeFileSync(path("series.npy"), encodeNpy({ data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [1, 3, 2] }));
});
test.after(() => rmSync(folder, { recursive: true }));

test("explain writes a heatmap a method and sample, and prints class, probability, gap and files", async () => {
  const out = path("heatmaps");
  const {
    status,
    out: text,
    err,
  } = await tracelight(
    "explain",
    digitsModelPath,
    path("three.png"),
    path("two.npy"),
    "--method",
    "all",
    "--out",
    out,
  );
  assert.is(err, "");
  assert.is(status, 0);
  const methods = listAnalyzers()
    .filter(({ options }) => options.every(({ required }) => !required))
    .map((m) => m.name);
  const want = methods.flatMap((m) => [`three.${m}.png`, `two.0.${m}.png`, `two.1.${m}.png`]).sort();
  assert.equal(readdirSync(out).sort(), want);
  const picture = decode(readFileSync(join(out, "three.lrp.z.png")));
  assert.equal([picture.width, picture.height], [224, 224]);
  const lines = text.trim().split("\n");
  assert.is(lines.length, 2 + methods.length * 3);
  assert.match(lines[0]!, /^input +method +neuron +output +probability +gap +ms +files$/);
  assert.match(
    lines.find((line) => line.includes("three.lrp.z.png"))!,
    /lrp\.z +3 +\d+\.\d+ +(0\.9\d+|1\.0000) +-?\d\.\de[+-]\d/,
  );
});

test("compare draws inputs under the methods that suit the model, as PNG, SVG or HTML", async () => {
  for (const [file, first] of [
    ["comparison.png", "\u0089PNG"],
    ["comparison.svg", "<svg"],
    ["comparison.html", "<!doctype html>"],
  ] as const) {
    const target = path(file);
    const call = await tracelight(
      "compare",
      digitsModelPath,
      path("three.png"),
      path("two.npy"),
      "-m",
      "gradient,lrp.z,grad_cam",
      "-o",
      target,
    );
    assert.equal(call, { status: 0, out: `${target}\n`, err: "" });
    assert.is(readFileSync(target, "latin1").slice(0, first.length).toLowerCase(), first.toLowerCase());
  }
  assert.is(readFileSync(path("comparison.html"), "utf8").match(/<img /g)?.length, 3 * 4);
  assert.equal(
    await tracelight("compare", digitsModelPath, path("three.png"), "-o", path("comparison.gif")),
    {
      status: 2,
      out: "",
      err: `tracelight: compare: expected --out to end in .png, .svg or .html, got ${path("comparison.gif")}\n`,
    },
  );
});

test("explain --json prints what a program reads, --npy writes the relevance, --neuron chooses the output", async () => {
  const out = path("arrays");
  const argv = [
    "explain",
    digitsModelPath,
    path("three.png"),
    "-m",
    "lrp.z,gradient",
    "--neuron",
    "8",
    "--npy",
    "--json",
    "-o",
    out,
  ];
  const { status, out: text } = await tracelight(...argv);
  assert.is(status, 0);
  const rows = JSON.parse(text);
  assert.equal(
    rows.map((r: { method: string }) => r.method),
    ["lrp.z", "gradient"],
  );
  const [row] = rows;
  assert.equal(Object.keys(row), [
    "input",
    "sample",
    "method",
    "neuron",
    "output",
    "probability",
    "delta",
    "milliseconds",
    "files",
  ]);
  assert.is(row.neuron, 8);
  assert.ok(row.probability < 0.01 && Math.abs(row.delta) < 1e-3);
  assert.equal(row.files, [join(out, "three.lrp.z.png"), join(out, "three.lrp.z.npy")]);
  const relevance = decodeNpy(Uint8Array.from(readFileSync(join(out, "three.lrp.z.npy"))));
  assert.equal(relevance.shape, [28, 28, 1]);
  assert.is(rows[1].delta, null);
});

test("a method's options are flags; one that none of the methods has is refused", async () => {
  const call = (...more: string[]) =>
    tracelight("explain", digitsModelPath, path("three.png"), "-o", path("o"), "--json", ...more);
  const [plain, damped] = [
    await call("-m", "lrp.epsilon"),
    await call("-m", "lrp.epsilon", "--epsilon", "2"),
  ];
  const gap = (text: string) => Math.abs(JSON.parse(text)[0].delta);
  assert.ok(gap(damped.out) > 100 * gap(plain.out) + 0.1);
  assert.equal(await call("-m", "gradient", "--epsilon", "2"), {
    status: 2,
    out: "",
    err: "tracelight: explain: --epsilon is no option of gradient; see tracelight methods\n",
  });
  assert.equal(await call("-m", "lrp.epsilon", "--epsilon", "-1"), {
    status: 2,
    out: "",
    err: "tracelight: lrp.epsilon: expected epsilon to be a number above 0, got -1\n",
  });
});

test("trace prints the execution graph as an aligned table, or as JSON", async () => {
  const { status, out } = await tracelight("trace", digitsModelPath);
  assert.is(status, 0);
  assert.match(out, /^nid +layer +class +output shape +parameters +from +to +bottleneck\n/);
  assert.match(out, / 2 +conv2 +Conv2D +\[null, 8, 8, 24\] +7224 +1 +3 +yes\n/);
  const nodes = JSON.parse((await tracelight("trace", join(digitsModelPath, "model.json"), "--json")).out);
  assert.equal(nodes[3], {
    nid: 2,
    layer: "conv2",
    className: "Conv2D",
    outputShapes: [[null, 8, 8, 24]],
    parameters: 7224,
    from: [1],
    to: [[3]],
    bottleneck: true,
  });
});

test("trace says of each layer whether a method can pass it, in the table and as JSON", async () => {
  const { out } = await tracelight("trace", path("recurrent"), "--method", "lrp.z");
  assert.match(out, /memory +RNN .* yes +has no rule of relevance/);
  assert.match(out, /Dense .* yes +passes\n/);
  const nodes = JSON.parse((await tracelight("trace", path("recurrent"), "-m", "lrp.z", "--json")).out);
  assert.equal(
    nodes.map((node: { supported?: boolean }) => node.supported),
    [undefined, false, true],
  );
  assert.match(nodes[1].reason, /^has no rule of relevance; gradient and input_t_gradient can/);
});

test("trace draws the model as SVG, DOT or HTML, into a file or to the terminal", async () => {
  const { out } = await tracelight("trace", digitsModelPath, "--svg");
  assert.match(out, /^<svg [\s\S]*conv2[\s\S]*<\/svg>\n$/);
  assert.match((await tracelight("trace", digitsModelPath, "--dot")).out, /^digraph /);
  const file = path("model.html");
  assert.equal(await tracelight("trace", digitsModelPath, "--html", file), {
    status: 0,
    out: `${file}\n`,
    err: "",
  });
  assert.match(readFileSync(file, "utf8"), /^<!doctype html>[\s\S]*<svg/);
  const clash = await tracelight("trace", digitsModelPath, "--svg", "--json");
  assert.equal([clash.status, clash.out], [2, ""]);
  assert.match(clash.err, /option '--(svg|json).*cannot be used with option '--(svg|json)/);
});

test("methods lists every method with its options, as text and as JSON", async () => {
  const { status, out } = await tracelight("methods");
  assert.is(status, 0);
  for (const { name, summary, options } of listAnalyzers()) {
    assert.ok(out.includes(`${name}\n  ${summary}`));
    for (const option of options)
      assert.ok(
        out.includes(
          `(${option.name}, ${option.required ? "must be given" : `default ${option.default ?? "none"}`})`,
        ),
      );
  }
  assert.equal(
    JSON.parse((await tracelight("methods", "--json")).out),
    JSON.parse(JSON.stringify(listAnalyzers())),
  );
});

test("--help teaches: usage, options, examples; --version prints the version", async () => {
  const help = await tracelight("--help");
  assert.is(help.status, 0);
  for (const word of ["explain", "trace", "methods", "Examples:", "$ tracelight explain model/ scan.png"])
    assert.ok(help.out.includes(word));
  const explain = await tracelight("explain", "--help");
  for (const word of ["--method", "--out", "--json", "--npy", "--neuron", "--epsilon", "Examples:"])
    assert.ok(explain.out.includes(word));
  assert.equal(await tracelight("--version"), { status: 0, out: "1.2.3\n", err: "" });
});

const explain = (...more: string[]) => ["explain", digitsModelPath, ...more];
const refusals: [string, () => string[], number, string | RegExp][] = [
  [
    "no command",
    () => [],
    2,
    "expected a command: explain, compare, trace, inspect, convert, methods; see tracelight --help",
  ],
  ["an unknown command", () => ["explian"], 2, "unknown command 'explian' (Did you mean explain?)"],
  ["an unknown flag", () => ["trace", "m", "--jsn"], 2, "unknown option '--jsn' (Did you mean --json?)"],
  ["a missing model", () => ["explain"], 2, "missing required argument 'model'"],
  ["missing inputs", () => explain(), 2, "missing required argument 'inputs'"],
  [
    "an unknown method",
    () => explain(path("three.png"), "-m", "lrp.epsilom"),
    2,
    'explain: unknown method "lrp.epsilom", did you mean "lrp.epsilon"?; there are ' +
      listAnalyzers()
        .map(({ name }) => name)
        .join(", "),
  ],
  [
    "a number that is none",
    () => explain(path("three.png"), "--epsilon", "x"),
    2,
    "option '--epsilon <number>' argument 'x' is invalid. Expected a number.",
  ],
  [
    "a neuron that is none",
    () => explain(path("three.png"), "--neuron", "best"),
    2,
    "option '-n, --neuron <which>' argument 'best' is invalid. Expected max, all, or an index from 0.",
  ],
  [
    "a range that is none",
    () => explain(path("three.png"), "--range", "1,0"),
    2,
    "option '--range <lo,hi>' argument '1,0' is invalid. Expected two numbers, the lower first: 0,1 or -1,1.",
  ],
  [
    "a neuron out of range",
    () => explain(path("three.png"), "--neuron", "10"),
    1,
    /three\.png: lrp\.epsilon: neuronSelection = 10 is outside the output's 10 neurons$/,
  ],
  ["a model that does not exist", () => ["trace", path("none")], 1, /^loadModel: .*none does not exist$/],
  ["a model file that is broken", () => ["trace", path("broken.png")], 1, /^loadModel: .*broken\.png/],
  [
    "an input that does not exist",
    () => explain(path("none.png")),
    1,
    /^readInput: .*none\.png does not exist$/,
  ],
  ["an unreadable image", () => explain(path("broken.png")), 1, /^readInput: .*broken\.png/],
  [
    "a wrong input shape",
    () => explain(path("flat.npy")),
    1,
    /^readInput: .*flat\.npy has shape \[784\], .*\[28, 28, 1\]/,
  ],
  [
    "NaN pixels",
    () => explain(path("nan.npy")),
    1,
    /nan\.npy: lrp\.epsilon: x: expected finite numbers, got 1 of 784 that are not; the first is NaN at \[0, 3, 16, 0\]$/,
  ],
  [
    "a layer that cannot be done",
    () => ["explain", path("recurrent"), path("series.npy")],
    1,
    'lrp.epsilon: layer "memory" (RNN) has no rule of relevance; gradient and input_t_gradient can explain this model',
  ],
];
for (const [what, argv, status, message] of refusals) {
  test(`${what} is one line on stderr, status ${status}, and leaves no file`, async () => {
    const out = path("refused");
    const made = argv()[0] === "explain" && argv().length > 1 ? [...argv(), "-o", out] : argv();
    const result = await tracelight(...made);
    assert.is(result.out, "");
    assert.match(result.err, /^tracelight: [^\n]+\n$/);
    const line = result.err.slice("tracelight: ".length, -1);
    if (typeof message === "string") assert.is(line, message);
    else assert.match(line, message);
    assert.is(result.status, status);
    let files: string[] = [];
    try {
      files = readdirSync(out);
    } catch {
      // Refused before the folder was made.
    }
    assert.equal(files, []);
  });
}

test("--verbose adds the stack trace", async () => {
  const { err, status } = await tracelight("--verbose", "trace", path("none"));
  assert.is(status, 1);
  assert.match(err, /^tracelight: .*\nModelFormatError: [\s\S]*\n {4}at /);
});

test("an output folder that cannot be made is an error, not a stack trace", async () => {
  const { err, status } = await tracelight(
    ...explain(path("three.png"), "-o", join(path("three.png"), "out")),
  );
  assert.is(status, 1);
  assert.match(err, /^tracelight: [^\n]*(ENOTDIR|EEXIST)[^\n]*\n$/);
});

test("inspect and trace show a graph model's operations; explain its gradients; convert refuses it", async () => {
  mkdirSync(path("graph"));
  for (const file of graphFiles()) {
    writeFileSync(path(`graph/${file.name}`), new Uint8Array(await file.arrayBuffer()));
  }
  writeFileSync(path("two.csv"), "1,2\n");
  assert.match(
    (await tracelight("inspect", path("graph"))).out,
    /^graph: TensorFlow\.js graph model\n[\s\S]*\n3 operations, 4 parameters\n$/,
  );
  assert.match((await tracelight("trace", path("graph"))).out, /\nproduct +MatMul +x w\n/);
  const rows = JSON.parse((await tracelight("trace", path("graph"), "--json")).out) as { op: string }[];
  assert.equal(rows.map(({ op }) => op).sort(), ["Const", "MatMul", "Placeholder", "Relu"]);
  const explained = await tracelight(
    "explain",
    path("graph"),
    path("two.csv"),
    "--method",
    "gradient",
    "-o",
    path("explained"),
    "--json",
  );
  assert.is(explained.err, "");
  assert.is(explained.status, 0);
  const converted = await tracelight("convert", path("graph"), path("converted"));
  assert.is(converted.status, 1);
  assert.match(converted.err, /layer "graph" \(GraphOperations\) is a GraphModel/);
});

test.run();
