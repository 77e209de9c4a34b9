/**
 * Relevance through recurrent layers: the series is run again by the cell's equations, and relevance goes back from time step
 * to time step. Products of a gate with a signal give all to the signal; sums and products with weights go by their rules.
 */
import * as tf from "@tensorflow/tfjs";
import { applyActivation, forwardLayer, type Layer, weightOf } from "../layers/internals.js";
import type { LayerCall, Link } from "./layerCall.js";
import { readsMask } from "./masks.js";
import { applyLinearRule, type HandedOn, type LinearRule } from "./rule.js";
import type { DenseStep, Recurrence, RecurrentStep } from "./steps.js";

/** The rules of what a cell is made of. */
export interface CellRules {
  readonly kernels: LinearRule;
  readonly sums: LinearRule;
}

/** The states that a cell hands on to itself: h, and in an LSTM c. */
type States = readonly tf.Tensor[];

/** One time step: the states after it, and how their relevance goes to its input and to the states before it. */
interface Moment {
  readonly states: States;
  back(rs: States): { readonly x: tf.Tensor; readonly states: States };
}

type Cell = (flow: Flow, x: tf.Tensor2D, states: States) => Moment;

/** The cells that are known, by class name, with how many states they have. */
const CELLS: Readonly<Record<string, { readonly states: number; readonly run: Cell }>> = {
  /** h' = f([x, h] K + b) */
  SimpleRNNCell: {
    states: 1,
    run: (flow, x, [h]) => {
      const joined = tf.concat([x, h as tf.Tensor], 1);
      const all = flow.part(0, 1);
      const z = all.apply(joined);
      return {
        states: [flow.activation(z)],
        back: ([r]) => flow.apart(x, all.back(joined, z, r as tf.Tensor)),
      };
    },
  },
  /** c' = f c + i g, h' = o tanh(c'), the gates i, f, o and g = tanh(z) from [x, h]. */
  LSTMCell: {
    states: 2,
    run: (flow, x, [h, c]) => {
      const joined = tf.concat([x, h as tf.Tensor], 1);
      const gate = (i: number) => flow.gate(flow.part(i, 4).apply(joined));
      const signal = flow.part(2, 4);
      const z = signal.apply(joined);
      const kept = tf.mul(gate(1), c as tf.Tensor);
      const added = tf.mul(gate(0), flow.activation(z));
      const next = tf.add(kept, added);
      return {
        states: [tf.mul(gate(3), flow.activation(next)), next],
        back: ([rh, rc]) => {
          const [rKept, rAdded] = flow.sum([kept, added], next, tf.add(rh as tf.Tensor, rc as tf.Tensor));
          const before = flow.apart(x, signal.back(joined, z, rAdded));
          return { x: before.x, states: [...before.states, rKept] };
        },
      };
    },
  },
  /** h' = z h + (1 - z) g, g = tanh([x, r h] K + b), the gates z and r from [x, h]. */
  GRUCell: {
    states: 1,
    run: (flow, x, [h]) => {
      const joined = tf.concat([x, h as tf.Tensor], 1);
      const [update, reset] = [0, 1].map((i) => flow.gate(flow.part(i, 3).apply(joined)));
      const after = tf.concat([x, tf.mul(reset as tf.Tensor, h as tf.Tensor)], 1);
      const signal = flow.part(2, 3);
      const z = signal.apply(after);
      return updated(flow, update as tf.Tensor, h as tf.Tensor, flow.activation(z), (r) =>
        flow.apart(x, signal.back(after, z, r)),
      );
    },
  },
  /** The same with g = tanh(x K + b + r (h U + b')): see the cell's own docstring. */
  KerasGRUCell: {
    states: 1,
    run: (flow, x, [h]) => {
      const state = h as tf.Tensor;
      const [update, reset] = [0, 1].map((i) =>
        flow.gate(tf.add(flow.ofInput(i, 3).apply(x), flow.ofState(i, 3).apply(state))),
      );
      const [ofInput, ofState] = [flow.ofInput(2, 3), flow.ofState(2, 3)];
      const [fromInput, fromState] = [ofInput.apply(x), ofState.apply(state)];
      const open = tf.mul(reset as tf.Tensor, fromState);
      const z = tf.add(fromInput, open);
      return updated(flow, update as tf.Tensor, state, flow.activation(z), (r) => {
        const [rInput, rOpen] = flow.sum([fromInput, open], z, r);
        return { x: ofInput.back(x, fromInput, rInput), states: [ofState.back(state, fromState, rOpen)] };
      });
    },
  },
};

/** h' = z h + (1 - z) g, where `back` takes the relevance of g on. */
function updated(
  flow: Flow,
  update: tf.Tensor,
  h: tf.Tensor,
  signal: tf.Tensor,
  back: (r: tf.Tensor) => ReturnType<Moment["back"]>,
): Moment {
  const kept = tf.mul(update, h);
  const fresh = tf.mul(tf.sub(1, update), signal);
  const next = tf.add(kept, fresh);
  return {
    states: [next],
    back: ([r]) => {
      const [rKept, rFresh] = flow.sum([kept, fresh], next, r as tf.Tensor);
      const before = back(rFresh);
      return { x: before.x, states: [tf.add(before.states[0] as tf.Tensor, rKept)] };
    },
  };
}

/** A product with weights: forward, and back by the rule of kernels. */
interface Product {
  apply(x: tf.Tensor): tf.Tensor;
  back(x: tf.Tensor, y: tf.Tensor, r: tf.Tensor): tf.Tensor;
}

/** The weights and rules of one recurrence, and what biases took. */
class Flow {
  readonly taken: tf.Tensor1D[] = [];
  readonly #kernel: tf.Tensor2D;
  readonly #recurrent: tf.Tensor2D;
  readonly #bias: tf.Tensor | null;

  constructor(
    private readonly step: RecurrentStep,
    private readonly cell: Layer,
    private readonly rules: CellRules,
  ) {
    this.#kernel = weightOf(cell, "kernel") as tf.Tensor2D;
    this.#recurrent = weightOf(cell, "recurrentKernel") as tf.Tensor2D;
    this.#bias = weightOf(cell, "bias");
  }

  get units(): number {
    return this.#recurrent.shape[0];
  }

  activation(z: tf.Tensor): tf.Tensor {
    return applyActivation(this.cell, z);
  }

  gate(z: tf.Tensor): tf.Tensor {
    const { recurrentActivation } = this.cell as unknown as {
      recurrentActivation: { apply(x: tf.Tensor): tf.Tensor };
    };
    return recurrentActivation.apply(z);
  }

  /** The i-th of the parts of the kernels, over input and state side by side. */
  part(i: number, parts: number): Product {
    const kernel = tf.concat([slice(this.#kernel, i, parts), slice(this.#recurrent, i, parts)], 0);
    return this.#product(kernel, this.#bias === null ? null : slice(this.#bias, i, parts));
  }

  /** The same over the input alone, with the first row of a bias of two. */
  ofInput(i: number, parts: number): Product {
    return this.#product(slice(this.#kernel, i, parts), this.#biasRow(0, i, parts));
  }

  ofState(i: number, parts: number): Product {
    return this.#product(slice(this.#recurrent, i, parts), this.#biasRow(1, i, parts));
  }

  /** The relevance of terms of a sum. */
  sum(xs: [tf.Tensor, tf.Tensor], y: tf.Tensor, r: tf.Tensor): [tf.Tensor, tf.Tensor] {
    const { node } = this.step;
    const step = { kind: "add", factors: [1, 1], node, inputs: [], outputs: [] } as const;
    const { inputs, taken } = applyLinearRule(this.rules.sums, { step, xs, y, r });
    this.taken.push(...taken);
    return inputs as [tf.Tensor, tf.Tensor];
  }

  /** The relevance of input and state, from that of both side by side. */
  apart(x: tf.Tensor2D, r: tf.Tensor): ReturnType<Moment["back"]> {
    const [ofX, ofState] = tf.split(r, [x.shape[1], this.units], 1);
    return { x: ofX as tf.Tensor, states: [ofState as tf.Tensor] };
  }

  #biasRow(row: number, i: number, parts: number): tf.Tensor | null {
    if (this.#bias === null) return null;
    return slice(tf.reshape(tf.slice(this.#bias, [row, 0], [1, -1]), [-1]), i, parts);
  }

  #product(kernel: tf.Tensor, bias: tf.Tensor | null): Product {
    const step: DenseStep = {
      kind: "dense",
      node: this.step.node,
      inputs: [],
      outputs: [],
      weights: { kernels: () => [kernel], bias: () => bias },
    };
    return {
      apply: (x) => {
        const y = tf.matMul(x as tf.Tensor2D, kernel as tf.Tensor2D);
        return bias === null ? y : tf.add(y, bias);
      },
      back: (x, y, r) => {
        const { inputs, taken } = applyLinearRule(this.rules.kernels, { step, xs: [x], y, r });
        this.taken.push(...taken);
        return inputs[0] as tf.Tensor;
      },
    };
  }
}

/** The i-th of equal parts of the last axis. */
function slice(weights: tf.Tensor, i: number, parts: number): tf.Tensor {
  return tf.split(weights, parts, -1)[i] as tf.Tensor;
}

/**
 * Hands relevance through a recurrent layer, back in time. What arrives at the states of before the first time step goes to
 * them where they are given; where they are zero it is lost, and rules in proportion to x w give them none.
 *
 * @param xs the series, and the first states where they are given; then the mask `[n, t]` where there is one, false where a
 *   step is hidden
 * @param rs relevance of the layer's output, and of its last states where they are given out; null: none
 * @source Arras et al. 2017, arXiv:1706.07206: gates take nothing ("signal takes all")
 */
export function throughTime(
  step: RecurrentStep,
  xs: readonly tf.Tensor[],
  rs: readonly (tf.Tensor | null)[],
  rules: CellRules,
): HandedOn {
  const [x, ...states] = xs.slice(0, step.carried) as [tf.Tensor3D, ...tf.Tensor[]];
  const mask = xs[1 + states.length] ?? null;
  const runs = step.recurrences.map((recurrence) => run(step, recurrence, { x, states, mask }, rules));
  const { parts, taken } = unmerged(
    step,
    runs.map(({ y }) => y),
    rs[0] ?? tf.zerosLike(runs[0]?.y as tf.Tensor),
    rules.sums,
  );
  const backs = runs.map((one, i) => one.back(parts[i] as tf.Tensor, rs.slice(1)));
  const rx = backs.map((back) => back.x).reduce((a, b) => tf.add(a, b));
  // Two directions have no states from outside.
  const first = states.length > 0 ? (backs[0]?.states ?? []) : [];
  return { inputs: [rx, ...first], taken: [...taken, ...runs.flatMap(({ flow }) => flow.taken)] };
}

/** What a recurrence runs over. */
interface Series {
  readonly x: tf.Tensor3D;
  /** The first states; none: zeros. */
  readonly states: States;
  readonly mask: tf.Tensor | null;
}

interface Run {
  readonly flow: Flow;
  /** What the layer gives. */
  readonly y: tf.Tensor;
  /** From the relevance of y, and of the last states, to that of x and of the first states. */
  back(r: tf.Tensor, last: readonly (tf.Tensor | null)[]): { x: tf.Tensor; states: States };
}

function run(
  step: RecurrentStep,
  recurrence: Recurrence,
  { x, states: given, mask }: Series,
  rules: CellRules,
): Run {
  const { cell, backwards, restored, masked, zeroHidden } = recurrence;
  const flow = new Flow(step, cell, rules);
  const { states: count, run: move } = CELLS[cell.getClassName()] as (typeof CELLS)[string];
  const times = tf.unstack(x, 1) as tf.Tensor2D[];
  const order = times.map((_, t) => (backwards ? times.length - 1 - t : t));
  const zeros = tf.zeros([x.shape[0], flow.units]);
  const first = given.length > 0 ? given : Array<tf.Tensor>(count).fill(zeros);
  const seen = masked && mask !== null ? tf.unstack(tf.expandDims(tf.cast(mask, "float32"), 2), 1) : null;
  const moments: Moment[] = [];
  for (const t of order) {
    const before = moments.at(-1)?.states ?? first;
    const moment = move(flow, times[t] as tf.Tensor2D, before);
    moments.push(seen === null ? moment : hidden(moment, before, seen[t] as tf.Tensor));
  }
  /** What the k-th moment gives of its state, and the state gets of the relevance of that. */
  const shown = (h: tf.Tensor, k: number) =>
    seen !== null && zeroHidden ? tf.mul(h, seen[order[k] as number] as tf.Tensor) : h;
  const hs = moments.map(({ states }, k) => shown(states[0] as tf.Tensor, k));
  /** The place in the output of what the k-th moment gave. */
  const placeOf = (k: number) => (restored ? (order[k] as number) : k);
  const y = step.sequences ? tf.stack(placed(hs, placeOf), 1) : (hs.at(-1) as tf.Tensor);
  const back: Run["back"] = (r, last) => {
    const given = step.sequences ? tf.unstack(r, 1) : null;
    let after: States = first.map((_, i) => last[i] ?? zeros);
    const rx: tf.Tensor[] = [];
    for (let k = moments.length - 1; k >= 0; k--) {
      const own = given === null ? (k === moments.length - 1 ? r : null) : (given[placeOf(k)] as tf.Tensor);
      const [rh, ...others] = after as [tf.Tensor, ...tf.Tensor[]];
      const { x: ofX, states } = (moments[k] as Moment).back([
        own === null ? rh : tf.add(rh, shown(own, k)),
        ...others,
      ]);
      rx[order[k] as number] = ofX;
      after = states;
    }
    return { x: tf.stack(rx, 1), states: after };
  };
  return { flow, y, back };
}

/** A moment that is hidden in the samples where `seen` is 0: the states stay as they were, and so does their relevance. */
function hidden({ states, back }: Moment, before: States, seen: tf.Tensor): Moment {
  const unseen = tf.sub(1, seen);
  const mixed = (a: tf.Tensor, b: tf.Tensor) => tf.add(tf.mul(seen, a), tf.mul(unseen, b));
  return {
    states: states.map((state, i) => mixed(state, before[i] as tf.Tensor)),
    back: (rs) => {
      const own = back(rs.map((r) => tf.mul(seen, r)));
      const kept = own.states.map((r, i) => tf.add(r, tf.mul(unseen, rs[i] as tf.Tensor)));
      return { x: own.x, states: kept };
    },
  };
}

function placed(values: readonly tf.Tensor[], placeOf: (k: number) => number): tf.Tensor[] {
  const there: tf.Tensor[] = [];
  values.forEach((value, k) => {
    there[placeOf(k)] = value;
  });
  return there;
}

/** The relevance of what both directions gave, from that of both merged. */
function unmerged(
  { merge, node }: RecurrentStep,
  ys: readonly tf.Tensor[],
  r: tf.Tensor,
  sums: LinearRule,
): { parts: tf.Tensor[]; taken: readonly tf.Tensor1D[] } {
  switch (merge) {
    case null:
      return { parts: [r], taken: [] };
    case "concat": {
      const widths = ys.map((y) => y.shape.at(-1) as number);
      return { parts: tf.split(r, widths, -1), taken: [] };
    }
    case "mul":
      return { parts: ys.map(() => tf.div(r, ys.length)), taken: [] };
    case "sum":
    case "ave": {
      const factors = ys.map(() => (merge === "sum" ? 1 : 1 / ys.length));
      const y = ys.map((one, i) => tf.mul(one, factors[i] as number)).reduce((a, b) => tf.add(a, b));
      const step = { kind: "add", factors, node, inputs: [], outputs: [] } as const;
      const { inputs, taken } = applyLinearRule(sums, { step, xs: ys, y, r });
      return { parts: inputs, taken };
    }
    default:
      return merge satisfies never;
  }
}

/** A recurrent layer, or two in both directions; opaque where it has states from outside, or cells not known here. */
export function recurrentLink(call: LayerCall): Link {
  const { layer, node } = call;
  const both = forwardLayer(layer) !== null;
  const layers = both
    ? [forwardLayer(layer), (layer as unknown as { backwardLayer: Layer }).backwardLayer]
    : [layer];
  const recurrences = layers.map((one) => recurrenceOf(one as Layer, both));
  const known = recurrences.filter((one) => one !== null);
  const states = CELLS[known[0]?.cell.getClassName() as string]?.states as number;
  const outside = [node.inputs.length - 1, node.outputs.length - 1];
  const none = outside.every((n) => n === 0);
  // One direction alone has states from outside; under a mask its first steps may give zeros, and not those states.
  const taken = none || (!both && call.mask === null && outside.every((n) => n === 0 || n === states));
  if (known.length < layers.length || !taken) return { kind: "opaque" };
  const merge = both ? ((call.config.mergeMode ?? "concat") as RecurrentStep["merge"]) : null;
  const sequences = call.outputShape.length === 3;
  return { kind: "recurrent", recurrences: known, merge, sequences };
}

function recurrenceOf(layer: Layer, restored: boolean): Recurrence | null {
  const { cell } = layer as unknown as { cell?: Layer };
  const { goBackwards, stateful, zeroOutputForMask } = layer.getConfig();
  if (cell === undefined || !Object.hasOwn(CELLS, cell.getClassName()) || stateful === true) return null;
  return {
    cell,
    backwards: goBackwards === true,
    restored,
    masked: readsMask(layer),
    zeroHidden: zeroOutputForMask === true,
  };
}
