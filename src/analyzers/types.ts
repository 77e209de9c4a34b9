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
  /**
   * Default: as `neuronSelectionMode` of the analyzer says, which is `"max_activation"` by default. A function gets the
   * output of one chunk of `batchSize` samples.
   */
  neuronSelection?: NeuronSelection;
  /**
   * The relevance to start from instead of 1 or the output's value: a number for the chosen neurons, or a tensor of the
   * output's shape (neuronSelection then does not matter).
   */
  rInit?: number | tf.Tensor;
  /** Called after each piece of work. */
  onProgress?: (done: number, total: number) => void;
}

export interface ExplainOptions extends AnalyzeOptions {
  /** Layers whose relevance to give besides, by name: that of their output, or of an input layer's input. */
  layers?: readonly string[];
}

export interface AsyncOptions {
  /** Stops the work between two pieces of it; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
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
  /** Relevance of the layers that were asked for; of a layer's second call under `name:1`, and so on. */
  readonly layers: Readonly<Record<string, tf.Tensor>>;
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
  explain<X extends Inputs>(x: X, options?: ExplainOptions): Explanation<X>;
  /** `analyze` that lets other work run between its pieces, and can be aborted. */
  analyzeAsync<X extends Inputs>(x: X, options?: AnalyzeOptions & AsyncOptions): Promise<RelevanceOf<X>>;
  /** `explain` that lets other work run between its pieces, and can be aborted. */
  explainAsync<X extends Inputs>(x: X, options?: ExplainOptions & AsyncOptions): Promise<Explanation<X>>;
  /** Method and options, for `loadAnalyzer`; plain JSON. */
  toJSON(): AnalyzerSettings;
  /** The analyzer must not be used any more. The model stays as it was. */
  dispose(): void;
}

/** An analyzer without its model: what `JSON.stringify(analyzer)` writes and `loadAnalyzer` reads. */
export interface AnalyzerSettings {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** One option of a method, as `listAnalyzers` and `tracelight methods` show it. */
export interface OptionInfo {
  readonly name: string;
  /** `"value"`: any JSON, as the description says. */
  readonly type: "number" | "boolean" | "string" | "value";
  readonly default: number | boolean | string | readonly number[] | null;
  /** It has no default, and must be given. */
  readonly required?: true;
  /** For numbers: what they must be above, or at least; whether they must be whole. */
  readonly above?: number;
  readonly from?: number;
  readonly integer?: true;
  /** For strings: the values there are. Null among them means none. */
  readonly choices?: readonly (string | null)[];
  readonly description: string;
}

/** One method, as `listAnalyzers` and `tracelight methods` show it. */
export interface AnalyzerInfo {
  readonly name: string;
  readonly family: "function" | "signal" | "relevance" | "map";
  /** One line. */
  readonly summary: string;
  readonly options: readonly OptionInfo[];
  /** Paper or library that the method comes from. */
  readonly source: string;
}
