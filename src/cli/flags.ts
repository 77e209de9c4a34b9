import { type Command, InvalidArgumentError } from "commander";
import type { NeuronSelection } from "../analyzers/index.js";
import { type ColorMapName, colorMapNames } from "../report/index.js";
import { INPUT_KINDS, type InputKind } from "./inputKind.js";

/** What `explain` and `compare` are both told, besides the methods' own options. */
export interface ExplainingFlags extends Record<string, unknown> {
  method?: string[];
  neuron: NeuronSelection;
  range?: [number, number];
  colorMap: ColorMapName;
  percentile?: number;
  pictureGamma?: number;
  /** How opaque the heatmap lies over the image. */
  overlay?: number | true;
  drawAs?: InputKind;
  vocabulary?: string;
  keepSoftmax?: true;
}

/** What the two commands say of their arguments. */
export const MODEL = "a .keras or .h5 file, or a TensorFlow.js layers model: its folder, or its model.json";
export const INPUTS =
  "images (scaled to the model's size), .npy, .json or .csv arrays of the model's input shape, or folders of them; " +
  "for a model of several inputs a file each, joined by commas, in the model's order or as name=file";

/** Gives a command the flags of `ExplainingFlags`. */
export function addExplainingFlags(command: Command, methods: string): void {
  command
    .option("-m, --method <names>", methods, collect)
    .option(
      "-n, --neuron <which>",
      "which output to explain: max (the largest), all, or an index from 0",
      readNeuron,
      "max",
    )
    .option("--range <lo,hi>", "the numbers that black and white are for the model (default: 0,1)", readRange)
    .option("--color-map <name>", `colours: ${colorMapNames.join(", ")}`, readColorMap, "bwr")
    .option(
      "--percentile <percent>",
      "draw relevance beyond this percentile of all magnitudes as it (default: 100)",
      numberIn("a percentile from 0 to 100", (v) => v >= 0 && v <= 100),
    )
    .option(
      "--picture-gamma <number>",
      "below 1 small relevance is drawn stronger (default: 1); --gamma for short, unless a method has an option of that name",
      numberIn("a number above 0", (v) => v > 0 && Number.isFinite(v)),
    )
    .option(
      "--overlay [alpha]",
      "lay heatmaps over the image, 0 to 1 opaque (0.5 if not said)",
      numberIn("a number from 0 to 1", (v) => v >= 0 && v <= 1),
    )
    .option(
      "--draw-as <kind>",
      `how to draw: ${INPUT_KINDS.join(", ")} (default: as the model's layers tell)`,
      readKind,
    )
    .option(
      "--vocabulary <file>",
      "the words of token ids: .json (a list, or word: id), or .txt, a word a line",
    )
    .option("--keep-softmax", "explain the softmax too, which is taken off by default");
}

function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function readNeuron(text: string): NeuronSelection {
  if (text === "max" || text === "all") return text;
  const index = Number(text);
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Expected max, all, or an index from 0.");
  return index;
}

function readRange(text: string): [number, number] {
  const parts = text.split(",").map(Number);
  const [lo, hi] = parts;
  if (parts.length !== 2 || lo === undefined || hi === undefined || !(lo < hi)) {
    throw new InvalidArgumentError("Expected two numbers, the lower first: 0,1 or -1,1.");
  }
  return [lo, hi];
}

function readColorMap(text: string): ColorMapName {
  const name = colorMapNames.find((n) => n === text);
  if (name === undefined) throw new InvalidArgumentError(`There are ${colorMapNames.join(", ")}.`);
  return name;
}

function readKind(text: string): InputKind {
  const kind = INPUT_KINDS.find((k) => k === text);
  if (kind === undefined) throw new InvalidArgumentError(`There are ${INPUT_KINDS.join(", ")}.`);
  return kind;
}

function numberIn(expected: string, fits: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !fits(value)) throw new InvalidArgumentError(`Expected ${expected}.`);
    return value;
  };
}
