import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { decode } from "fast-png";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createAnalyzer, listAnalyzers, type OptionInfo } from "../../src/analyzers/index.js";
import { kebabCase, OTHERWISE } from "../../src/cli/methodOptions.js";
import { modelWoSoftmax } from "../../src/graph/index.js";
import { decodeNpy, encodeNpy, loadModel } from "../../src/io/index.js";
import { saveLayersModel } from "../../src/io/node/index.js";
import { init } from "../../src/kernels/index.js";
import { encodePng, enlarge, heatmap, inputImage, overlay, seriesSvg } from "../../src/report/index.js";
import { randomSource } from "../support/arrays.js";
import { tracelight } from "../support/commandLine.js";
import { convNet, sharedNet, stackedCells, withRandomWeights } from "../support/models.js";

const test = suite("explain");
const folder = mkdtempSync(join(tmpdir(), "tracelight-"));
const path = (name: string) => join(folder, name);

function values(size: number, seed: number): Float32Array {
  const random = randomSource(seed);
  return Float32Array.from({ length: size }, () => 2 * random() - 1);
}
const npy = (name: string, shape: number[], seed: number) =>
  writeFileSync(
    path(name),
    encodeNpy({
      data: values(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
      shape,
    }),
  );
const rows = (out: string): { method: string; files: string[]; neuron: number; output: number }[] =>
  JSON.parse(out);

test.before(async () => {
  await init();
  await saveLayersModel(convNet(), path("conv"));
  npy("x.npy", [10, 10, 2], 3);

  const small = tf.sequential({
    name: "small",
    layers: [tf.layers.flatten({ inputShape: [6, 6] }), tf.layers.dense({ units: 3, activation: "softmax" })],
  });
  await saveLayersModel(withRandomWeights(small, 4), path("table"));

  const series = tf.sequential({
    name: "series",
    layers: [
      tf.layers.conv1d({ name: "conv", filters: 3, kernelSize: 3, activation: "relu", inputShape: [12, 2] }),
      tf.layers.globalAveragePooling1d({}),
      tf.layers.dense({ units: 2, activation: "softmax" }),
    ],
  });
  await saveLayersModel(withRandomWeights(series, 5), path("series"));
  npy("signal.npy", [12, 2], 6);
  const lines = Array.from({ length: 12 }, (_, t) =>
    Array.from(values(24, 6).subarray(2 * t, 2 * t + 2)).join(","),
  );
  writeFileSync(path("signal.csv"), `left,right\n${lines.join("\n")}\n`);

  const words = tf.sequential({
    name: "words",
    layers: [
      tf.layers.embedding({ name: "lookup", inputDim: 5, outputDim: 3, inputLength: 4 }),
      stackedCells({ name: "memory" }),
      tf.layers.dense({ units: 2, activation: "softmax" }),
    ],
  });
  await saveLayersModel(withRandomWeights(words, 7), path("words"));
  writeFileSync(path("tokens.json"), "[3, 1, 4, 0]");

  await saveLayersModel(sharedNet(), path("shared"));
  npy("a.npy", [4], 8);
  npy("b.npy", [4], 9);
  const x = tf.input({ shape: [4], name: "x" });
  const two = tf.model({
    name: "two",
    inputs: x,
    outputs: [
      tf.layers.dense({ name: "classes", units: 3, activation: "softmax" }).apply(x) as tf.SymbolicTensor,
      tf.layers.dense({ name: "score", units: 2 }).apply(x) as tf.SymbolicTensor,
    ],
  });
  await saveLayersModel(withRandomWeights(two, 10), path("two"));
});
test.after(() => rmSync(folder, { recursive: true }));

/** Relevance of the first file that a call wrote as .npy. */
async function relevanceOf(...argv: string[]): Promise<Float32Array> {
  const out = path("npy");
  const { status, out: text, err } = await tracelight("explain", ...argv, "--npy", "--json", "-o", out);
  assert.equal([status, err], [0, ""]);
  const file = rows(text)[0]?.files.find((name) => name.endsWith(".npy"));
  return decodeNpy(Uint8Array.from(readFileSync(file as string))).data;
}

async function relevanceByLibrary(method: string, options: object): Promise<Float32Array> {
  const model = modelWoSoftmax(await loadModel(path("conv")));
  const input = decodeNpy(Uint8Array.from(readFileSync(path("x.npy"))));
  return tf.tidy(() => {
    const x = tf.tensor(input.data, [1, ...input.shape]);
    return createAnalyzer(method, model, options).analyze(x).dataSync() as Float32Array;
  });
}

/** Options that are not numbers from a bound, booleans or choices. */
const VALUES: Readonly<Record<string, unknown>> = {
  output: 0,
  stopAt: "conv1",
  reverseClipValues: [-0.01, 0.02],
  reverseProjectBottleneckLayers: true,
  referenceInputs: 0.5,
  rule: [
    [["Dense"], { rule: "Epsilon", epsilon: 0.25 }],
    [["*"], "Flat"],
  ],
  inputLayerRule: "Flat",
  untilLayerRule: "Flat",
  bnLayerRule: "Z",
  mu: 0.1,
  low: -1,
  high: [1],
  layer: "conv1",
};
const REQUIRED: Readonly<Record<string, Record<string, unknown>>> = {
  lrp: { rule: "Z" },
  "lrp.sequential_preset_b_flat_until_idx": { untilLayerIdx: 1 },
  "lrp.epsilon_gamma_box": { low: -1, high: 1 },
  "deep_taylor.bounded": { low: -1, high: 1 },
};

function legalValue({ name, type, choices, default: normal, from, integer }: OptionInfo): unknown {
  if (name in VALUES) return VALUES[name];
  if (choices)
    return choices.filter((choice) => choice !== null && choice !== normal).at(-1) ?? choices.at(-1);
  if (type === "boolean") return !normal;
  assert.is(type, "number", `${name} needs a value for this test`);
  return integer ? Math.max(from ?? 0, 3) : ((normal as number | null) ?? 0.5) + 0.5;
}

test("each option of each method does on the command line what it does in the library", async () => {
  const tried = new Set<string>();
  for (const { name: method, options } of listAnalyzers()) {
    for (const option of options) {
      if (option.name in OTHERWISE || tried.has(option.name)) continue;
      tried.add(option.name);
      const value = legalValue(option);
      const given: Record<string, unknown> = { ...REQUIRED[method], [option.name]: value };
      // What the one option makes of the other: beta is alpha - 1.
      if (option.name === "beta" || option.name === "alpha") Object.assign(given, { alpha: 3, beta: 2 });
      const argv = Object.entries(given).flatMap(([name, v]) => [
        `--${kebabCase(name)}`,
        typeof v === "string" ? v : JSON.stringify(v),
      ]);
      const [here, there] = [
        await relevanceOf(path("conv"), path("x.npy"), "-m", method, ...argv),
        await relevanceByLibrary(method, given),
      ];
      assert.equal(here, there, `${method} ${argv.join(" ")}`);
    }
  }
  assert.ok(tried.size > 30);
});

test("names of SIGNXAI are methods, and options given besides go before those in the name", async () => {
  const call = [path("conv"), path("x.npy"), "-m"];
  assert.equal(
    await relevanceOf(...call, "lrpsign_epsilon_0_25_std_x"),
    await relevanceByLibrary("lrpsign_epsilon_0_25_std_x", {}),
  );
  assert.equal(
    await relevanceOf(...call, "lrp_epsilon_0_25", "--epsilon", "0.5"),
    await relevanceByLibrary("lrp.epsilon", { epsilon: 0.5 }),
  );
});

test("a method is refused before anything is read where an option that it needs is missing", async () => {
  assert.equal(
    await tracelight("explain", path("none"), path("none"), "-m", "gradient,deep_taylor.bounded"),
    {
      status: 2,
      out: "",
      err: "tracelight: explain: deep_taylor.bounded needs --low and --high; see tracelight methods\n",
    },
  );
  const low = await relevanceOf(
    path("conv"),
    path("x.npy"),
    "-m",
    "deep_taylor.bounded",
    "--low",
    "-1",
    "--high",
    "1",
  );
  assert.is(low.length, 200);
});

test("all leaves out what does not suit the model and says why; a named method that does not is an error", async () => {
  const call = ["explain", path("words"), path("tokens.json"), "-o", path("all"), "--json"];
  const { status, out, err } = await tracelight(...call, "-m", "all");
  assert.is(status, 0);
  const done = rows(out).map(({ method }) => method);
  // What needs more than ids is asked for the vectors that they stand for.
  assert.equal(done, [
    "gradient",
    "gradient.baseline",
    "input_t_gradient",
    "integrated_gradients",
    "smoothgrad",
    "smoothgrad_sq",
    "vargrad",
    "input",
    "random",
  ]);
  assert.match(
    err,
    /^tracelight: left out: [^\n]*lrp\.z[^\n]*: layer "memory" \(RNN\) has no rule of relevance/m,
  );
  const named = await tracelight(...call, "-m", "gradient,lrp.z");
  assert.equal([named.status, named.out], [1, ""]);
  assert.match(named.err, /^tracelight: lrp\.z: layer "memory" \(RNN\) has no rule/);
});

test("a series is drawn as SVG, from .npy and .csv alike; the picture is that of seriesSvg", async () => {
  const out = path("drawn");
  const call = (file: string, ...more: string[]) =>
    tracelight(
      "explain",
      path("series"),
      path(file),
      "-m",
      "gradient,grad_cam",
      "-o",
      out,
      "--json",
      ...more,
    );
  const text = (await call("signal.npy", "--npy")).out;
  const files = rows(text).map(({ files: [file] }) => file as string);
  assert.equal(files, [join(out, "signal.gradient.svg"), join(out, "signal.grad_cam.svg")]);
  const relevance = decodeNpy(Uint8Array.from(readFileSync(join(out, "signal.gradient.npy"))));
  const svg = readFileSync(files[0] as string, "utf8");
  assert.is(svg, seriesSvg({ data: values(24, 6), shape: [12, 2] }, relevance, { colorMap: "bwr" }));
  assert.is((await call("signal.csv")).status, 0);
  assert.is(readFileSync(files[0] as string, "utf8"), svg);
});

test("tokens are drawn with their words, from lists, word indices and lines; ids without a word stay", async () => {
  writeFileSync(path("list.json"), JSON.stringify(["<pad>", "the", "a", "film"]));
  writeFileSync(path("index.json"), JSON.stringify({ "<pad>": 0, the: 1, a: 2, film: 3 }));
  writeFileSync(path("lines.txt"), "<pad>\nthe\na\nfilm\n");
  const out = path("tokens");
  const call = async (...more: string[]) => {
    const made = await tracelight(
      "explain",
      path("words"),
      path("tokens.json"),
      "-m",
      "gradient",
      "-o",
      out,
      ...more,
    );
    assert.equal([made.status, made.err], [0, ""]);
    return [...readFileSync(join(out, "tokens.gradient.svg"), "utf8").matchAll(/>([^<>]+)<\/text>/g)].map(
      (m) => m[1],
    );
  };
  assert.equal(
    await relevanceOf(path("words"), path("tokens.json"), "-m", "gradient"),
    await relevanceOf(path("words"), path("tokens.json"), "-m", "gradient", "--stop-at", "lookup"),
  );
  for (const file of ["list.json", "index.json", "lines.txt"])
    assert.equal(await call("--vocabulary", path(file)), ["film", "the", "4", "&lt;pad&gt;"]);
  assert.equal(await call(), ["3", "1", "4", "0"]);
  writeFileSync(path("bad.json"), "[1]");
  const bad = await tracelight(
    "explain",
    path("words"),
    path("tokens.json"),
    "--vocabulary",
    path("bad.json"),
  );
  assert.match(
    bad.err,
    /^tracelight: vocabulary: .*bad\.json: expected a list of words, or an object of word: id\n$/,
  );
});

test("a model of several inputs takes files joined by commas, in its order or by name, and folders of as many", async () => {
  const out = path("several");
  const call = (...inputs: string[]) => tracelight("explain", path("shared"), ...inputs, "-o", out, "--json");
  const [a, b] = [path("a.npy"), path("b.npy")];
  const ordered = await call(`${a},${b}`);
  assert.is(ordered.err, "");
  const [row] = rows(ordered.out);
  assert.equal(row?.files, [join(out, "a.lrp.epsilon.a.svg"), join(out, "a.lrp.epsilon.b.svg")]);
  const named = rows((await call(`b=${b},a=${a}`)).out)[0];
  assert.equal([named?.neuron, named?.output], [row?.neuron, row?.output]);
  for (const [name, files] of [
    ["left", ["1.npy", "2.npy", "10.npy"]],
    ["right", ["x.npy", "y.npy", "z.npy"]],
  ] as const) {
    mkdirSync(path(name));
    files.forEach((file, i) => npy(`${name}/${file}`, [4], i));
  }
  writeFileSync(path("left/notes.txt"), "no input");
  const paired = rows((await call(`${path("left")},${path("right")}`)).out);
  assert.equal(
    paired.map(({ files }) => files[0]),
    ["1", "2", "10"].map((stem) => join(out, `${stem}.lrp.epsilon.a.svg`)),
  );
  assert.equal(
    (await call(a)).err,
    `tracelight: explain: expected 2 files, one for each of a, b, joined by commas, got 1 in ${a}\n`,
  );
  assert.match((await call(`a=${a},${b}`)).err, /joined by commas, all as name=file or none, got a=/);
  assert.match(
    (await call(`${path("left")},${b}`)).err,
    /expected as many files of each input in .*, got 3, 1\n$/,
  );
  mkdirSync(path("empty"));
  assert.match(
    (await call(`${path("empty")},${b}`)).err,
    /empty is a folder without inputs: expected files that end in/,
  );
});

test("of several outputs one is chosen by name or place, softmax and all", async () => {
  const call = (...more: string[]) =>
    tracelight("explain", path("two"), path("a.npy"), "-o", path("outputs"), "--json", ...more);
  const by = async (output: string) => rows((await call("--output", output)).out)[0];
  assert.equal((await by("classes"))?.output, (await by("0"))?.output);
  assert.equal((await by("score"))?.output, (await by("1"))?.output);
  assert.is.not((await by("0"))?.output, (await by("1"))?.output);
  assert.equal(
    (await call()).err,
    'tracelight: explain: model "two" has 2 outputs: choose one with --output: 0 (classes), 1 (score)\n',
  );
  assert.equal(
    (await call("--output", "scores")).err,
    "tracelight: explain: expected --output to name one of the model's outputs: 0 (classes), 1 (score); got scores\n",
  );
});

test("overlay, gamma and percentile draw what the report's functions draw; images suit models of [h, w]", async () => {
  const data = values(36, 11).map(Math.abs);
  const picture = inputImage({ data, shape: [6, 6] }, { range: [0, 1] });
  writeFileSync(path("gray.png"), encodePng(picture));
  const read = Float32Array.from({ length: 36 }, (_, i) => (picture.pixels[4 * i] as number) / 255);
  const out = path("styles");
  const call = async (...more: string[]) => {
    const argv = ["explain", path("table"), path("gray.png"), "-m", "gradient", "-o", out, "--npy", ...more];
    assert.equal((await tracelight(...argv)).err, "");
    const relevance = decodeNpy(Uint8Array.from(readFileSync(join(out, "gray.gradient.npy"))));
    return { relevance, pixels: Array.from(decode(readFileSync(join(out, "gray.gradient.png"))).data) };
  };
  const plain = await call();
  assert.equal(plain.relevance.shape, [6, 6]);
  const options = { colorMap: "bwr", percentile: 80, gamma: 0.5 } as const;
  const heat = heatmap(plain.relevance, options);
  for (const flag of ["--gamma", "--picture-gamma"]) {
    const { pixels } = await call("--percentile", "80", flag, "0.5");
    assert.equal(pixels, Array.from(enlarge(heat, 38).pixels));
  }
  const image = inputImage({ data: read, shape: [6, 6] }, { range: [0, 1] });
  const over = overlay(image, heatmap(plain.relevance), { alpha: 0.25 });
  assert.equal((await call("--overlay", "0.25")).pixels, Array.from(enlarge(over, 38).pixels));
});

test("--gamma is the rule's where a method has one, and --picture-gamma the picture's", async () => {
  const call = [path("conv"), path("x.npy"), "-m", "lrp.gamma"];
  const rule = await relevanceOf(...call, "--gamma", "2", "--picture-gamma", "0.5");
  assert.equal(rule, await relevanceByLibrary("lrp.gamma", { gamma: 2 }));
});

test("--html is one page with every picture, and needs no other file", async () => {
  const html = path("page.html");
  const call = await tracelight(
    ...["explain", path("series"), path("signal.csv"), path("signal.npy"), "-m", "gradient,lrp.z,grad_cam"],
    ...["--html", html, "-o", path("paged")],
  );
  assert.equal([call.status, call.err], [0, ""]);
  assert.ok(call.out.endsWith(`\n${html}\n`));
  const page = readFileSync(html, "utf8");
  assert.is(page.match(/<img src="data:image\/svg\+xml,/g)?.length, 6);
  for (const heading of ["Gradients", "Relevance propagation", "Maps of activations", "signal-2"])
    assert.ok(page.includes(heading));
  assert.not.match(page, /(src|href)="(?!data:|#)/);
});

test("compare draws series and tokens below each other, and what was left out below them", async () => {
  const file = path("words.svg");
  const { status, err } = await tracelight("compare", path("words"), path("tokens.json"), "-o", file);
  assert.is(status, 0);
  assert.match(err, /left out: [^\n]*lrp\.z/);
  const svg = readFileSync(file, "utf8");
  assert.ok(svg.indexOf(">gradient</text>") < svg.indexOf(">random</text>"));
  assert.match(svg, /Left out: /);
  assert.is((await tracelight("compare", path("series"), path("signal.csv"), "-o", path("s.png"))).status, 0);
  assert.ok(existsSync(path("s.png")));
});

test("nothing stays allocated, after success and after errors", async () => {
  const out = path("leak");
  const before = tf.memory().numTensors;
  for (const argv of [
    ["conv", "x.npy", "-m", "gradient,lrp.epsilon"],
    ["words", "tokens.json", "-m", "all"],
    ["words", "tokens.json", "-m", "lrp.z"],
    ["conv", "x.npy", "-n", "9"],
    ["conv", "a.npy"],
    ["two", "a.npy"],
  ]) {
    const [model, input, ...more] = argv as [string, string];
    await tracelight("explain", path(model), path(input), "-o", out, ...more);
    assert.is(tf.memory().numTensors, before, argv.join(" "));
  }
});

test("what the flags cannot be is said with what they can be", async () => {
  const there = existsSync("explanations");
  for (const [flag, value, message] of [
    ["--percentile", "101", "Expected a percentile from 0 to 100."],
    ["--picture-gamma", "0", "Expected a number above 0."],
    ["--overlay", "2", "Expected a number from 0 to 1."],
    ["--draw-as", "cube", "There are image, series, tokens, none."],
    ["--low", "[1", "Expected a name or JSON."],
  ] as const) {
    const { status, err } = await tracelight("explain", "m", "x", flag, value);
    assert.is(status, 2);
    assert.ok(err.endsWith(`argument '${value}' is invalid. ${message}\n`), err);
  }
  assert.is(existsSync("explanations"), there);
});

test("flags that would change no picture are refused; --draw-as draws what it says", async () => {
  const call = (model: string, input: string, ...more: string[]) =>
    tracelight("explain", path(model), path(input), "-m", "gradient", "--json", "-o", path("as"), ...more);
  for (const [model, input, flags, message] of [
    [
      "conv",
      "x.npy",
      ["--draw-as", "tokens"],
      "--draw-as tokens: there is no such picture of inputs of shape [10, 10, 2]",
    ],
    [
      "conv",
      "x.npy",
      ["--draw-as", "series"],
      "--draw-as series: there is no such picture of inputs of shape [10, 10, 2]",
    ],
    [
      "series",
      "signal.npy",
      ["--vocabulary", path("list.json")],
      "--vocabulary is for models that look up token ids, and this one takes [12, 2]; --draw-as tokens draws them so",
    ],
    [
      "conv",
      "x.npy",
      ["--overlay"],
      "--overlay is for images of one or three channels, and this model takes [10, 10, 2]",
    ],
  ] as const) {
    assert.equal(await call(model, input, ...flags), {
      status: 2,
      out: "",
      err: `tracelight: explain: ${message}\n`,
    });
  }
  const files = async (...more: string[]) =>
    rows((await call("series", "signal.npy", ...more)).out)[0]?.files;
  assert.equal(await files("--draw-as", "image"), [join(path("as"), "signal.gradient.png")]);
  assert.equal(await files("--draw-as", "none"), [join(path("as"), "signal.gradient.npy")]);
});

test("where no method of all can explain an input, the first one's reason is the error", async () => {
  const { status, err } = await tracelight(
    "explain",
    path("conv"),
    path("x.npy"),
    "-m",
    "all",
    "-n",
    "9",
    "-o",
    path("nine"),
  );
  assert.is(status, 1);
  const x = path("x.npy");
  assert.is(
    err,
    `tracelight: no method could explain ${x}: gradient: ${x}: neuronSelection = 9 is outside the output's 5 neurons\n`,
  );
});

test("inputs of any size are taken as they are", async () => {
  const anySize = tf.sequential({
    name: "any_size",
    layers: [
      tf.layers.conv2d({ filters: 2, kernelSize: 3, activation: "relu", inputShape: [null, null, 1] }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 2, activation: "softmax" }),
    ],
  });
  await saveLayersModel(withRandomWeights(anySize, 12), path("any_size"));
  npy("wide.npy", [5, 9, 1], 13);
  writeFileSync(path("tall.png"), encodePng(inputImage({ data: values(77, 14), shape: [11, 7] })));
  const call = [
    "explain",
    path("any_size"),
    path("wide.npy"),
    path("tall.png"),
    "-o",
    path("any"),
    "--npy",
    "--json",
  ];
  const { out, err } = await tracelight(...call);
  assert.is(err, "");
  const shapes = rows(out).map(
    ({ files }) => decodeNpy(Uint8Array.from(readFileSync(files[1] as string))).shape,
  );
  assert.equal(shapes, [
    [5, 9, 1],
    [11, 7, 1],
  ]);
});

test("a batch of samples gives a picture each, and each has the relevance that it has alone", async () => {
  npy("batch.npy", [3, 10, 10, 2], 15);
  const { out } = await tracelight(
    "explain",
    path("conv"),
    path("batch.npy"),
    "-o",
    path("b"),
    "--npy",
    "--json",
  );
  const files = rows(out).map(({ files: [, file] }) => file as string);
  assert.equal(
    files,
    [0, 1, 2].map((i) => join(path("b"), `batch.${i}.lrp.epsilon.npy`)),
  );
  const second = decodeNpy(Uint8Array.from(readFileSync(files[1] as string))).data;
  writeFileSync(path("second.npy"), encodeNpy({ data: values(600, 15).slice(200, 400), shape: [10, 10, 2] }));
  const alone = await relevanceOf(path("conv"), path("second.npy"));
  assert.ok(second.every((v, i) => Math.abs(v - (alone[i] as number)) < 1e-6));
});

test.run();
