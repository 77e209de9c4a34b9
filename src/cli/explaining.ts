import type * as tf from "@tensorflow/tfjs";
import { InvalidArgumentError } from "commander";
import { type Analyzer, createAnalyzer, listAnalyzers, type NeuronSelection } from "../analyzers/index.js";
import { didYouMean } from "../analyzers/options.js";
import { show } from "../core/ndarray.js";
import { ArgumentError, GraphError, UnsupportedLayerError } from "../errors.js";
import { type ColorMapName, colorMapNames } from "../report/index.js";
import { missingOptions } from "./methodOptions.js";
import type { Terminal } from "./run.js";

/** The shape as which a sample is drawn: `[h, w, c]`, `[h, w]`, or a row of pixels; null for what has no picture. */
export function drawable(shape: readonly number[]): number[] | null {
  if (shape.length === 1) return [1, shape[0] as number];
  return shape.length === 2 || shape.length === 3 ? [...shape] : null;
}

/** All: those whose necessary options were given. */
export function chosenMethods(
  who: string,
  given: readonly string[],
  options: Record<string, unknown>,
): string[] {
  const names = listAnalyzers().map((method) => method.name);
  const chosen = given.flatMap((text) => text.split(",")).map((name) => name.trim());
  if (chosen.includes("all")) return names.filter((name) => missingOptions(name, options).length === 0);
  for (const name of chosen) {
    if (!names.includes(name)) {
      throw new ArgumentError(
        `${who}: unknown method "${name}"${didYouMean(name, names)}; there are ${names.join(", ")}`,
      );
    }
  }
  return [...new Set(chosen)];
}

export function inputShape(who: string, model: tf.LayersModel): number[] {
  if (model.inputs.length !== 1) {
    throw new GraphError(
      `${who}: model "${model.name}" has ${model.inputs.length} inputs; the command line takes models with one`,
    );
  }
  const shape = (model.inputs[0] as tf.SymbolicTensor).shape.slice(1);
  if (shape.some((n) => n === null)) {
    throw new GraphError(
      `${who}: model "${model.name}" takes inputs of any size, ${show(shape)}; the command line needs fixed ones`,
    );
  }
  return shape as number[];
}

export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

export function readNeuron(text: string): NeuronSelection {
  if (text === "max" || text === "all") return text;
  const index = Number(text);
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Expected max, all, or an index from 0.");
  return index;
}

export function readRange(text: string): [number, number] {
  const parts = text.split(",").map(Number);
  const [lo, hi] = parts;
  if (parts.length !== 2 || lo === undefined || hi === undefined || !(lo < hi)) {
    throw new InvalidArgumentError("Expected two numbers, the lower first: 0,1 or -1,1.");
  }
  return [lo, hi];
}

export function readColorMap(text: string): ColorMapName {
  const name = colorMapNames.find((n) => n === text);
  if (name === undefined) throw new InvalidArgumentError(`There are ${colorMapNames.join(", ")}.`);
  return name;
}

/**
 * The analyzers of the methods. Of all methods, those that the model does not suit are left out, which is said on stderr.
 *
 * @throws UnsupportedLayerError where a method that was named does not suit the model
 */
export function analyzersFor(
  model: tf.LayersModel,
  methods: readonly string[],
  settings: readonly Record<string, unknown>[],
  { all, terminal }: { all: boolean; terminal: Terminal },
): Analyzer[] {
  const left: string[] = [];
  const made = methods.flatMap((method, i) => {
    try {
      return [createAnalyzer(method, model, settings[i])];
    } catch (error) {
      if (!all || !(error instanceof UnsupportedLayerError || error instanceof GraphError)) throw error;
      left.push(method);
      return [];
    }
  });
  if (left.length > 0)
    terminal.err(`tracelight: left out, as they do not suit this model: ${left.join(", ")}\n`);
  return made;
}
