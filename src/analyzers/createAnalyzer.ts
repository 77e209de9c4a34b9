import type * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../errors.js";
import { MethodAnalyzer } from "./MethodAnalyzer.js";
import type { Method } from "./method.js";
import { METHODS } from "./methods/index.js";
import { didYouMean, type OptionValues, readOptions } from "./options.js";
import { parseSignxaiName, withFactors } from "./signxaiNames.js";
import type { Analyzer, AnalyzerInfo, AnalyzerSettings } from "./types.js";

/** What can explain most models that a method of relevance cannot. */
export const ALTERNATIVES = ["gradient", "input_t_gradient"];

/**
 * An explanation method bound to a model. The model is traced once; nothing is computed yet, nothing of the model is
 * changed, and it may be used and trained on.
 *
 * @param name one of `listAnalyzers()` (`"gradient"`, `"lrp.epsilon"` ...), or a name in SIGNXAI's grammar
 *   (`"lrpsign_epsilon_0_25_std_x"`, `"gradient_x_sign_mu_neg_0_5"`)
 * @param model a layers model without softmax at its end (see `modelWoSoftmax`)
 * @param options the method's own, and those of every method; see `listAnalyzers`
 * @throws ArgumentError for an unknown name or option, UnsupportedLayerError for a layer that the method cannot do
 * @source iNNvestigate create_analyzer
 * @example
 * const analyzer = createAnalyzer("lrp.epsilon", modelWoSoftmax(model), { epsilon: 1e-6 });
 * const relevance = analyzer.analyze(x);
 */
export function createAnalyzer(name: string, model: tf.LayersModel, options: object = {}): Analyzer {
  const { method, values } = chosenMethod(name, options);
  return new MethodAnalyzer(name, model, method, values, ALTERNATIVES);
}

/** A method with its options. @throws ArgumentError for an unknown name or option */
export function chosenMethod(name: string, options: object): { method: Method; values: OptionValues } {
  const names = METHODS.map((method) => method.name);
  const parsed = names.includes(name) ? null : parseSignxaiName(String(name), names);
  const entry = METHODS.find((method) => method.name === (parsed?.method ?? name));
  if (entry === undefined) {
    throw new ArgumentError(
      `createAnalyzer: unknown method "${name}"${didYouMean(String(name), names)}; there are ${names.join(", ")}`,
    );
  }
  const given =
    parsed === null || typeof options !== "object" || options === null
      ? options
      : { ...parsed.options, ...options };
  const values = readOptions(name, given, entry.options);
  const method = entry.make(values);
  return { method: parsed === null ? method : withFactors(method, parsed.factors), values };
}

/**
 * The analyzer that `JSON.stringify(analyzer)` described, on a model.
 *
 * @param settings what `analyzer.toJSON()` gave, or its JSON text
 * @throws ArgumentError for what is no such description, and as `createAnalyzer`
 * @source iNNvestigate Analyzer.save, load
 * @example
 * localStorage.analyzer = JSON.stringify(analyzer);
 * const again = loadAnalyzer(localStorage.analyzer, model);
 */
export function loadAnalyzer(settings: AnalyzerSettings | string, model: tf.LayersModel): Analyzer {
  const { name, options } = readSettings(settings);
  return createAnalyzer(name, model, options);
}

function readSettings(settings: AnalyzerSettings | string): AnalyzerSettings {
  let read: unknown = settings;
  if (typeof settings === "string") {
    try {
      read = JSON.parse(settings);
    } catch (cause) {
      throw new ArgumentError(`loadAnalyzer: expected JSON, got ${JSON.stringify(settings.slice(0, 40))}`, {
        cause,
      });
    }
  }
  const { name, options = {} } = (read ?? {}) as Partial<AnalyzerSettings>;
  if (typeof name !== "string" || typeof options !== "object" || options === null) {
    throw new ArgumentError(
      `loadAnalyzer: expected { name, options } as analyzer.toJSON() gives it, got ${JSON.stringify(read)}`,
    );
  }
  return { name, options };
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
