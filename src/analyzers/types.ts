import type * as tf from "@tensorflow/tfjs";

/**
 * Which output neuron is explained: the largest of each sample (`"max"`, the first of equals), one index for every
 * sample, one index a sample, all of them together (`"all"`), or a function of the output `[n, k]` that gives the
 * relevance to start from, of the same shape. Indices count in the output flattened to `[n, k]`.
 */
export type NeuronSelection =
  | "max"
  | "all"
  | number
  | readonly number[]
  | ((output: tf.Tensor2D) => tf.Tensor);

export interface AnalyzeOptions {
  /** Default: as `neuronSelectionMode` of the analyzer says, which is `"max_activation"` by default. */
  neuronSelection?: NeuronSelection;
}

/** What one explanation gives. The tensors belong to the caller: `dispose()` frees them all. */
export interface Explanation {
  /** Relevance of each input element: one tensor of the input's shape, or a list for a model of several inputs. */
  readonly relevance: tf.Tensor | tf.Tensor[];
  /** The model's output, flattened to `[n, k]`. */
  readonly output: tf.Tensor2D;
  /** The chosen neuron of each sample, as an index into its flattened output; null for `"all"` and for functions. */
  readonly neuron: readonly number[] | null;
  /**
   * Completeness gap of each sample: the relevance put in at the output minus what arrived at the inputs and what the
   * biases took. Null for methods that do not promise completeness.
   */
  readonly delta: readonly number[] | null;
  dispose(): void;
}

/** An explanation method bound to a model. Made by `createAnalyzer`. */
export interface Analyzer {
  readonly name: string;
  /** The options in force, defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * The relevance alone; see `explain`. Nothing else stays allocated.
   *
   * @param x one tensor of the model's input shape, or a list of one an input
   */
  analyze(x: tf.Tensor | tf.Tensor[], options?: AnalyzeOptions): tf.Tensor | tf.Tensor[];
  /**
   * The relevance with the output, the chosen neurons and the completeness gap.
   *
   * @throws ShapeError, DTypeError, NonFiniteError, DisposedError for x; ArgumentError, IndexError, ShapeError for the
   *   selection; nothing stays allocated then
   */
  explain(x: tf.Tensor | tf.Tensor[], options?: AnalyzeOptions): Explanation;
  /** The analyzer must not be used any more. The model stays as it was. */
  dispose(): void;
}

/** One option of a method, as `listAnalyzers` and `tracelight methods` show it. */
export interface OptionInfo {
  readonly name: string;
  readonly type: "number" | "boolean" | "string";
  readonly default: number | boolean | string | null;
  /** For strings: the values there are. Null among them means none. */
  readonly choices?: readonly (string | null)[];
  readonly description: string;
}

/** One method, as `listAnalyzers` and `tracelight methods` show it. */
export interface AnalyzerInfo {
  readonly name: string;
  readonly family: "function" | "relevance";
  /** One line. */
  readonly summary: string;
  readonly options: readonly OptionInfo[];
  /** Paper or library that the method comes from. */
  readonly source: string;
}
