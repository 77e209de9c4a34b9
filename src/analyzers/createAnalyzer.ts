import type * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { METHODS } from "./methods.js";
import { didYouMean, readOptions } from "./options.js";
import { ReverseAnalyzer } from "./ReverseAnalyzer.js";
import type { Analyzer, AnalyzerInfo } from "./types.js";

/**
 * An explanation method bound to a model. The model is traced once; nothing is computed yet, nothing of the model is
 * changed, and it may be used and trained on.
 *
 * @param name one of `listAnalyzers()`: `"gradient"`, `"input_t_gradient"`, `"lrp.z"`, `"lrp.epsilon"`
 * @param model a layers model without softmax at its end (see `modelWoSoftmax`)
 * @param options the method's own, and those of every method; see `listAnalyzers`
 * @throws ArgumentError for an unknown name or option, UnsupportedLayerError for a layer that the method cannot do
 * @source iNNvestigate create_analyzer
 * @example
 * const analyzer = createAnalyzer("lrp.epsilon", modelWoSoftmax(model), { epsilon: 1e-6 });
 * const relevance = analyzer.analyze(x);
 */
export function createAnalyzer(name: string, model: tf.LayersModel, options: object = {}): Analyzer {
  const entry = METHODS.find((method) => method.name === name);
  const names = METHODS.map((method) => method.name);
  if (entry === undefined) {
    throw new ArgumentError(
      `createAnalyzer: unknown method "${name}"${didYouMean(String(name), names)}; there are ${names.join(", ")}`,
    );
  }
  const values = readOptions(name, options, entry.options);
  const alternatives = METHODS.filter((method) => method.family === "function").map((method) => method.name);
  return new ReverseAnalyzer(name, model, entry.make(values), values, alternatives);
}

/** Every method: name, family, one line, options with their defaults, source. */
export function listAnalyzers(): AnalyzerInfo[] {
  return METHODS.map(({ name, family, summary, options, source }) => ({
    name,
    family,
    summary,
    options,
    source,
  }));
}
