import * as tf from "@tensorflow/tfjs";
import { ArgumentError, DisposedError, GraphError, UnsupportedLayerError } from "../errors.js";
import { type TraceTensor, trace } from "../graph/trace.js";
import { assertFinite } from "../ops/index.js";
import {
  lower,
  nameOf,
  type Program,
  type Rule,
  runBackward,
  runForward,
  sumPerSample,
} from "../reverse/index.js";
import { gradientComposite, rulesOf } from "../rules/index.js";
import { type InputInfo, readInputs } from "./inputs.js";
import type { Method } from "./methods.js";
import { type Head, headRelevance } from "./neurons.js";
import type { OptionValues } from "./options.js";
import type { AnalyzeOptions, Analyzer, Explanation, Inputs, NeuronSelection, RelevanceOf } from "./types.js";

/** What one run in a tidy gives: tensors that survive it. */
interface Run {
  relevance: tf.Tensor[];
  output: tf.Tensor2D;
  /** Relevance put in minus relevance found again, `[n]`. */
  gap: tf.Tensor1D;
}

/**
 * A method that runs the model forward once and hands relevance back through it once. The model is traced when the
 * analyzer is made; its weights are read at each call.
 */
export class ReverseAnalyzer implements Analyzer {
  readonly #program: Program;
  readonly #rules: readonly Rule[];
  readonly #inputs: readonly InputInfo[];
  #disposed = false;

  constructor(
    readonly name: string,
    model: tf.LayersModel,
    private readonly method: Method,
    readonly options: OptionValues,
    alternatives: readonly string[],
  ) {
    const traced = trace(model);
    if (traced.outputs.length !== 1) {
      throw new GraphError(
        `${name}: model "${model.name}" has ${traced.outputs.length} outputs; choosing one is not done yet: ` +
          `explain tf.model({ inputs: model.inputs, outputs: model.outputs[i] })`,
      );
    }
    this.#program = lower(name, traced);
    this.#rules = rulesOf(
      name,
      method.composite,
      this.#program,
      method.composite === gradientComposite ? [] : alternatives,
    );
    this.#inputs = traced.inputs.map((id, i) => {
      const { shape, dtype } = traced.tensors[id] as TraceTensor;
      return { shape, dtype, name: traced.inputLayers[i]?.name as string };
    });
    if (options.disableModelChecks !== true) this.#refuseSoftmax();
  }

  analyze<X extends Inputs>(x: X, options?: AnalyzeOptions): RelevanceOf<X> {
    const { relevance, output } = this.explain(x, options);
    output.dispose();
    return relevance;
  }

  explain<X extends Inputs>(x: X, { neuronSelection }: AnalyzeOptions = {}): Explanation<X> {
    if (this.#disposed) throw new DisposedError(`${this.name}: this analyzer is disposed`);
    const selection = neuronSelection ?? this.#selection();
    let neuron: number[] | null = null;
    const { relevance, output, gap } = tf.tidy(() => {
      const run = this.#run(x, selection);
      neuron = run.head.neuron;
      return { relevance: run.relevance, output: run.output, gap: run.gap } satisfies Run;
    });
    const delta = this.method.complete ? Array.from(gap.dataSync()) : null;
    gap.dispose();
    return {
      relevance: (Array.isArray(x) ? relevance : relevance[0]) as RelevanceOf<X>,
      output,
      neuron,
      delta,
      dispose: () => tf.dispose([...relevance, output]),
    };
  }

  dispose(): void {
    this.#disposed = true;
  }

  #run(x: Inputs, selection: NeuronSelection): Run & { head: Head } {
    const { name: who, method } = this;
    const program = this.#program;
    const xs = readInputs(who, x, this.#inputs);
    const values = runForward(who, program, xs);
    const id = program.outputs[0] as number;
    const y = values.get(id) as tf.Tensor;
    const output = tf.reshape(assertFinite(y, `${who}: the model's output`), [
      y.shape[0] as number,
      -1,
    ]) as tf.Tensor2D;
    const head = headRelevance(who, output, selection, method.head);
    const arrived = runBackward(
      who,
      program,
      values,
      new Map([[id, tf.reshape(head.relevance, y.shape)]]),
      this.#rules,
    );
    const found = [...arrived.inputs.map(sumPerSample), ...(arrived.biases ? [arrived.biases] : [])];
    return {
      relevance: arrived.inputs.map((r, i) => method.finish?.(r, xs[i] as tf.Tensor) ?? r),
      output,
      gap: tf.sub(sumPerSample(head.relevance), tf.addN(found)) as tf.Tensor1D,
      head,
    };
  }

  /** The selection that `neuronSelectionMode` stands for, in iNNvestigate's words. */
  #selection(): NeuronSelection {
    const { neuronSelectionMode: mode } = this.options;
    if (mode === "index")
      throw new ArgumentError(
        `${this.name}: neuronSelectionMode "index" needs a neuronSelection in each call`,
      );
    return mode === "all" ? "all" : "max";
  }

  /** A softmax at the end mixes all classes into each: what raises one output lowers the others. */
  #refuseSoftmax(): void {
    const step = this.#program.steps.find(({ kind }) => kind === "softmax");
    if (step === undefined) return;
    const { layer } = step.node;
    throw new UnsupportedLayerError(
      `${this.name}: ${nameOf(step)} is a softmax, which mixes every class into the one to explain: ` +
        `explain modelWoSoftmax(model), or pass { disableModelChecks: true }`,
      layer.name,
      layer.getClassName(),
    );
  }
}
