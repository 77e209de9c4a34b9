import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, DisposedError, GraphError, ShapeError } from "../errors.js";
import { assertFinite } from "../ops/index.js";
import { type Activations, bottlenecks, type Rule, sumPerSample } from "../reverse/index.js";
import { gradientComposite } from "../rules/index.js";
import { lastMap, resizeMap } from "./activationMaps.js";
import { checkCallOptions, rowsOf } from "./callOptions.js";
import { Engine } from "./Engine.js";
import type { Method, Passes } from "./method.js";
import { type Head, headRelevance, type Start } from "./neurons.js";
import type { OptionValues } from "./options.js";
import { changeOf, type RelevanceChange } from "./relevanceChange.js";
import type {
  AnalyzeOptions,
  Analyzer,
  AnalyzerSettings,
  AsyncOptions,
  ExplainOptions,
  Explanation,
  Inputs,
  NeuronSelection,
  RelevanceOf,
} from "./types.js";

/** What one chunk of samples gives. */
interface Part {
  relevance: tf.Tensor[];
  output: tf.Tensor2D;
  neuron: number[] | null;
  /** Relevance put in minus relevance found again, `[n]`. */
  gap: tf.Tensor1D;
  layers: Record<string, tf.Tensor>;
}

/** One chunk of samples, and what a call wants of it. */
interface Chunk {
  readonly x: Inputs;
  readonly selection: NeuronSelection;
  readonly rInit: number | tf.Tensor | undefined;
  readonly layers: ReadonlyMap<string, number>;
}

/** The tensor that a map is made over, and the rules of its gradient. */
interface MapPlace {
  readonly id: number;
  readonly rules: readonly (Rule | null)[];
}

/** What the inputs as they are say, before the passes. */
interface Look {
  readonly output: tf.Tensor2D;
  readonly neuron: number[] | null;
  /** What every pass starts from, `[n, k]`. */
  readonly head: tf.Tensor2D;
  /** What the passes change: the inputs, or the tensors of stopAt. */
  readonly explained: tf.Tensor[];
  /** The explained output less the baseline's, `[n]`. */
  readonly change: tf.Tensor1D;
}

/** A call runs in pieces, after each of which it can be interrupted. */
type Work<T> = Generator<void, T, void>;

/**
 * A method bound to a model: it runs the model forward and hands relevance back through it, in chunks of samples. The model
 * is traced when the analyzer is made; its weights are read at each call.
 */
export class MethodAnalyzer implements Analyzer {
  readonly #engine: Engine;
  readonly #rules: readonly (Rule | null)[];
  readonly #map: MapPlace | null;
  readonly #change: RelevanceChange;
  readonly #batchSize: number;
  #disposed = false;

  constructor(
    readonly name: string,
    model: tf.LayersModel,
    private readonly method: Method,
    readonly options: OptionValues,
    alternatives: readonly string[],
  ) {
    const { output, stopAt, batchSize } = options as {
      output: string | number | null;
      stopAt: string | null;
      batchSize: number;
    };
    this.#batchSize = method.wholeBatch ? Number.POSITIVE_INFINITY : batchSize;
    this.#engine = new Engine(name, model, {
      output,
      stopAt,
      lowering: method.lowering ?? {},
      alternatives: method.composite === gradientComposite ? [] : alternatives,
      canStop: method.map === undefined,
    });
    if (method.map !== undefined && stopAt !== null) {
      throw new ArgumentError(
        `${name}: expected no stopAt, got ${JSON.stringify(stopAt)}: its map is made of a layer's output, which { layer } chooses, and lies over the input`,
      );
    }
    const backward = method.signal === undefined && (method.map?.guided ?? true);
    this.#rules = backward ? this.#engine.rules(method.composite) : [];
    this.#map = this.#mapOf();
    if (method.timesInput && method.signal === undefined)
      this.#engine.refuseTokens("multiplying with the input");
    this.#change = changeOf(name, options, bottlenecks(this.#engine.program));
    if (options.disableModelChecks !== true && method.misledBySoftmax !== false) this.#engine.refuseSoftmax();
  }

  analyze<X extends Inputs>(x: X, options: AnalyzeOptions = {}): RelevanceOf<X> {
    return relevanceAlone(this.explain(x, options));
  }

  explain<X extends Inputs>(x: X, options: ExplainOptions = {}): Explanation<X> {
    const work = this.#explain(x, options);
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
    }
  }

  async analyzeAsync<X extends Inputs>(
    x: X,
    options: AnalyzeOptions & AsyncOptions = {},
  ): Promise<RelevanceOf<X>> {
    return relevanceAlone(await this.explainAsync(x, options));
  }

  async explainAsync<X extends Inputs>(
    x: X,
    options: ExplainOptions & AsyncOptions = {},
  ): Promise<Explanation<X>> {
    const { signal } = options;
    signal?.throwIfAborted();
    const work = this.#explain(x, options);
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
      // A task of its own, so that timers and events get their turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (signal?.aborted) {
        work.return(undefined as never);
        throw signal.reason;
      }
    }
  }

  toJSON(): AnalyzerSettings {
    return { name: this.name, options: this.options };
  }

  dispose(): void {
    this.#disposed = true;
  }

  *#explain<X extends Inputs>(x: X, options: ExplainOptions): Work<Explanation<X>> {
    if (this.#disposed) throw new DisposedError(`${this.name}: this analyzer is disposed`);
    checkCallOptions(this.name, options);
    const layers = this.#layersOf(options.layers ?? []);
    const selection = options.neuronSelection ?? this.#selection();
    const parts: Part[] = [];
    let rows: tf.Tensor | null = null;
    let finished = false;
    try {
      const samples = this.#samples(x);
      const starts = Array.from({ length: Math.max(1, Math.ceil(samples / this.#batchSize)) }, (_, i) =>
        i === 0 ? 0 : i * this.#batchSize,
      );
      checkSelection(this.name, selection, samples);
      rows = options.rInit instanceof tf.Tensor ? rowsOf(this.name, options.rInit, samples) : null;
      const total = starts.length * (1 + (this.method.passes?.count ?? 0));
      let done = 0;
      for (const start of starts) {
        const size = Math.min(this.#batchSize, samples - start);
        const cut = <T extends tf.Tensor>(tensor: T): T =>
          starts.length === 1 ? tensor.clone() : tf.slice(tensor, [start], [size]);
        const chunk: Chunk = {
          x: starts.length === 1 ? x : Array.isArray(x) ? x.map(cut) : cut(x as tf.Tensor),
          selection: Array.isArray(selection) ? selection.slice(start, start + size) : selection,
          rInit: rows === null ? (options.rInit as number | undefined) : cut(rows),
          layers,
        };
        const work = this.#part(chunk);
        try {
          for (;;) {
            const { done: end, value } = work.next();
            if (end) {
              parts.push(value);
              if (this.method.passes !== undefined) break;
            }
            options.onProgress?.(++done, total);
            yield;
            if (end) break;
          }
        } finally {
          work.return(undefined as never);
          if (chunk.x !== x) tf.dispose(chunk.x);
          if (chunk.rInit instanceof tf.Tensor) chunk.rInit.dispose();
        }
      }
      const whole = joined(parts);
      finished = true;
      return this.#explanation(x, whole);
    } finally {
      rows?.dispose();
      // The parts are ours, unless the only one became the result.
      if (!finished || parts.length > 1) for (const part of parts) disposePart(part);
    }
  }

  #explanation<X extends Inputs>(x: X, { relevance, output, neuron, gap, layers }: Part): Explanation<X> {
    const delta = this.method.complete && this.#engine.stops.length === 0 ? Array.from(gap.dataSync()) : null;
    gap.dispose();
    const single = !Array.isArray(x) || this.#engine.stops.length > 0;
    return {
      relevance: (single && relevance.length === 1 ? relevance[0] : relevance) as RelevanceOf<X>,
      output,
      neuron,
      delta,
      layers,
      dispose: () => tf.dispose([...relevance, output, ...Object.values(layers)]),
    };
  }

  /** One chunk: one run, or a run that chooses the neurons and then the passes. */
  *#part(chunk: Chunk): Work<Part> {
    const { passes } = this.method;
    if (passes === undefined) return this.#run(chunk);
    const first = this.#look(chunk, passes);
    let finished = false;
    try {
      yield;
      const means = new Mean(passes.reduce);
      try {
        for (let pass = 0; pass < passes.count; pass++) {
          means.add(
            tf.tidy(() => this.#pass(chunk, passes, pass, first)),
            passes.weight(pass),
          );
          yield;
        }
        const part = this.#reduced(passes, means, first);
        finished = true;
        return part;
      } finally {
        means.dispose();
      }
    } finally {
      tf.dispose([first.change, first.head, ...first.explained]);
      if (!finished) first.output.dispose();
    }
  }

  /** The output of the inputs as they are, the neurons chosen by it, and how it differs from the baseline's. */
  #look({ x, selection, rInit }: Chunk, passes: Passes): Look {
    let neuron: number[] | null = null;
    const engine = this.#engine;
    const tensors = tf.tidy(() => {
      const xs = engine.read(x);
      const { output, explained } = tf.tidy(() => {
        const values = engine.forward(xs);
        return { output: engine.output(values), explained: engine.explained(values) };
      });
      const head = this.#head(output, selection, rInit);
      neuron = head.neuron;
      const { baseline } = passes;
      const before = baseline && tf.tidy(() => engine.output(engine.forwardFrom(xs, baseline(explained))));
      const difference = before === undefined ? tf.zerosLike(output) : tf.sub(output, before);
      return {
        output,
        head: tf.clone(head.relevance),
        explained,
        change: sumPerSample(tf.mul(difference, head.relevance)),
      };
    });
    return { ...tensors, neuron };
  }

  #pass({ x }: Chunk, passes: Passes, pass: number, { head, explained }: Look): tf.Tensor[] {
    const engine = this.#engine;
    const changed = passes.inputs(explained, pass);
    const values = engine.forwardFrom(engine.stops.length > 0 ? engine.read(x) : [], changed);
    engine.output(values);
    const reversed = engine.backward(values, head, this.#rules, {
      keep: new Set(engine.stops),
      change: this.#change,
      release: true,
    });
    return engine.arrived(reversed).map((r, i) => this.#finished(r, changed[i] as tf.Tensor, i));
  }

  #reduced(passes: Passes, means: Mean, { explained, change, output, neuron }: Look): Part {
    const { relevance, gap } = tf.tidy(() => {
      const finished = means
        .values()
        .map((mean, i) => passes.finish?.(mean, explained[i] as tf.Tensor, i) ?? tf.clone(mean));
      for (const [i, r] of finished.entries()) this.#checkRelevance(r, i);
      return {
        relevance: finished,
        gap: tf.sub(change, tf.addN(finished.map(sumPerSample))) as tf.Tensor1D,
      };
    });
    return { relevance, output, neuron, gap, layers: {} };
  }

  /** One run forward and back. */
  #run({ x, selection, rInit, layers }: Chunk): Part {
    let neuron: number[] | null = null;
    const part = tf.tidy(() => {
      const engine = this.#engine;
      const xs = engine.read(x);
      const values = engine.forward(xs);
      const output = engine.output(values);
      const head = this.#head(output, selection, rInit);
      neuron = head.neuron;
      const { signal, map } = this.method;
      const explained = engine.explained(values);
      const inner = new Map([...layers.values()].map((id) => [id, tf.clone(values.get(id) as tf.Tensor)]));
      const onlyMap = map !== undefined && !map.guided;
      const arrived =
        onlyMap || signal !== undefined
          ? { inputs: [], kept: new Map<number, tf.Tensor>(), biases: null }
          : engine.backward(values, head.relevance, this.#rules, {
              keep: new Set([...layers.values(), ...engine.stops]),
              change: this.#change,
              release: map === undefined,
            });
      const found = [...arrived.inputs.map(sumPerSample), ...(arrived.biases ? [arrived.biases] : [])];
      const relevance =
        signal !== undefined
          ? explained.map((value, i) => signal(value, i))
          : map !== undefined
            ? [this.#mapped(values, head, xs[0] as tf.Tensor, arrived.inputs[0])]
            : engine.arrived(arrived).map((r, i) => this.#finished(r, explained[i] as tf.Tensor, i));
      for (const [i, r] of relevance.entries()) this.#checkRelevance(r, i);
      const put = sumPerSample(head.relevance);
      return {
        relevance,
        output,
        gap: (found.length > 0 ? tf.sub(put, tf.addN(found)) : put) as tf.Tensor1D,
        layers: Object.fromEntries(
          [...layers].map(([name, id]) => {
            const input = Math.max(0, engine.program.inputs.indexOf(id));
            return [
              name,
              this.#finished(arrived.kept.get(id) as tf.Tensor, inner.get(id) as tf.Tensor, input),
            ];
          }),
        ),
      };
    });
    return { ...part, neuron };
  }

  #mapped(values: Activations, head: Head, x: tf.Tensor, guided: tf.Tensor | undefined): tf.Tensor {
    const { map } = this.method as { map: NonNullable<Method["map"]> };
    const { id, rules } = this.#map as MapPlace;
    const activations = values.get(id) as tf.Tensor;
    const { kept } = this.#engine.backward(values, head.relevance, rules, {
      keep: new Set([id]),
      change: this.#change,
    });
    const raw = map.combine(activations, kept.get(id) as tf.Tensor);
    const resized = resizeMap(this.name, raw, x, map.resize);
    const whole = map.guided ? tf.mul(guided as tf.Tensor, resized) : resized;
    return this.method.after?.(whole, x) ?? whole;
  }

  #mapOf(): MapPlace | null {
    const { map } = this.method;
    if (map === undefined) return null;
    const { name: who } = this;
    const engine = this.#engine;
    if (engine.inputs.length !== 1) {
      throw new GraphError(`${who}: expected a model with one input, got ${engine.inputs.length}`);
    }
    const ids = map.layer === null ? [lastMap(who, engine.program)] : engine.tensorsOf("layer", map.layer);
    if (ids.length !== 1)
      throw new ArgumentError(
        `${who}: layer "${map.layer}" is called ${ids.length} times; name one that is called once`,
      );
    return { id: ids[0] as number, rules: engine.rules(gradientComposite, ids) };
  }

  #finished(r: tf.Tensor, x: tf.Tensor, input: number): tf.Tensor {
    return this.method.finish?.(r, x, input) ?? tf.reshape(r, r.shape);
  }

  #checkRelevance(r: tf.Tensor, input: number): void {
    assertFinite(r, `${this.name}: the relevance of ${this.#engine.describeExplained(input)}`);
  }

  #head(output: tf.Tensor2D, selection: NeuronSelection, rInit: number | tf.Tensor | undefined): Head {
    if (rInit instanceof tf.Tensor) {
      if (rInit.size !== output.size)
        throw new ShapeError(
          `${this.name}: expected rInit of the output's shape ${show(output.shape)}, got ${show(rInit.shape)}`,
        );
      assertFinite(rInit, `${this.name}: rInit`);
      return { relevance: tf.cast(tf.reshape(rInit, output.shape), "float32"), neuron: null };
    }
    const { headRelevance: given } = this.options as { headRelevance: "one" | "value" | null };
    const start: Start = rInit ?? given ?? this.method.head;
    return headRelevance(this.name, output, selection, start);
  }

  #layersOf(names: readonly string[]): ReadonlyMap<string, number> {
    const { passes, map, signal } = this.method;
    if (names.length > 0 && (passes ?? map ?? signal) !== undefined) {
      throw new ArgumentError(
        `${this.name}: expected no layers: this method has relevance for the input only; gradient and the lrp methods have it for layers`,
      );
    }
    return new Map(
      names.flatMap((name) =>
        this.#engine
          .callsOf("layers", name)
          .map(({ id, call }): [string, number] => [call === 0 ? name : `${name}:${call}`, id]),
      ),
    );
  }

  #samples(x: Inputs): number {
    return tf.tidy(() => this.#engine.read(x)[0]?.shape[0] as number);
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
}

/** The running mean of passes, of their squares, or their variance. */
class Mean {
  #first: tf.Tensor[] = [];
  #second: tf.Tensor[] = [];
  #weight = 0;

  constructor(private readonly reduce: Passes["reduce"]) {}

  /** Takes the values over. */
  add(values: tf.Tensor[], weight: number): void {
    const [oldFirst, oldSecond] = [this.#first, this.#second];
    this.#weight += weight;
    const share = this.#weight === 0 ? 0 : weight / this.#weight;
    const { first, second } = tf.tidy(() => {
      const squared = this.reduce === "squares" ? values.map((v) => tf.square(v)) : values;
      const before = oldFirst.length > 0 ? oldFirst : values.map((v) => tf.zerosLike(v));
      if (this.reduce !== "variance")
        return {
          first: squared.map((v, i) => tf.add(before[i] as tf.Tensor, tf.mul(v, weight))),
          second: [],
        };
      // Welford's way, which does not take one large number from another.
      const mean = squared.map((v, i) => {
        const old = before[i] as tf.Tensor;
        return tf.add(old, tf.mul(tf.sub(v, old), share));
      });
      return {
        first: mean,
        second: squared.map((v, i) => {
          const old = before[i] as tf.Tensor;
          const more = tf.mul(tf.mul(tf.sub(v, old), tf.sub(v, mean[i] as tf.Tensor)), weight);
          return oldSecond[i] === undefined ? more : tf.add(oldSecond[i], more);
        }),
      };
    });
    this.#first = first;
    this.#second = second;
    tf.dispose([...oldFirst, ...oldSecond, ...values]);
  }

  values(): tf.Tensor[] {
    return this.reduce === "variance" ? this.#second : this.#first;
  }

  dispose(): void {
    tf.dispose([...this.#first, ...this.#second]);
  }
}

function checkSelection(who: string, selection: NeuronSelection, samples: number): void {
  if (Array.isArray(selection) && selection.length !== samples)
    throw new ArgumentError(
      `${who}: expected one neuron for each of ${samples} samples, got ${selection.length}`,
    );
}

function joined(parts: readonly Part[]): Part {
  const [first] = parts as [Part];
  if (parts.length === 1) return first;
  const all = <T extends tf.Tensor>(of: (part: Part) => T): T => tf.concat(parts.map(of), 0) as T;
  return {
    relevance: first.relevance.map((_, i) => all((part) => part.relevance[i] as tf.Tensor)),
    output: all((part) => part.output),
    gap: all((part) => part.gap),
    neuron: parts.some((part) => part.neuron === null) ? null : parts.flatMap((part) => part.neuron ?? []),
    layers: Object.fromEntries(
      Object.keys(first.layers).map((name) => [name, all((part) => part.layers[name] as tf.Tensor)]),
    ),
  };
}

function disposePart({ relevance, output, gap, layers }: Part): void {
  tf.dispose([...relevance, output, gap, ...Object.values(layers)]);
}

function relevanceAlone<X extends Inputs>({ relevance, output, layers }: Explanation<X>): RelevanceOf<X> {
  tf.dispose([output, ...Object.values(layers)]);
  return relevance;
}
