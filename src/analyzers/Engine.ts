import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError, ShapeError, UnsupportedLayerError } from "../errors.js";
import { type Trace, type TraceTensor, trace } from "../graph/trace.js";
import { assertFinite } from "../ops/index.js";
import {
  type Activations,
  type BackwardOptions,
  findNonFinite,
  type LowerOptions,
  lower,
  nameOf,
  type Program,
  type Reversed,
  type Rule,
  runBackward,
  runForward,
} from "../reverse/index.js";
import { type InputInfo, readInputs } from "../reverse/readInputs.js";
import { type Composite, rulesOf } from "../rules/index.js";
import { didYouMean } from "./options.js";
import type { Inputs } from "./types.js";

export interface EngineOptions {
  /** The output to explain, by its layer's name or its place; null: the only one. */
  readonly output: string | number | null;
  /** The layer at which relevance stops. */
  readonly stopAt: string | null;
  readonly lowering: LowerOptions;
  /** Methods that could do what this one cannot. */
  readonly alternatives: readonly string[];
  /** Whether the method can stop at a layer, for the message. */
  readonly canStop: boolean;
}

/** A model bound to the two passes: forward with all its tensors, and backward through the rules of a composite. */
export class Engine {
  readonly program: Program;
  readonly inputs: readonly InputInfo[];
  /** Tensors at which relevance stops; empty: the inputs. */
  readonly stops: readonly number[];
  readonly #traced: Trace;
  /** The program without the steps that only the stops need. */
  readonly #behindStops: Program;

  constructor(
    readonly who: string,
    private readonly model: tf.LayersModel,
    private readonly options: EngineOptions,
  ) {
    const whole = trace(model);
    const output = chosenOutput(who, model, whole, options.output);
    this.#traced = { ...whole, outputs: [whole.outputs[output] as number] };
    this.program = onlyNeeded(lower(who, this.#traced, options.lowering));
    this.inputs = whole.inputs.map((id, i) => {
      const { shape, dtype } = whole.tensors[id] as TraceTensor;
      return { shape, dtype, name: whole.inputLayers[i]?.name as string };
    });
    this.stops = options.stopAt === null ? [] : this.tensorsOf("stopAt", options.stopAt);
    this.#behindStops = onlyNeeded(this.program, new Set(this.stops));
  }

  /** The rule of each step. @throws UnsupportedLayerError */
  rules(composite: Composite, stopAt: readonly number[] = this.stops): (Rule | null)[] {
    const { alternatives, canStop } = this.options;
    return rulesOf(this.who, composite, this.program, this.model, {
      alternatives,
      canStop,
      stopAt: new Set(stopAt),
    });
  }

  /** The ids of a layer's outputs, one a call on the way to the explained output; of an input layer's input. */
  tensorsOf(what: string, name: string): number[] {
    return this.callsOf(what, name).map(({ id }) => id);
  }

  /** The same, with the number of each call. @throws ArgumentError where the explained output needs none of them */
  callsOf(what: string, name: string): { readonly call: number; readonly id: number }[] {
    const input = this.inputs.findIndex((info) => info.name === name);
    if (input >= 0) return [{ call: 0, id: this.program.inputs[input] as number }];
    const { nodes } = this.#traced;
    const found = nodes.filter(({ path, layer }) => path === name || layer.name === name);
    if (found.length === 0) {
      const names = [...this.inputs.map((info) => info.name), ...new Set(nodes.map(({ path }) => path))];
      throw new ArgumentError(
        `${this.who}: ${what}: no layer "${name}"${didYouMean(name, names)}; there are ${names.join(", ")}`,
      );
    }
    const made = new Set(this.program.steps.flatMap(({ outputs }) => outputs));
    const needed = found
      .map(({ outputs }, call) => ({ call, id: outputs[0] as number }))
      .filter(({ id }) => made.has(id));
    if (needed.length === 0) {
      throw new ArgumentError(
        `${this.who}: ${what}: expected a layer that the explained output is made of, got "${name}", which it does not need`,
      );
    }
    return needed;
  }

  read(x: Inputs): tf.Tensor[] {
    const xs = readInputs(this.who, x, this.inputs);
    for (const { kind, inputs } of this.program.steps) {
      const input = kind === "embedding" ? this.program.inputs.indexOf(inputs[0] as number) : -1;
      const given = Array.isArray(x) ? x[input] : input === 0 ? x : undefined;
      if (given !== undefined && given.dtype !== "int32") this.#checkTokens(xs[input] as tf.Tensor, input);
    }
    return xs;
  }

  #checkTokens(tokens: tf.Tensor, input: number): void {
    const broken = Array.from(tokens.dataSync()).find((token) => !Number.isInteger(token));
    if (broken === undefined) return;
    throw new ArgumentError(
      `${this.who}: expected token numbers in input "${this.inputs[input]?.name}", whole numbers, got ${broken}`,
    );
  }

  forward(xs: readonly tf.Tensor[]): Activations {
    return runForward(this.who, this.program, xs);
  }

  /** A run in which other tensors stand in the place of `explained`. */
  forwardFrom(xs: readonly tf.Tensor[], changed: readonly tf.Tensor[]): Activations {
    if (this.stops.length === 0) return this.forward(changed);
    // Clones, so that a run's values can be disposed one by one.
    const held = new Map(this.stops.map((id, i) => [id, tf.clone(changed[i] as tf.Tensor)]));
    return runForward(this.who, this.#behindStops, xs, held);
  }

  /** The tensors that get relevance: what the layer of stopAt gave, or the inputs. They may be disposed one by one. */
  explained(values: Activations): tf.Tensor[] {
    return this.explainedIds.map((id) => tf.clone(values.get(id) as tf.Tensor));
  }

  get explainedIds(): readonly number[] {
    return this.stops.length > 0 ? this.stops : this.program.inputs;
  }

  /** The relevance of those tensors, of a pass that kept the stops. */
  arrived({ inputs, kept }: Reversed): tf.Tensor[] {
    return this.stops.length > 0 ? this.stops.map((id) => kept.get(id) as tf.Tensor) : inputs;
  }

  /** What errors call such a tensor. */
  describeExplained(index: number): string {
    return this.stops.length > 0
      ? `layer "${this.options.stopAt}"`
      : `input "${this.inputs[index]?.name as string}"`;
  }

  /** Numbers of tokens are names: nothing can be made of their size. */
  refuseTokens(what: string): void {
    const ids = this.explainedIds;
    const step = this.program.steps.find(
      ({ kind, inputs }) => kind === "embedding" && inputs.some((id) => ids.includes(id)),
    );
    if (step === undefined) return;
    const { layer, path } = step.node;
    throw new UnsupportedLayerError(
      `${this.who}: ${nameOf(step)} takes token numbers, which ${what} would take for quantities` +
        (this.options.canStop ? `; pass { stopAt: "${path}" } to explain what it gives` : ""),
      layer.name,
      layer.getClassName(),
    );
  }

  /** The explained output of a run, flattened to `[n, k]`. @throws ShapeError where that is not a row a sample, NonFiniteError naming the first step that made one */
  output(values: Activations): tf.Tensor2D {
    const y = values.get(this.outputId) as tf.Tensor;
    const samples = values.get(this.program.inputs[0] as number)?.shape[0];
    if (y.shape[0] !== samples) {
      throw new ShapeError(
        `${this.who}: expected the model to give a row a sample, got ${y.shape[0]} rows for ${samples} samples`,
      );
    }
    try {
      assertFinite(y, `${this.who}: the model's output`);
    } catch (error) {
      findNonFinite(this.who, this.program, values);
      throw error;
    }
    return tf.reshape(y, [y.shape[0] as number, -1]);
  }

  /** @param head `[n, k]` */
  backward(
    values: Activations,
    head: tf.Tensor,
    rules: readonly (Rule | null)[],
    options: BackwardOptions = {},
  ): Reversed {
    const y = values.get(this.outputId) as tf.Tensor;
    return runBackward(
      this.who,
      this.program,
      values,
      new Map([[this.outputId, tf.reshape(head, y.shape)]]),
      rules,
      options,
    );
  }

  get outputId(): number {
    return this.program.outputs[0] as number;
  }

  /** A softmax at the end mixes all classes into each: what raises one output lowers the others. */
  refuseSoftmax(): void {
    const step = this.program.steps.find(
      ({ kind, outputs }) => kind === "softmax" && outputs.includes(this.outputId),
    );
    if (step === undefined) return;
    const { layer } = step.node;
    throw new UnsupportedLayerError(
      `${this.who}: ${nameOf(step)} is a softmax, which mixes every class into the one to explain: ` +
        `explain modelWoSoftmax(model), or pass { disableModelChecks: true }`,
      layer.name,
      layer.getClassName(),
    );
  }
}

function chosenOutput(
  who: string,
  model: tf.LayersModel,
  { outputs }: Trace,
  output: string | number | null,
): number {
  const names = model.outputNames ?? [];
  const there = names.length > 0 ? names.map((name, i) => `${i} "${name}"`).join(", ") : `${outputs.length}`;
  if (output === null) {
    if (outputs.length === 1) return 0;
    throw new GraphError(
      `${who}: model "${model.name}" has ${outputs.length} outputs (${there}): choose one with { output: name or index }`,
    );
  }
  const index = typeof output === "number" ? output : names.indexOf(output);
  if (Number.isInteger(index) && index >= 0 && index < outputs.length) return index;
  throw new ArgumentError(
    `${who}: expected output to name one of the model's outputs (${there}), got ${JSON.stringify(output)}`,
  );
}

/** A program without the steps that its outputs do not need, where some tensors are known. */
function onlyNeeded(program: Program, known: ReadonlySet<number> = new Set()): Program {
  const wanted = new Set(program.outputs);
  const kept = program.steps.toReversed().filter((step) => {
    if (!step.outputs.some((id) => wanted.has(id) && !known.has(id))) return false;
    for (const id of step.inputs) wanted.add(id);
    return true;
  });
  return { ...program, steps: kept.reverse() };
}
