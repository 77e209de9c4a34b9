/** The attention layers of Keras. What comes besides query and value is told by `roles`, one an input, in their order. */
import * as tf from "@tensorflow/tfjs";
import {
  byRole,
  HEADS,
  Heads,
  type HeadsOptions,
  PLAIN,
  PlainAttention,
  type PlainOptions,
  type ProjectionName,
  withScores,
} from "./attentionParts.js";
import { addWeight, type LayerVariable, type Shape } from "./internals.js";
import { axisOf, type BaseConfig, shapesOf } from "./OwnLayer.js";

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

  /** The axes of a projection of that rank, `[b, ...t, heads, size]`: those not attended over, which count as batch, first. */
  private order(rank: number): { order: number[]; batch: number } {
    const all = Array.from({ length: rank - 3 }, (_, i) => i + 1);
    const axes = this.options.attentionAxes?.map((axis) => axisOf(axis, rank - 1)) ?? all;
    const rest = all.filter((axis) => !axes.includes(axis));
    return { order: [0, ...rest, ...axes, rank - 2, rank - 1], batch: 1 + rest.length };
  }

  override apart(_name: ProjectionName, x: tf.Tensor): tf.Tensor {
    const heads = [this.options.numHeads, (x.shape.at(-1) as number) / this.options.numHeads];
    const { order, batch } = this.order(x.rank + 1);
    const moved = tf.transpose(tf.reshape(x, [...x.shape.slice(0, -1), ...heads]), order);
    const rows = moved.shape.slice(0, batch).reduce((a, b) => a * b, 1);
    return tf.reshape(moved, [rows, -1, ...heads]);
  }

  override together(y: tf.Tensor, query: readonly number[]): tf.Tensor {
    const { order } = this.order(query.length + 1);
    const shape = [...order.slice(0, -2).map((axis) => query[axis] as number), ...y.shape.slice(2)];
    const back = order.map((_, i) => order.indexOf(i));
    return tf.reshape(tf.transpose(tf.reshape(y, shape), back), [...query.slice(0, -1), -1]);
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

  override apart(name: ProjectionName, x: tf.Tensor): tf.Tensor {
    const { numQueryHeads, numKeyValueHeads, headDim } = this.options;
    const [b, s] = x.shape as [number, number];
    const repeat = name === "query" ? 1 : numQueryHeads / numKeyValueHeads;
    const wide = repeat === 1 ? x : tf.tile(tf.reshape(x, [-1, 1, headDim]), [1, repeat, 1]);
    return tf.reshape(wide, [b, s, numQueryHeads, headDim]);
  }

  override together(y: tf.Tensor, query: readonly number[]): tf.Tensor {
    return tf.reshape(y, [...query.slice(0, -1), -1]);
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

  override additive() {
    const before = this.scale?.read() ?? null;
    return this.concatScoreWeight === null ? null : { before, after: this.concatScoreWeight.read() };
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

  override additive() {
    return { before: null, after: this.scale?.read() ?? null };
  }
}
