/** What the attention layers have in common: roles of their inputs, masks, and the parts that they are computed by. */
import * as tf from "@tensorflow/tfjs";
import { einsum } from "./einsum.js";
import { addWeight, type LayerVariable, type Shape } from "./internals.js";
import { OwnLayer } from "./OwnLayer.js";

/** What an input of an attention layer is. Masks are true where there is something to attend to. */
export type AttentionRole =
  | "query"
  | "value"
  | "key"
  | "queryMask"
  | "valueMask"
  | "keyMask"
  | "attentionMask";

export type Roles<T> = Partial<Record<AttentionRole, T>> & { query: T; value: T; key: T };

/** The inputs by role; the key is the value where none is given. */
export function byRole<T>(roles: readonly AttentionRole[], inputs: readonly T[]): Roles<T> {
  const named = Object.fromEntries(roles.map((role, i) => [role, inputs[i]])) as Roles<T>;
  return { ...named, key: named.key ?? named.value };
}

/** What scores become where nothing is to be seen: as far down as Keras puts them. */
const MASKED = -0.7 * 3.4028235e38;

/** True where row i may see column j: i >= j, or |i - j| < window. */
function band(rows: number, columns: number, sees: (i: number, j: number) => boolean): tf.Tensor {
  const cells = new Uint8Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) if (sees(i, j)) cells[i * columns + j] = 1;
  return tf.tensor(cells, [1, rows, columns], "bool");
}

/** Both masks, where there are two. */
function both(a: tf.Tensor | null, b: tf.Tensor | null): tf.Tensor | null {
  if (a === null || b === null) return a ?? b;
  return tf.logicalAnd(a, b);
}

export interface HeadsOptions {
  useBias: boolean;
  useGate: boolean;
  useCausalMask: boolean;
  slidingWindow: number | null;
  dropout: number;
  /** Whether the weights of the values are a second output. */
  returnAttentionScores: boolean;
  roles: AttentionRole[];
}

export const HEADS: HeadsOptions = {
  useBias: true,
  useGate: false,
  useCausalMask: false,
  slidingWindow: null,
  dropout: 0,
  returnAttentionScores: false,
  roles: ["query", "value"],
};

/** The output, and the scores where they are asked for; the same of shapes. */
export function withScores<T>(options: { returnAttentionScores: boolean }, y: T, scores: () => T): T | T[] {
  return options.returnAttentionScores ? [y, scores()] : y;
}

/** The query's mask, if tfjs carries one, is that of the output; scores have none. */
function maskOfQuery(
  { returnAttentionScores }: { returnAttentionScores: boolean },
  mask: tf.Tensor | tf.Tensor[] | undefined,
): tf.Tensor | tf.Tensor[] {
  const query = (Array.isArray(mask) ? mask[0] : mask) as tf.Tensor;
  return returnAttentionScores ? [query, null as unknown as tf.Tensor] : query;
}

export type ProjectionName = "query" | "key" | "value" | "gate" | "attention_output";

/** One projection: x [..., in] to [..., ...out]. */
interface Projection {
  kernel: LayerVariable;
  bias: LayerVariable | null;
}

/**
 * Dot-product attention in several heads (Vaswani et al. 2017): of query [b, ...t, d], value and key [b, ...s, d]
 * projections to heads, `softmax(q k^T / sqrt(size) + mask) v`, and a projection back.
 */
export abstract class Heads<Options extends HeadsOptions = HeadsOptions> extends OwnLayer<Options> {
  protected projections: Record<string, Projection> = {};

  /** What each input is. */
  get roles(): readonly AttentionRole[] {
    return this.options.roles;
  }

  protected project(name: string, inner: number[], out: number[]): void {
    const initializer = tf.initializers.glorotUniform({});
    // In the order in which Keras keeps them.
    const kernel = addWeight(this, `${name}_kernel`, [...inner, ...out], initializer);
    const bias = this.options.useBias ? addWeight(this, `${name}_bias`, out, tf.initializers.zeros()) : null;
    this.projections[name] = { kernel, bias };
  }

  /** A projection as a dense layer has it, its inner and its outer axes as one each; null where there is none. */
  dense(name: ProjectionName): { kernel(): tf.Tensor2D; bias(): tf.Tensor1D | null } | null {
    const projection = this.projections[name];
    if (projection === undefined) return null;
    const { kernel, bias } = projection;
    const inner = name === "attention_output" ? 2 : 1;
    return {
      kernel: () => {
        const w = kernel.read();
        const rows = w.shape.slice(0, inner).reduce((a, b) => a * b, 1);
        return tf.reshape(w, [rows, -1]) as tf.Tensor2D;
      },
      bias: () => (bias === null ? null : tf.reshape(bias.read(), [-1])),
    };
  }

  /** x with its last axis multiplied into the kernel: `[...t, out]`, heads and their size as one axis. */
  protected projected(name: ProjectionName, x: tf.Tensor): tf.Tensor {
    const { kernel, bias } = this.dense(name) as NonNullable<ReturnType<Heads["dense"]>>;
    const w = kernel();
    const flat = tf.matMul(tf.reshape(x, [-1, w.shape[0]]) as tf.Tensor2D, w);
    const y = tf.reshape(flat, [...x.shape.slice(0, -1), w.shape[1]]);
    const b = bias();
    return b === null ? y : tf.add(y, b);
  }

  /** The projection `name`, `[b, ...t, heads size]`, as attention takes it: `[b', t, heads, size]`. */
  abstract apart(name: ProjectionName, x: tf.Tensor): tf.Tensor;

  /** What attention gave, `[b', t, heads, size]`, as `[b, ...t, heads size]` of a query of the given shape. */
  abstract together(y: tf.Tensor, query: readonly number[]): tf.Tensor;

  /** How well q [b, t, n, h] and k [b, s, n, h] go together: `[b, n, t, s]`. */
  scores(q: tf.Tensor, k: tf.Tensor): tf.Tensor {
    const scale = 1 / Math.sqrt(q.shape.at(-1) as number);
    return einsum({ a: "btnh", b: "bsnh", out: "bnts" }, tf.mul(q, scale), k);
  }

  /** Their softmax under the masks that inputs and options make. */
  probabilities(scores: tf.Tensor, inputs: readonly tf.Tensor[]): tf.Tensor {
    // [b, t, s] to [b, 1, t, s]; a mask of rank 4 has its heads, one of rank 2 is [t, s].
    let wide = this.mask(byRole(this.roles, inputs));
    while (wide !== null && wide.rank < 4) wide = tf.expandDims(wide, wide.rank === 2 ? 0 : 1);
    if (wide === null) return tf.softmax(scores);
    wide = tf.broadcastTo(wide, scores.shape);
    const weights = tf.softmax(tf.where(wide, scores, tf.fill(scores.shape, MASKED))) as tf.Tensor;
    const { dropout, returnAttentionScores } = this.options;
    // Keras computes attention with dropout, or with scores to return, by another way, in which a row that sees nothing gets
    // nothing.
    return dropout > 0 || returnAttentionScores ? tf.where(wide, weights, tf.zerosLike(weights)) : weights;
  }

  /** The values [b, s, n, e] as the weights [b, n, t, s] have them: `[b, t, n, e]`. */
  weighted(weights: tf.Tensor, v: tf.Tensor): tf.Tensor {
    return einsum({ a: "bnts", b: "bsne", out: "btne" }, weights, v);
  }

  protected override compute(inputs: tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[] {
    const { query, key, value } = byRole(this.roles, inputs);
    const part = (name: ProjectionName, x: tf.Tensor) => this.apart(name, this.projected(name, x));
    const weights = this.probabilities(this.scores(part("query", query), part("key", key)), inputs);
    const { dropout, useGate } = this.options;
    const kept = training && dropout > 0 ? tf.dropout(weights, dropout) : weights;
    let heads = this.together(this.weighted(kept, part("value", value)), query.shape);
    if (useGate) heads = tf.mul(heads, tf.sigmoid(this.projected("gate", query)));
    return withScores(this.options, this.projected("attention_output", heads), () => weights);
  }

  /** The mask [b, t, s] that inputs and options make, or null. */
  private mask(given: Roles<tf.Tensor>): tf.Tensor | null {
    const { useCausalMask, slidingWindow } = this.options;
    const bool = (mask: tf.Tensor | undefined, axis: number) =>
      mask === undefined ? null : tf.expandDims(tf.cast(mask, "bool"), axis);
    const rows = given.query.shape[1] as number;
    const columns = given.value.shape[1] as number;
    let mask = both(bool(given.queryMask, -1), bool(given.valueMask, 1));
    mask = both(mask, bool(given.keyMask, 1));
    if (useCausalMask)
      mask = both(
        mask,
        band(rows, columns, (i, j) => i >= j),
      );
    if (slidingWindow !== null)
      mask = both(
        mask,
        band(rows, columns, (i, j) => Math.abs(i - j) < slidingWindow),
      );
    return both(mask, given.attentionMask === undefined ? null : tf.cast(given.attentionMask, "bool"));
  }

  override computeMask(
    _inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    return maskOfQuery(this.options, mask);
  }
}

export interface PlainOptions {
  useScale: boolean;
  scoreMode: string;
  dropout: number;
  useCausalMask: boolean;
  returnAttentionScores: boolean;
  roles: AttentionRole[];
}

/** `softmax(scores(query, key)) value` without projections: query [b, t, d], value and key [b, s, d]. */
export abstract class PlainAttention extends OwnLayer<PlainOptions> {
  scale: LayerVariable | null = null;

  get roles(): readonly AttentionRole[] {
    return this.options.roles;
  }

  /**
   * Of scores `sum(after tanh(before (query + key)))` their factors, numbers or one a feature, null for 1; null where scores
   * are the product of query and key.
   */
  abstract additive(): { before: tf.Tensor | null; after: tf.Tensor | null } | null;

  /** How well query and key go together: `[b, t, s]`. */
  scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor {
    const factors = this.additive();
    if (factors === null) return scaled(tf.matMul(query, key, false, true), this.scale?.read());
    const sums = tf.add(tf.expandDims(query, 2), tf.expandDims(key, 1));
    return tf.sum(scaled(tf.tanh(scaled(sums, factors.before)), factors.after), -1);
  }

  /** Their softmax under the masks that inputs and options make. */
  probabilities(scores: tf.Tensor, inputs: readonly tf.Tensor[]): tf.Tensor {
    const { valueMask } = byRole(this.roles, inputs);
    const [, t, s] = scores.shape as [number, number, number];
    const mask = both(
      valueMask === undefined ? null : tf.expandDims(tf.cast(valueMask, "bool"), 1),
      this.options.useCausalMask ? band(t, s, (i, j) => i >= j) : null,
    );
    const lowered = mask === null ? scores : tf.sub(scores, tf.mul(1e9, tf.sub(1, tf.cast(mask, "float32"))));
    return tf.softmax(lowered);
  }

  /** The values as the weights have them, and nothing where the query is masked. */
  weighted(weights: tf.Tensor, value: tf.Tensor, inputs: readonly tf.Tensor[]): tf.Tensor {
    const { queryMask } = byRole(this.roles, inputs);
    const y = tf.matMul(weights, value);
    return queryMask === undefined ? y : tf.mul(y, tf.expandDims(tf.cast(queryMask, "float32"), -1));
  }

  protected override compute(inputs: tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[] {
    const { query, key, value } = byRole(this.roles, inputs);
    const { dropout } = this.options;
    let weights = this.probabilities(this.scores(query, key), inputs);
    if (training && dropout > 0) weights = tf.dropout(weights, dropout);
    return withScores<tf.Tensor>(this.options, this.weighted(weights, value, inputs), () => weights);
  }

  protected override shapeAfter(inputs: Shape[]): (number | null)[] | (number | null)[][] {
    const { query, value } = byRole(this.options.roles, inputs);
    const y = [...query.slice(0, -1), value.at(-1) ?? null];
    return withScores<(number | null)[]>(this.options, y, () => [...query.slice(0, -1), value[1] ?? null]) as
      | (number | null)[]
      | (number | null)[][];
  }

  override computeMask(
    _inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    return maskOfQuery(this.options, mask);
  }
}

function scaled(x: tf.Tensor, factor: tf.Tensor | null | undefined): tf.Tensor {
  return factor == null ? x : tf.mul(x, factor);
}

export const PLAIN: PlainOptions = {
  useScale: false,
  scoreMode: "dot",
  dropout: 0,
  useCausalMask: false,
  returnAttentionScores: false,
  roles: ["query", "value"],
};
