/** The attention layers of Keras. What comes besides query and value is told by `roles`, one an input, in their order. */
import * as tf from "@tensorflow/tfjs";
import { einsum } from "./einsum.js";
import { addWeight, type LayerVariable, type Shape } from "./internals.js";
import { axisOf, type BaseConfig, OwnLayer, shapesOf } from "./OwnLayer.js";

/** What an input of an attention layer is. Masks are true where there is something to attend to. */
export type AttentionRole =
  | "query"
  | "value"
  | "key"
  | "queryMask"
  | "valueMask"
  | "keyMask"
  | "attentionMask";

type Roles<T> = Partial<Record<AttentionRole, T>> & { query: T; value: T; key: T };

/** The inputs by role; the key is the value where none is given. */
function byRole<T>(roles: readonly AttentionRole[], inputs: readonly T[]): Roles<T> {
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

interface HeadsOptions {
  useBias: boolean;
  useGate: boolean;
  useCausalMask: boolean;
  slidingWindow: number | null;
  dropout: number;
  /** Whether the weights of the values are a second output. */
  returnAttentionScores: boolean;
  roles: AttentionRole[];
}

const HEADS: HeadsOptions = {
  useBias: true,
  useGate: false,
  useCausalMask: false,
  slidingWindow: null,
  dropout: 0,
  returnAttentionScores: false,
  roles: ["query", "value"],
};

/** The output, and the scores where they are asked for; the same of shapes. */
function withScores<T>(options: { returnAttentionScores: boolean }, y: T, scores: () => T): T | T[] {
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

/** One projection: x [..., in] to [..., ...out]. */
interface Projection {
  kernel: LayerVariable;
  bias: LayerVariable | null;
}

/**
 * Dot-product attention in several heads (Vaswani et al. 2017): of query [b, ...t, d], value and key [b, ...s, d]
 * projections to heads, `softmax(q k^T / sqrt(size) + mask) v`, and a projection back.
 */
abstract class Heads<Options extends HeadsOptions> extends OwnLayer<Options> {
  protected projections: Record<string, Projection> = {};

  protected project(name: string, inner: number[], out: number[]): void {
    const initializer = tf.initializers.glorotUniform({});
    // In the order in which Keras keeps them.
    const kernel = addWeight(this, `${name}_kernel`, [...inner, ...out], initializer);
    const bias = this.options.useBias ? addWeight(this, `${name}_bias`, out, tf.initializers.zeros()) : null;
    this.projections[name] = { kernel, bias };
  }

  /** x with its last `inner` axes multiplied into the kernel. */
  protected projected(name: string, x: tf.Tensor, inner = 1): tf.Tensor {
    const { kernel, bias } = this.projections[name] as Projection;
    const w = kernel.read();
    const kept = x.shape.slice(0, x.rank - inner);
    const size = w.shape.slice(0, inner).reduce((a, b) => a * b, 1);
    const out = w.shape.slice(inner);
    const flat = tf.matMul(
      tf.reshape(x, [-1, size]) as tf.Tensor2D,
      tf.reshape(w, [size, -1]) as tf.Tensor2D,
    );
    const y = tf.reshape(flat, [...kept, ...out]);
    return bias === null ? y : tf.add(y, bias.read());
  }

  /** The mask [b, t, s] that inputs and options make, or null. */
  protected mask(given: Roles<tf.Tensor>): tf.Tensor | null {
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

  /** q [b, t, n, h], k [b, s, n, h], v [b, s, n, e] to [b, t, n, e], and the weights [b, n, t, s]. */
  protected attend(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    mask: tf.Tensor | null,
    training: boolean,
  ): { y: tf.Tensor; scores: tf.Tensor } {
    const scale = 1 / Math.sqrt(q.shape.at(-1) as number);
    const equation = { a: "btnh", b: "bsnh", out: "bnts" };
    let scores = einsum(equation, tf.mul(q, scale), k);
    // [b, t, s] to [b, 1, t, s]; a mask of rank 4 has its heads, one of rank 2 is [t, s].
    let wide = mask;
    while (wide !== null && wide.rank < 4) wide = tf.expandDims(wide, wide.rank === 2 ? 0 : 1);
    if (wide !== null) {
      wide = tf.broadcastTo(wide, scores.shape);
      scores = tf.where(wide, scores, tf.fill(scores.shape, MASKED));
    }
    let weights = tf.softmax(scores) as tf.Tensor;
    const { dropout, returnAttentionScores } = this.options;
    // Keras computes attention with dropout, or with scores to return, by another way, in which a row that sees nothing gets
    // nothing.
    if (wide !== null && (dropout > 0 || returnAttentionScores))
      weights = tf.where(wide, weights, tf.zerosLike(weights));
    const kept = training && dropout > 0 ? tf.dropout(weights, dropout) : weights;
    return { y: einsum({ a: "bnts", b: "bsne", out: "btne" }, kept, v), scores: weights };
  }

  override computeMask(
    _inputs: tf.Tensor | tf.Tensor[],
    mask?: tf.Tensor | tf.Tensor[],
  ): tf.Tensor | tf.Tensor[] {
    return maskOfQuery(this.options, mask);
  }
}

interface MultiHeadOptions extends HeadsOptions {
  numHeads: number;
  keyDim: number;
  valueDim: number | null;
  /** Without batch and sequence; null for that of the query. */
  outputShape: number[] | number | null;
  attentionAxes: number[] | null;
}

/** Keras's MultiHeadAttention. tfjs's class of that name lacks most of it. */
export class KerasMultiHeadAttention extends Heads<MultiHeadOptions> {
  static readonly className = "KerasMultiHeadAttention";

  constructor(config: BaseConfig & Partial<MultiHeadOptions>) {
    super(config, {
      ...HEADS,
      numHeads: 1,
      keyDim: 1,
      valueDim: null,
      outputShape: null,
      attentionAxes: null,
    });
  }

  private out(query: Shape): number[] {
    return [this.options.outputShape ?? (query.at(-1) as number)].flat();
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const { query, value, key } = byRole(this.options.roles, shapesOf(inputShape));
    const { numHeads, keyDim, useGate } = this.options;
    const valueDim = this.options.valueDim ?? keyDim;
    this.project("query", [query.at(-1) as number], [numHeads, keyDim]);
    this.project("key", [key.at(-1) as number], [numHeads, keyDim]);
    if (useGate) this.project("gate", [query.at(-1) as number], [numHeads, valueDim]);
    this.project("value", [value.at(-1) as number], [numHeads, valueDim]);
    this.project("attention_output", [numHeads, valueDim], this.out(query));
    this.built = true;
  }

  protected override compute(inputs: tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[] {
    const given = byRole(this.options.roles, inputs);
    const q = this.projected("query", given.query);
    const k = this.projected("key", given.key);
    const v = this.projected("value", given.value);
    // Axes of the sequence that are not attended over count as batch, those that are as one.
    const rank = given.query.rank;
    const all = Array.from({ length: rank - 2 }, (_, i) => i + 1);
    const axes = this.options.attentionAxes?.map((axis) => axisOf(axis, rank)) ?? all;
    const rest = all.filter((axis) => !axes.includes(axis));
    const order = [0, ...rest, ...axes, rank - 1, rank];
    const fold = (x: tf.Tensor) => {
      const moved = tf.transpose(x, order);
      const batch = moved.shape.slice(0, 1 + rest.length).reduce((a, b) => a * b, 1);
      return tf.reshape(moved, [batch, -1, ...moved.shape.slice(rank - 1)]);
    };
    const { y, scores } = this.attend(fold(q), fold(k), fold(v), this.mask(given), training);
    const shape = [
      ...order.slice(0, -2).map((axis) => given.query.shape[axis] as number),
      ...y.shape.slice(2),
    ];
    const back = order.map((_, i) => order.indexOf(i));
    let heads = tf.transpose(tf.reshape(y, shape), back);
    if (this.options.useGate) heads = tf.mul(heads, tf.sigmoid(this.projected("gate", given.query)));
    return withScores(this.options, this.projected("attention_output", heads, 2), () => scores);
  }

  protected override shapeAfter(inputs: Shape[]): (number | null)[] | (number | null)[][] {
    const { query, value } = byRole(this.options.roles, inputs);
    const y = [...query.slice(0, -1), ...this.out(query)];
    return withScores<(number | null)[]>(this.options, y, () => [
      query[0] ?? null,
      this.options.numHeads,
      query[1] ?? null,
      value[1] ?? null,
    ]) as (number | null)[] | (number | null)[][];
  }
}

interface GroupedOptions extends HeadsOptions {
  headDim: number;
  numQueryHeads: number;
  numKeyValueHeads: number;
}

/** Attention in which groups of query heads share a head of key and value (Ainslie et al. 2023). */
export class GroupedQueryAttention extends Heads<GroupedOptions> {
  static readonly className = "GroupQueryAttention";

  constructor(config: BaseConfig & Partial<GroupedOptions>) {
    super(config, { ...HEADS, headDim: 1, numQueryHeads: 1, numKeyValueHeads: 1 });
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const { query, value, key } = byRole(this.options.roles, shapesOf(inputShape));
    const { headDim, numQueryHeads, numKeyValueHeads, useGate } = this.options;
    const features = query.at(-1) as number;
    this.project("query", [features], [numQueryHeads, headDim]);
    this.project("key", [key.at(-1) as number], [numKeyValueHeads, headDim]);
    if (useGate) this.project("gate", [features], [numQueryHeads, headDim]);
    this.project("value", [value.at(-1) as number], [numKeyValueHeads, headDim]);
    this.project("attention_output", [numQueryHeads, headDim], [features]);
    this.built = true;
  }

  protected override compute(inputs: tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[] {
    const given = byRole(this.options.roles, inputs);
    const { numQueryHeads, numKeyValueHeads, useGate } = this.options;
    const repeat = numQueryHeads / numKeyValueHeads;
    const wide = (x: tf.Tensor) => {
      const [b, s, n, h] = x.shape as [number, number, number, number];
      return tf.reshape(tf.tile(tf.reshape(x, [b * s * n, 1, h]), [1, repeat, 1]), [b, s, n * repeat, h]);
    };
    const k = wide(this.projected("key", given.key));
    const v = wide(this.projected("value", given.value));
    const { y, scores } = this.attend(this.projected("query", given.query), k, v, this.mask(given), training);
    let heads = y;
    if (useGate) heads = tf.mul(heads, tf.sigmoid(this.projected("gate", given.query)));
    return withScores(this.options, this.projected("attention_output", heads, 2), () => scores);
  }

  protected override shapeAfter(inputs: Shape[]): (number | null)[] | (number | null)[][] {
    const { query, value } = byRole(this.options.roles, inputs);
    return withScores<(number | null)[]>(this.options, [...query], () => [
      query[0] ?? null,
      this.options.numQueryHeads,
      query[1] ?? null,
      value[1] ?? null,
    ]) as (number | null)[] | (number | null)[][];
  }
}

interface PlainOptions {
  useScale: boolean;
  scoreMode: string;
  dropout: number;
  useCausalMask: boolean;
  returnAttentionScores: boolean;
  roles: AttentionRole[];
}

/** `softmax(scores(query, key)) value` without projections: query [b, t, d], value and key [b, s, d]. */
abstract class PlainAttention extends OwnLayer<PlainOptions> {
  scale: LayerVariable | null = null;

  protected abstract scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor;

  protected override compute(inputs: tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[] {
    const { query, key, value, queryMask, valueMask } = byRole(this.options.roles, inputs);
    const scores = this.scores(query, key);
    const [, t, s] = scores.shape as [number, number, number];
    const { useCausalMask, dropout } = this.options;
    const mask = both(
      valueMask === undefined ? null : tf.expandDims(tf.cast(valueMask, "bool"), 1),
      useCausalMask ? band(t, s, (i, j) => i >= j) : null,
    );
    const lowered = mask === null ? scores : tf.sub(scores, tf.mul(1e9, tf.sub(1, tf.cast(mask, "float32"))));
    let weights = tf.softmax(lowered) as tf.Tensor;
    if (training && dropout > 0) weights = tf.dropout(weights, dropout);
    const all = tf.matMul(weights, value);
    const y = queryMask === undefined ? all : tf.mul(all, tf.expandDims(tf.cast(queryMask, "float32"), -1));
    return withScores<tf.Tensor>(this.options, y, () => weights);
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

const PLAIN: PlainOptions = {
  useScale: false,
  scoreMode: "dot",
  dropout: 0,
  useCausalMask: false,
  returnAttentionScores: false,
  roles: ["query", "value"],
};

/** Luong's attention: scores `q k^T` (dot), or `sum(tanh(q + k))` (concat). */
export class Attention extends PlainAttention {
  static readonly className = "Attention";
  concatScoreWeight: LayerVariable | null = null;

  constructor(config: BaseConfig & Partial<PlainOptions>) {
    super(config, PLAIN);
  }

  override build(): void {
    const ones = tf.initializers.ones();
    if (this.options.useScale) this.scale = addWeight(this, "scale", [], ones);
    if (this.options.scoreMode === "concat")
      this.concatScoreWeight = addWeight(this, "concat_score_weight", [], ones);
    this.built = true;
  }

  protected override scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor {
    const scaled = (x: tf.Tensor) => (this.scale === null ? x : tf.mul(x, this.scale.read()));
    if (this.concatScoreWeight === null) return scaled(tf.matMul(query, key, false, true));
    const sums = scaled(tf.add(tf.expandDims(query, 2), tf.expandDims(key, 1)));
    return tf.mul(this.concatScoreWeight.read(), tf.sum(tf.tanh(sums), -1));
  }
}

/** Bahdanau's attention: scores `sum(scale tanh(q + k))`. */
export class AdditiveAttention extends PlainAttention {
  static readonly className = "AdditiveAttention";

  constructor(config: BaseConfig & Partial<PlainOptions>) {
    super(config, { ...PLAIN, useScale: true });
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [query] = shapesOf(inputShape) as [tf.Shape];
    const initializer = tf.initializers.glorotUniform({});
    if (this.options.useScale) this.scale = addWeight(this, "scale", [query.at(-1) as number], initializer);
    this.built = true;
  }

  protected override scores(query: tf.Tensor, key: tf.Tensor): tf.Tensor {
    const t = tf.tanh(tf.add(tf.expandDims(query, 2), tf.expandDims(key, 1)));
    return tf.sum(this.scale === null ? t : tf.mul(t, this.scale.read()), -1);
  }
}
