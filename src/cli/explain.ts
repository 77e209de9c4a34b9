import { mkdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import type { Command } from "commander";
import type { Analyzer, Explanation, NeuronSelection } from "../analyzers/index.js";
import { InputFormatError } from "../errors.js";
import { modelWoSoftmax } from "../graph/index.js";
import { encodeNpy } from "../io/index.js";
import { readInput, writeFileAtomic } from "../io/node/index.js";
import { type ColorMapName, colorMapNames, encodePng, enlarge, heatmap } from "../report/index.js";
import { table } from "../text.js";
import {
  analyzersFor,
  chosenMethods,
  collect,
  drawable,
  inputShape,
  readColorMap,
  readNeuron,
  readRange,
} from "./explaining.js";
import { addMethodOptions, optionsFor } from "./methodOptions.js";
import { loadModel } from "./model.js";
import { progressBar } from "./progress.js";
import type { Terminal } from "./run.js";

interface ExplainOptions {
  method?: string[];
  out: string;
  neuron: NeuronSelection;
  range?: [number, number];
  colorMap: ColorMapName;
  keepSoftmax?: true;
  npy?: true;
  json?: true;
}

/** What one method said of one sample. */
interface Row {
  input: string;
  sample: number;
  method: string;
  neuron: number | null;
  output: number | null;
  probability: number | null;
  delta: number | null;
  milliseconds: number;
  files: string[];
}

/** PNGs are enlarged by whole factors to at least this many pixels a side. */
const PNG_SIDE = 224;

/** `tracelight explain MODEL INPUT...`: heatmaps. */
export function addExplain(program: Command, terminal: Terminal): void {
  const command = program
    .command("explain")
    .description("explain what a model says of inputs: a heatmap a method and sample, as PNG")
    .argument(
      "<model>",
      "a .keras or .h5 file, or a TensorFlow.js layers model: its folder, or its model.json",
    )
    .argument(
      "<inputs...>",
      "images (scaled to the model's size), .npy or .json arrays of the model's input shape",
    )
    .option(
      "-m, --method <names>",
      "methods, by commas or repeated, or all (default: lrp.epsilon); see tracelight methods",
      collect,
    )
    .option("-o, --out <folder>", "where the pictures go", "explanations")
    .option(
      "-n, --neuron <which>",
      "which output to explain: max (the largest), all, or an index from 0",
      readNeuron,
      "max",
    )
    .option("--range <lo,hi>", "the numbers that black and white are for the model (default: 0,1)", readRange)
    .option("--color-map <name>", `colours: ${colorMapNames.join(", ")}`, readColorMap, "bwr")
    .option("--keep-softmax", "explain the softmax too, which is taken off by default")
    .option("--npy", "write the relevance as .npy beside each picture")
    .option("--json", "print JSON instead of a table")
    .addHelpText("after", EXAMPLES);
  addMethodOptions(command);
  command.action(
    async (modelPath: string, inputs: string[], options: ExplainOptions & Record<string, unknown>) => {
      const rows = await explain(modelPath, inputs, options, terminal);
      terminal.out(options.json ? `${JSON.stringify(rows, null, 2)}\n` : `${printed(rows)}\n`);
    },
  );
}

const EXAMPLES = `
Examples:
  $ tracelight explain model/ cat.jpg dog.png --range -1,1 --out heatmaps
  $ tracelight explain model/ digit.npy --method gradient,lrp.epsilon --epsilon 0.01
  $ tracelight explain model/ digit.png --method all --neuron 3 --npy --json > result.json

Relevance that speaks for the output is red, what speaks against it blue, zero white.`;

async function explain(
  modelPath: string,
  inputs: readonly string[],
  options: ExplainOptions & Record<string, unknown>,
  terminal: Terminal,
): Promise<Row[]> {
  const methods = chosenMethods("explain", options.method ?? ["lrp.epsilon"], options);
  const settings = methods.map((method) => optionsFor("explain", method, methods, options));
  const model = await loadModel(modelPath);
  const shape = inputShape("explain", model);
  const explained = options.keepSoftmax ? model : modelWoSoftmax(model, { shouldFindSoftmax: false });
  const checks = options.keepSoftmax ? { disableModelChecks: true } : {};
  const analyzers = analyzersFor(
    explained,
    methods,
    settings.map((given) => ({ ...given, ...checks })),
    { all: (options.method ?? []).includes("all"), terminal },
  );
  await mkdir(options.out, { recursive: true });
  const rows: Row[] = [];
  const names = outputNames(inputs);
  const bar = progressBar(terminal, inputs.length * analyzers.length, "explaining");
  try {
    for (const [i, input] of inputs.entries()) {
      const { data, shape: batch } = await readInput(input, { shape, range: options.range ?? [0, 1] });
      const x = tf.tensor(data, [...batch]);
      const probabilities = tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync());
      for (const analyzer of analyzers) {
        const task = { input, name: names[i] as string, x, analyzer, probabilities, options };
        rows.push(...(await explainOne(task)));
        bar.step();
      }
      x.dispose();
    }
  } finally {
    bar.stop();
  }
  return rows;
}

interface Task {
  input: string;
  name: string;
  x: tf.Tensor;
  analyzer: Analyzer;
  /** What the model itself, softmax and all, gives for x. */
  probabilities: ArrayLike<number>;
  options: ExplainOptions;
}

async function explainOne({ input, name, x, analyzer, probabilities, options }: Task): Promise<Row[]> {
  const start = performance.now();
  const explanation = named(input, () => analyzer.explain(x, { neuronSelection: options.neuron }));
  const relevance = explanation.relevance;
  const data = relevance.dataSync() as Float32Array;
  const milliseconds = (performance.now() - start) / (x.shape[0] as number);
  const outputs = explanation.output.dataSync();
  const [samples, neurons] = explanation.output.shape;
  const size = relevance.size / samples;
  const rows: Row[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const stem = join(
      options.out,
      samples === 1 ? `${name}.${analyzer.name}` : `${name}.${sample}.${analyzer.name}`,
    );
    const one = { data: data.slice(sample * size, (sample + 1) * size), shape: relevance.shape.slice(1) };
    const files = await writeFiles(stem, one, options);
    rows.push({
      input,
      sample,
      method: analyzer.name,
      ...figures(explanation, sample, neurons, outputs, probabilities),
      milliseconds,
      files,
    });
  }
  explanation.dispose();
  return rows;
}

function figures(
  { neuron, delta }: Explanation,
  sample: number,
  neurons: number,
  outputs: ArrayLike<number>,
  probabilities: ArrayLike<number>,
) {
  const index = neuron?.[sample] ?? null;
  const at = (values: ArrayLike<number>) =>
    index === null ? null : (values[sample * neurons + index] ?? null);
  const probability = at(probabilities);
  return {
    neuron: index,
    output: at(outputs),
    probability: probability !== null && probability >= 0 && probability <= 1 ? probability : null,
    delta: delta?.[sample] ?? null,
  };
}

async function writeFiles(
  stem: string,
  relevance: { data: Float32Array; shape: number[] },
  options: ExplainOptions,
): Promise<string[]> {
  const files: string[] = [];
  const picture = drawable(relevance.shape);
  if (picture !== null) {
    const image = heatmap({ data: relevance.data, shape: picture }, { colorMap: options.colorMap });
    const factor = Math.max(1, Math.ceil(PNG_SIDE / Math.max(image.width, image.height)));
    await writeFileAtomic(`${stem}.png`, encodePng(enlarge(image, factor)));
    files.push(`${stem}.png`);
  }
  if (options.npy || picture === null) {
    await writeFileAtomic(`${stem}.npy`, encodeNpy({ ...relevance, dtype: "float32" }));
    files.push(`${stem}.npy`);
  }
  return files;
}

/** One name an input: the file's, with a number behind where two are alike. */
function outputNames(inputs: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return inputs.map((input) => {
    const name = basename(input, extname(input));
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

/** Says which file an error is about. */
function named<T>(input: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new InputFormatError(`${input}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function printed(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.sample === 0 && rows.every((other) => other.sample === 0)
      ? row.input
      : `${row.input} [${row.sample}]`,
    row.method,
    row.neuron === null ? "-" : String(row.neuron),
    row.output === null ? "-" : row.output.toPrecision(4),
    row.probability === null ? "-" : row.probability.toFixed(4),
    row.delta === null ? "-" : row.delta.toExponential(1),
    row.milliseconds.toFixed(1),
    row.files.join(" "),
  ]);
  return table(
    ["input", "method", "neuron", "output", "probability", "gap", "ms", "files"],
    cells,
    [2, 3, 4, 5, 6],
  );
}
