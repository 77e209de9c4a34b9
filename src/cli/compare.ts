import { basename, extname } from "node:path";
import * as tf from "@tensorflow/tfjs";
import type { Command } from "commander";
import type { Analyzer, NeuronSelection } from "../analyzers/index.js";
import { ArgumentError } from "../errors.js";
import { modelWoSoftmax } from "../graph/index.js";
import { readInput, svgToPng, writeFileAtomic } from "../io/node/index.js";
import {
  type ColorMapName,
  colorMapNames,
  heatmap,
  htmlReport,
  inputImage,
  sheetSvg,
} from "../report/index.js";
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

interface CompareOptions extends Record<string, unknown> {
  method?: string[];
  out: string;
  neuron: NeuronSelection;
  range?: [number, number];
  colorMap: ColorMapName;
  keepSoftmax?: true;
}

/** `tracelight compare MODEL INPUT...`: one picture or page of inputs under many methods. */
export function addCompare(program: Command, terminal: Terminal): void {
  const command = program
    .command("compare")
    .description("draw inputs under many methods side by side: one PNG, SVG or HTML file")
    .argument("<model>", "a TensorFlow.js layers model: its folder, or its model.json")
    .argument("<inputs...>", "images (scaled to the model's size), .npy or .json arrays")
    .option(
      "-m, --method <names>",
      "methods, by commas or repeated (default: all that suit the model)",
      collect,
    )
    .option("-o, --out <file>", "a .png, .svg or .html file", "comparison.png")
    .option(
      "-n, --neuron <which>",
      "which output to explain: max (the largest), all, or an index from 0",
      readNeuron,
      "max",
    )
    .option("--range <lo,hi>", "the numbers that black and white are for the model (default: 0,1)", readRange)
    .option("--color-map <name>", `colours: ${colorMapNames.join(", ")}`, readColorMap, "bwr")
    .option("--keep-softmax", "explain the softmax too, which is taken off by default");
  addMethodOptions(command);
  command.action(async (modelPath: string, inputs: string[], options: CompareOptions) => {
    terminal.out(`${await compare(modelPath, inputs, options, terminal)}\n`);
  });
}

async function compare(
  modelPath: string,
  inputs: readonly string[],
  options: CompareOptions,
  terminal: Terminal,
): Promise<string> {
  const kind = extname(options.out).toLowerCase();
  if (![".png", ".svg", ".html"].includes(kind))
    throw new ArgumentError(`compare: expected --out to end in .png, .svg or .html, got ${options.out}`);
  const given = options.method ?? ["all"];
  const methods = chosenMethods("compare", given, options);
  const settings = methods.map((method) => optionsFor("compare", method, methods, options));
  const model = await loadModel(modelPath);
  const shape = inputShape("compare", model);
  const picture = drawable(shape);
  if (picture === null)
    throw new ArgumentError(
      `compare: inputs of ${shape.length} dimensions have no picture; explain writes them as .npy`,
    );
  const explained = options.keepSoftmax ? model : modelWoSoftmax(model, { shouldFindSoftmax: false });
  const checks = options.keepSoftmax ? { disableModelChecks: true } : {};
  const analyzers = analyzersFor(
    explained,
    methods,
    settings.map((own) => ({ ...own, ...checks })),
    { all: given.includes("all"), terminal },
  );
  const bar = progressBar(terminal, inputs.length * analyzers.length, "explaining");
  const rows = [];
  try {
    for (const input of inputs) {
      const { data, shape: batch } = await readInput(input, { shape, range: options.range ?? [0, 1] });
      const size = shape.reduce((a, b) => a * b, 1);
      for (let sample = 0; sample < (batch[0] as number); sample++) {
        const one = Float32Array.from(data.slice(sample * size, (sample + 1) * size));
        const cells = analyzers.map((analyzer) => {
          const cell = explainedCell(analyzer, one, shape, options);
          bar.step();
          return cell;
        });
        const name = basename(input, extname(input));
        rows.push({
          label: batch[0] === 1 ? name : `${name} [${sample}]`,
          cells: [{ image: inputImage({ data: one, shape: picture }) }, ...cells],
        });
      }
    }
  } finally {
    bar.stop();
  }
  const title = `${basename(modelPath)} under ${analyzers.length} methods`;
  const grid = { title, columns: ["input", ...analyzers.map(({ name }) => name)], rows };
  await writeFileAtomic(
    options.out,
    kind === ".html"
      ? htmlReport({ ...grid, legend: options.colorMap })
      : kind === ".svg"
        ? sheetSvg({ ...grid, legend: options.colorMap })
        : await svgToPng(sheetSvg({ ...grid, legend: options.colorMap })),
  );
  return options.out;
}

function explainedCell(
  analyzer: Analyzer,
  data: Float32Array,
  shape: readonly number[],
  { neuron: neuronSelection, colorMap }: CompareOptions,
) {
  const start = performance.now();
  const x = tf.tensor(data, [1, ...shape]);
  const explanation = analyzer.explain(x, { neuronSelection });
  x.dispose();
  const { neuron, delta, relevance } = explanation;
  const found = relevance.dataSync() as Float32Array;
  const ms = performance.now() - start;
  const picture = drawable(relevance.shape.slice(1)) as number[];
  explanation.dispose();
  const className = neuron === null ? "all" : String(neuron[0]);
  const details = { method: analyzer.name, className, probability: null, delta: delta?.[0] ?? null, ms };
  return { image: heatmap({ data: found, shape: picture }, { colorMap }), details };
}
