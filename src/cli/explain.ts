import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { encodeNpy } from "../io/index.js";
import { writeFileAtomic } from "../io/node/index.js";
import { encodePng, type Sample } from "../report/index.js";
import { table } from "../text.js";
import { type Explained, explainInputs, type Session } from "./explaining.js";
import { addExplainingFlags, type ExplainingFlags, INPUTS, MODEL } from "./flags.js";
import { addMethodOptions } from "./methodOptions.js";
import { enlarged, type Picture, relevancePicture } from "./pictures.js";
import { type Card, cardsOf, pageOf } from "./reports.js";
import type { Terminal } from "./run.js";

interface ExplainFlags extends ExplainingFlags {
  out: string;
  html?: string;
  npy?: true;
  json?: true;
}

/** What one method said of one sample, as it is printed. */
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

/** `tracelight explain MODEL INPUT...`: a picture a method and sample. */
export function addExplain(program: Command, terminal: Terminal): void {
  const command = program
    .command("explain")
    .description(
      "explain what a model says of inputs, a picture a method and sample: heatmaps of images as PNG, series and tokens as SVG",
    )
    .argument("<model>", MODEL)
    .argument("<inputs...>", INPUTS);
  addExplainingFlags(
    command,
    "methods, by commas or repeated, or all that suit the model (default: lrp.epsilon); see tracelight methods; SIGNXAI's names too",
  );
  command
    .option("-o, --out <folder>", "where the pictures go", "explanations")
    .option("--html <file>", "write one page with all pictures too")
    .option("--npy", "write the relevance as .npy beside each picture")
    .option("--json", "print JSON instead of a table");
  addMethodOptions(command);
  command
    .addHelpText("after", EXAMPLES)
    .action(async (modelPath: string, inputs: string[], flags: ExplainFlags) => {
      const rows = await explain(modelPath, inputs, flags, terminal);
      terminal.out(flags.json ? `${JSON.stringify(rows, null, 2)}\n` : `${printed(rows)}\n`);
      if (flags.html !== undefined && !flags.json) terminal.out(`\n${flags.html}\n`);
    });
}

const EXAMPLES = `
Examples:
  $ tracelight explain model/ cat.jpg dog.png --range -1,1 --out heatmaps
  $ tracelight explain model.keras photos/ --method lrp.epsilon_plus_flat --overlay --percentile 99
  $ tracelight explain model/ digit.npy --method gradient,lrp.epsilon --epsilon 0.01
  $ tracelight explain model/ digit.png --method all --neuron 3 --npy --json > result.json
  $ tracelight explain ecg.h5 beats.csv --method lrpsign_epsilon_0_25 --html report.html
  $ tracelight explain reviews.keras review.npy --vocabulary words.json
  $ tracelight explain two-inputs/ left=a.png,right=b.png --output score

Relevance that speaks for the output is red, what speaks against it blue, zero white.`;

async function explain(
  modelPath: string,
  inputs: readonly string[],
  flags: ExplainFlags,
  terminal: Terminal,
): Promise<Row[]> {
  const rows: Row[] = [];
  const cards: Card[] = [];
  const methods = { ...flags, method: flags.method ?? ["lrp.epsilon"] };
  const session = await explainInputs(
    "explain",
    modelPath,
    inputs,
    methods,
    terminal,
    async (sample, run) => {
      await mkdir(flags.out, { recursive: true });
      for (const one of sample) rows.push(asRow(one, await writeFiles(one, run, flags)));
      if (flags.html !== undefined) cards.push(...cardsOf(sample, run));
    },
  );
  if (flags.html !== undefined)
    await writeFileAtomic(
      flags.html,
      pageOf(`What ${session.modelName} looked at`, cards, session, flags.colorMap),
    );
  return rows;
}

function asRow(explained: Explained, files: string[]): Row {
  const { sample, method, neuron, output, probability, delta, milliseconds } = explained;
  const input = explained.files.shown;
  return { input, sample, method, neuron, output, probability, delta, milliseconds, files };
}

/** A picture an input, and where it has none or `--npy` was given, its relevance. */
async function writeFiles(one: Explained, session: Session, flags: ExplainFlags): Promise<string[]> {
  const files: string[] = [];
  const several = one.relevance.length > 1;
  for (const [i, relevance] of one.relevance.entries()) {
    const parts = [
      one.files.stem,
      ...(one.samples > 1 ? [one.sample] : []),
      one.method,
      ...(several ? [fileName(session.inputs[i]?.name ?? String(i))] : []),
    ];
    const stem = join(flags.out, parts.join("."));
    const picture = relevancePicture(one.xs[i] as Sample, relevance, session.pictureOptions(i));
    if (picture !== null) files.push(await writePicture(stem, picture));
    if (flags.npy || picture === null) {
      await writeFileAtomic(`${stem}.npy`, encodeNpy({ ...relevance, dtype: "float32" }));
      files.push(`${stem}.npy`);
    }
  }
  return files;
}

async function writePicture(stem: string, picture: Picture): Promise<string> {
  const [path, content] =
    picture.kind === "svg"
      ? [`${stem}.svg`, picture.svg]
      : [`${stem}.png`, encodePng(enlarged(picture.image))];
  await writeFileAtomic(path, content);
  return path;
}

/** An input's name without what a file's may not have: names in Keras can hold slashes. */
function fileName(name: string): string {
  return name.replace(/[^\w.-]/g, "_");
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
