import * as tf from "@tensorflow/tfjs";
import { type Analyzer, createAnalyzer, type Explanation } from "../analyzers/index.js";
import {
  ArgumentError,
  GraphError,
  InputFormatError,
  TracelightError,
  UnsupportedLayerError,
} from "../errors.js";
import { modelWoSoftmax } from "../graph/index.js";
import type { Sample } from "../report/index.js";
import type { ExplainingFlags } from "./flags.js";
import { type InputKind, inputKinds, lookupLayer } from "./inputKind.js";
import { type InputFiles, inputFiles, type ModelInput, modelInputs, readInputs } from "./inputs.js";
import { asksForAll, chosenMethods, methodsHave, optionsFor } from "./methodOptions.js";
import { loadModel } from "./model.js";
import { checkPictureFlags, pictureOptions } from "./pictureFlags.js";
import type { PictureOptions } from "./pictures.js";
import { progressBar } from "./progress.js";
import { attempt, type Refusal, refusalLines } from "./refusals.js";
import type { Terminal } from "./run.js";
import { noWords, readVocabulary } from "./vocabulary.js";

/** What one method said of one sample: plain numbers, no tensors. */
export interface Explained {
  readonly files: InputFiles;
  readonly sample: number;
  /** How many samples the files have. */
  readonly samples: number;
  readonly method: string;
  readonly neuron: number | null;
  readonly output: number | null;
  /** What the model itself gives for the neuron, softmax and all; null where that is outside [0, 1]. */
  readonly probability: number | null;
  readonly delta: number | null;
  readonly milliseconds: number;
  /** One an input. */
  readonly xs: readonly Sample[];
  /** One an input; a single one where relevance stops at a layer. */
  readonly relevance: readonly Sample[];
}

/** What the explanations of a call have in common. */
export interface Session {
  readonly modelName: string;
  readonly inputs: readonly ModelInput[];
  /** Methods of `all` that do not suit the model, or failed on an input. */
  readonly refusals: readonly Refusal[];
  /** How an input of the model is drawn. */
  pictureOptions(input: number): PictureOptions;
}

/**
 * Loads a model, and explains inputs by methods, one sample after the other. Of the method `all` those that the model does not
 * suit are left out, which is said on stderr. Everything is freed at the end, also after an error.
 *
 * @param each is called with the methods' explanations of a sample, in the methods' order
 * @throws ArgumentError for a wrong call; UnsupportedLayerError where a method that was named does not suit the model; what
 *   loading the model and reading the inputs throw
 */
export async function explainInputs(
  who: string,
  modelPath: string,
  given: readonly string[],
  flags: ExplainingFlags & { method: string[] },
  terminal: Terminal,
  each: (explained: Explained[], session: Session) => void | Promise<void>,
): Promise<Session> {
  const methods = chosenMethods(who, flags.method, flags);
  const all = asksForAll(flags.method);
  const own = withoutPictureGamma(methods, flags);
  const settings = methods.map((method) => optionsFor(who, method, methods, own));
  const words = flags.vocabulary === undefined ? noWords : await readVocabulary(flags.vocabulary);
  const owned: { dispose(): unknown }[] = [];
  const refusals: Refusal[] = [];
  try {
    const model = await loadModel(modelPath);
    owned.push(model);
    const inputs = modelInputs(model);
    const kinds = inputKinds(model);
    checkPictureFlags(who, flags, inputs, kinds);
    const runs = await inputFiles(who, inputs, given);
    const range = flags.range ?? [0, 1];
    const output = outputIndex(who, model, flags.output);
    const explained = flags.keepSoftmax ? model : modelWoSoftmax(model, { shouldFindSoftmax: false });
    if (explained !== model) owned.unshift(explained);
    const lookup = flags.stopAt === undefined ? lookupLayer(explained) : null;
    const analyzers = methods.flatMap((method, i) => {
      const options = {
        ...settings[i],
        ...(output !== null && { output }),
        ...(flags.keepSoftmax && { disableModelChecks: true }),
      };
      const made = attempt(all, method, refusals, () => analyzerFor(method, explained, options, lookup));
      return made === null ? [] : [made];
    });
    owned.unshift(...analyzers);
    const session: Session = {
      modelName: model.name,
      inputs,
      refusals,
      pictureOptions: (input) => pictureOptions(flags, kinds[input] as InputKind, range, words, methods),
    };
    if (analyzers.length === 0) {
      throw new GraphError(
        `${who}: no method suits model "${model.name}": ${refusalLines(refusals).join("; ")}`,
      );
    }
    const bar = progressBar(terminal, runs.length * analyzers.length, "explaining");
    try {
      for (const run of runs) {
        const xs = await readInputs(run, inputs, range);
        try {
          const samples = explainRun(run, xs, model, analyzers, {
            flags,
            output: output ?? 0,
            all,
            refusals,
            bar,
          });
          for (const sample of samples) await each(sample, session);
        } finally {
          tf.dispose(xs);
        }
      }
    } finally {
      bar.stop();
    }
    for (const line of refusalLines(refusals)) terminal.err(`tracelight: left out: ${line}\n`);
    return session;
  } finally {
    for (const one of owned) one.dispose();
  }
}

/**
 * Ids of tokens have no gradient: a method that needs one is asked for the relevance of the vectors that the ids stand for,
 * whose sum is the token's.
 */
function analyzerFor(
  method: string,
  model: tf.LayersModel,
  options: object,
  lookup: string | null,
): Analyzer {
  try {
    return createAnalyzer(method, model, options);
  } catch (error) {
    if (lookup === null || !(error instanceof UnsupportedLayerError)) throw error;
    try {
      return createAnalyzer(method, model, { ...options, stopAt: lookup });
    } catch {
      throw error;
    }
  }
}

interface RunOptions {
  readonly flags: ExplainingFlags;
  readonly output: number;
  readonly all: boolean;
  readonly refusals: Refusal[];
  readonly bar: ReturnType<typeof progressBar>;
}

/** The explanations of the samples of one run: of each sample, one a method. */
function explainRun(
  files: InputFiles,
  xs: tf.Tensor[],
  model: tf.LayersModel,
  analyzers: readonly Analyzer[],
  { flags, output, all, refusals, bar }: RunOptions,
): Explained[][] {
  const before = refusals.length;
  const inputs = xs.map(samplesOf);
  const count = xs[0]?.shape[0] as number;
  const bySample: Explained[][] = Array.from({ length: count }, () => []);
  let probabilities: ArrayLike<number> | null = null;
  for (const analyzer of analyzers) {
    const start = performance.now();
    const explanation = attempt(all, analyzer.name, refusals, () =>
      aboutFile(files.shown, () =>
        analyzer.explain(xs, {
          neuronSelection: flags.neuron,
          onProgress: (done, total) => bar.within(done / total),
        }),
      ),
    );
    bar.step();
    if (explanation === null) continue;
    const relevance = [explanation.relevance].flat().map(samplesOf);
    const milliseconds = (performance.now() - start) / count;
    const outputs = explanation.output.dataSync();
    const neurons = explanation.output.shape[1];
    // Not before the first method has looked at the inputs: its errors say what is wrong with them.
    probabilities ??= tf.tidy(() => ([model.predict(xs)].flat()[output] as tf.Tensor).dataSync());
    for (const [sample, list] of bySample.entries()) {
      list.push({
        files,
        sample,
        samples: count,
        method: analyzer.name,
        ...figures(explanation, sample, neurons, outputs, probabilities),
        milliseconds,
        xs: inputs.map((of) => of(sample)),
        relevance: relevance.map((of) => of(sample)),
      });
    }
    explanation.dispose();
  }
  const first = refusals[before];
  if (bySample.some((list) => list.length === 0)) {
    throw new InputFormatError(`no method could explain ${files.shown}: ${first?.method}: ${first?.reason}`);
  }
  return bySample;
}

/** A batch's samples as plain arrays. */
function samplesOf(batch: tf.Tensor): (sample: number) => Sample {
  const data = Float32Array.from(batch.dataSync());
  const shape = batch.shape.slice(1);
  const size = shape.reduce((product, n) => product * n, 1);
  return (sample) => ({ data: data.slice(sample * size, (sample + 1) * size), shape });
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

/** Says which file an error is about. What is wrong with the call stays what it is. */
function aboutFile<T>(shown: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ArgumentError || error instanceof UnsupportedLayerError) throw error;
    if (!(error instanceof TracelightError)) throw error;
    throw new InputFormatError(`${shown}: ${error.message}`, { cause: error });
  }
}

/** The place of the output to explain; null for a model with one. Names are the model's own, softmax and all. */
function outputIndex(who: string, model: tf.LayersModel, given: unknown): number | null {
  const names = model.outputNames;
  if (given === undefined && names.length === 1) return null;
  const there = names.map((name, i) => `${i} (${name})`).join(", ");
  const index = typeof given === "number" ? given : names.indexOf(String(given));
  if (Number.isInteger(index) && index >= 0 && index < names.length) return index;
  throw new ArgumentError(
    given === undefined
      ? `${who}: model "${model.name}" has ${names.length} outputs: choose one with --output: ${there}`
      : `${who}: expected --output to name one of the model's outputs: ${there}; got ${String(given)}`,
  );
}

/** `--gamma` is that of the rules where a method has one, and else that of the pictures. */
function withoutPictureGamma(methods: readonly string[], flags: ExplainingFlags): Record<string, unknown> {
  return methodsHave(methods, "gamma") ? flags : { ...flags, gamma: undefined };
}
