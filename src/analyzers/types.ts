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

/** What an analyzer takes: one tensor of the model's input shape, or a list of one an input. */
export type Inputs = tf.Tensor | tf.Tensor[];

/** Relevance comes as the inputs came: a tensor for a tensor, a list for a list. */
export type RelevanceOf<X extends Inputs> = X extends tf.Tensor[] ? tf.Tensor[] : tf.Tensor;

/** What one explanation gives. The tensors belong to the caller: `dispose()` frees them all. */
export interface Explanation<X extends Inputs = Inputs> {
  /** Relevance of each input element: one tensor of the input's shape, or a list for a list. */
  readonly relevance: RelevanceOf<X>;
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
   */
  analyze<X extends Inputs>(x: X, options?: AnalyzeOptions): RelevanceOf<X>;
  /**
   * The relevance with the output, the chosen neurons and the completeness gap.
   *
   * @throws ShapeError, DTypeError, NonFiniteError, DisposedError for x; ArgumentError, IndexError, ShapeError for the
   *   selection; nothing stays allocated then
   */
  explain<X extends Inputs>(x: X, options?: AnalyzeOptions): Explanation<X>;
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
