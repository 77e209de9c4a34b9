/** Operations that move elements and leave their values. */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { constantOf } from "../constantOf.js";
import { axisOf } from "../OwnLayer.js";
import {
  type Arguments,
  alongAxis,
  asTensor,
  atTheEnd,
  axes,
  axis,
  choose,
  float,
  int,
  isTensor,
  type OperationRule,
  option,
  rule,
  sliced,
  takeInRows,
  tensor,
  unary,
} from "./rule.js";

type Slice = readonly (number | null)[];

/** x[key] of NumPy, with whole numbers, slices, ellipsis and new axes. Steps are taken by gathering, which has a gradient. */
function getItem(args: Arguments): tf.Tensor {
  let x = tensor(args);
  const { key } = args;
  const parts = Array.isArray(key) ? [...key] : [key];
  const isEllipsis = (part: unknown) => typeof part === "object" && part !== null && "ellipsis" in part;
  const used = parts.filter((part) => part !== null && !isEllipsis(part)).length;
  const whole = { slice: [null, null, null] };
  const at = parts.findIndex(isEllipsis);
  if (at >= 0) parts.splice(at, 1, ...new Array(x.rank - used).fill(whole));
  let along = 0;
  for (const part of parts) {
    if (part === null) {
      x = tf.expandDims(x, along++);
    } else if (typeof part === "number") {
      const size = x.shape[along] as number;
      const index = part < 0 ? part + size : part;
      if (index < 0 || index >= size)
        throw new ArgumentError(`GetItem: expected an index below ${size}, got ${part}`);
      x = tf.squeeze(sliced(x, along, index, 1), [along]);
    } else if (typeof part === "object" && "slice" in part) {
      x = stepped(x, along++, (part as { slice: Slice }).slice);
    } else {
      throw new ArgumentError(`GetItem: expected whole numbers and slices, got ${JSON.stringify(part)}`);
    }
  }
  return x;
}

function stepped(x: tf.Tensor, along: number, [start, stop, step]: Slice): tf.Tensor {
  const length = x.shape[along] as number;
  const by = step ?? 1;
  const clip = (n: number, low: number, high: number) =>
    Math.min(high, Math.max(low, n < 0 ? n + length : n));
  const first =
    start == null ? (by > 0 ? 0 : length - 1) : clip(start, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
  const last =
    stop == null ? (by > 0 ? length : -1) : clip(stop, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
  const count = Math.max(0, Math.ceil((last - first) / by));
  if (by === 1) return count === length ? x : sliced(x, along, first, count);
  const indices = Int32Array.from({ length: count }, (_, i) => first + i * by);
  return tf.gather(x, tf.tensor1d(indices, "int32"), along);
}

/** Pieces of an axis that end at these indices, and the rest. */
function splitAt(x: tf.Tensor, along: number, indices: readonly number[]): tf.Tensor[] {
  const ends = [...indices, x.shape[along] as number];
  return ends.map((end, i) => {
    const begin = i === 0 ? 0 : (ends[i - 1] as number);
    return sliced(x, along, begin, end - begin);
  });
}

function tensors(args: Arguments, name: string): tf.Tensor[] {
  return (args[name] as unknown[]).map(asTensor);
}

/** Indices counted from the front, in whole numbers. */
function counted(indices: unknown, size: number): tf.Tensor {
  return constantOf(asTensor(indices), (t) => {
    const whole = int(t);
    return tf.where(tf.less(whole, 0), tf.add(whole, tf.scalar(size, "int32")), whole);
  });
}

function rolled(x: tf.Tensor, shift: number, along: number): tf.Tensor {
  const n = x.shape[along] as number;
  const by = ((shift % n) + n) % n;
  return by === 0 ? x.clone() : tf.concat([sliced(x, along, n - by, by), sliced(x, along, 0, n - by)], along);
}

function repeated(args: Arguments): tf.Tensor {
  const { x, along } = alongAxis(args, null);
  const given = args.repeats as number | number[] | tf.Tensor;
  const repeats = isTensor(given) ? Array.from(given.dataSync()) : [given].flat();
  const n = x.shape[along] as number;
  const times = Array.from({ length: n }, (_, i) => repeats[repeats.length === 1 ? 0 : i] as number);
  const indices = times.flatMap((count, i) => new Array<number>(count).fill(i));
  return tf.gather(x, tf.tensor1d(indices, "int32"), along);
}

function padded(args: Arguments): tf.Tensor {
  const x = tensor(args);
  const width = args.pad_width as number | number[] | number[][];
  const mode = option(args, "mode", "constant");
  const pairs = x.shape.map((_, i): [number, number] => {
    if (typeof width === "number") return [width, width];
    const pair = Array.isArray(width[0]) ? (width.length === 1 ? width[0] : width[i]) : width;
    return (Array.isArray(pair) && pair.length === 1 ? [pair[0], pair[0]] : pair) as [number, number];
  });
  if (mode === "constant") {
    const value = option<number | null>(args, "constant_values", null) ?? 0;
    if (typeof value !== "number")
      throw new ArgumentError(`Pad: expected constant_values to be a number, got ${JSON.stringify(value)}`);
    return tf.pad(x, pairs, value);
  }
  if (mode === "reflect" || mode === "symmetric") return tf.mirrorPad(x, pairs, mode);
  throw new ArgumentError(`Pad: expected mode constant, reflect or symmetric, got ${String(mode)}`);
}

/** Ones on and below the diagonal k of the last two axes, of x's type. */
function lower(x: tf.Tensor, k: number): tf.Tensor {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const values = Array.from(
    { length: rows * columns },
    (_, i) => (i % columns) - Math.floor(i / columns) <= k,
  );
  return tf.tensor2d(values, [rows, columns], "bool");
}

function moved(args: Arguments): tf.Tensor {
  const x = tensor(args);
  const from = axes(args, x.rank, "source") as number[];
  const to = axes(args, x.rank, "destination") as number[];
  const rest = x.shape.flatMap((_, i) => (from.includes(i) ? [] : [i]));
  const order = x.shape.map((_, i) => {
    const at = to.indexOf(i);
    return at < 0 ? (rest.shift() as number) : (from[at] as number);
  });
  return tf.transpose(x, order);
}

function turned(args: Arguments): tf.Tensor {
  const x = tensor(args, "array");
  const [a, b] = axes({ axes: option(args, "axes", [0, 1]) }, x.rank, "axes") as [number, number];
  const order = x.shape.map((_, i) => (i === a ? b : i === b ? a : i));
  const quarters = ((option(args, "k", 1) % 4) + 4) % 4;
  if (quarters === 0) return x.clone();
  if (quarters === 2) return tf.reverse(x, [a, b]);
  return quarters === 1 ? tf.transpose(tf.reverse(x, b), order) : tf.reverse(tf.transpose(x, order), b);
}

/** Of the two axes, moved to the end, the elements on a diagonal. */
function diagonal(args: Arguments): tf.Tensor {
  const x = tensor(args);
  const [a, b] = [axis(args, x.rank, 0, "axis1"), axis(args, x.rank, 1, "axis2")];
  const order = [...x.shape.flatMap((_, i) => (i === a || i === b ? [] : [i])), a, b];
  const last = tf.transpose(x, order);
  const [rows, columns] = last.shape.slice(-2) as [number, number];
  const offset = option(args, "offset", 0);
  const [row, column] = [Math.max(0, -offset), Math.max(0, offset)];
  const length = Math.max(0, Math.min(rows - row, columns - column));
  const indices = Int32Array.from({ length }, (_, i) => (row + i) * columns + column + i);
  const flat = tf.reshape(last, [...last.shape.slice(0, -2), rows * columns]);
  return tf.gather(flat, tf.tensor1d(indices, "int32"), flat.rank - 1);
}

function squeezed(args: Arguments): tf.Tensor {
  const x = tensor(args);
  const gone = axes(args, x.rank) ?? x.shape.flatMap((n, i) => (n === 1 ? [i] : []));
  return tf.reshape(
    x,
    x.shape.filter((_, i) => !gone.includes(i)),
  );
}

/** Where the value of a class is one; a class outside is no class. */
function oneHot(x: tf.Tensor, classes: number, along: number): tf.Tensor {
  const hot = tf.cast(tf.oneHot(int(x), classes), "float32");
  const end = hot.rank - 1;
  const at = axisOf(along, hot.rank);
  if (at === end) return hot;
  const order = Array.from({ length: end }, (_, i) => i);
  order.splice(at, 0, end);
  return tf.transpose(hot, order);
}

export const shaping: Readonly<Record<string, OperationRule>> = {
  GetItem: rule("x key", getItem),
  // Shapes in operations may have one -1.
  Reshape: rule("x newshape shape", (args) => {
    const shape = (args.newshape ?? args.shape) as number | (number | null)[];
    return tf.reshape(
      tensor(args),
      [shape].flat().map((n) => n ?? -1),
    );
  }),
  Transpose: rule("x axes", (args) => {
    const x = tensor(args);
    return tf.transpose(x, axes(args, x.rank, "axes"));
  }),
  Swapaxes: rule("x axis1 axis2", (args) => {
    const x = tensor(args);
    const order = x.shape.map((_, i) => i);
    const [a, b] = [axis(args, x.rank, 0, "axis1"), axis(args, x.rank, 0, "axis2")];
    [order[a], order[b]] = [b, a];
    return tf.transpose(x, order);
  }),
  Moveaxis: rule("x source destination", moved),
  Squeeze: rule("x axis", squeezed),
  ExpandDims: rule("x axis", (args) => {
    const x = tensor(args);
    const given = [args.axis as number | number[]].flat();
    const rank = x.rank + given.length;
    return given
      .map((n) => axisOf(n, rank))
      .sort((a, b) => a - b)
      .reduce((y, n) => tf.expandDims(y, n), x);
  }),
  Ravel: unary((x) => tf.reshape(x, [-1])),
  Concatenate: rule("xs axis", (args) => {
    const xs = tensors(args, "xs");
    const same = xs.every(({ dtype }) => dtype === xs[0]?.dtype) ? xs : xs.map(float);
    return tf.concat(same, axis(args, (xs[0] as tf.Tensor).rank, 0));
  }),
  Stack: rule("x axis", (args) => {
    const xs = tensors(args, "x");
    return tf.stack(xs, axis(args, (xs[0] as tf.Tensor).rank + 1, 0));
  }),
  Hstack: rule("xs", (args) => {
    const xs = tensors(args, "xs");
    return tf.concat(xs, (xs[0] as tf.Tensor).rank === 1 ? 0 : 1);
  }),
  Vstack: rule("xs", (args) =>
    tf.concat(
      tensors(args, "xs").map((x) => (x.rank < 2 ? tf.expandDims(x, 0) : x)),
      0,
    ),
  ),
  Append: rule("x1 x2 axis", (args) => {
    const [a, b] = [tensor(args, "x1"), tensor(args, "x2")];
    return args.axis == null
      ? tf.concat([tf.reshape(a, [-1]), tf.reshape(b, [-1])], 0)
      : tf.concat([a, b], axis(args, a.rank, 0));
  }),
  Split: rule("x indices_or_sections axis", (args) => {
    const x = tensor(args);
    const along = axis(args, x.rank, 0);
    const parts = args.indices_or_sections as number | number[];
    return typeof parts === "number" ? tf.split(x, parts, along) : splitAt(x, along, parts);
  }),
  ArraySplit: rule("x indices_or_sections axis", (args) => {
    const x = tensor(args);
    const along = axis(args, x.rank, 0);
    const parts = args.indices_or_sections as number | number[];
    if (typeof parts !== "number") return splitAt(x, along, parts);
    const n = x.shape[along] as number;
    const each = (i: number) => Math.floor(n / parts) + (i < n % parts ? 1 : 0);
    let end = 0;
    const ends = Array.from({ length: parts - 1 }, (_, i) => {
      end += each(i);
      return end;
    });
    return splitAt(x, along, ends);
  }),
  Unstack: rule("x num axis", (args) => {
    const x = tensor(args);
    return tf.unstack(x, axis(args, x.rank, 0));
  }),
  Slice: rule("inputs start_indices shape", (args) =>
    tf.slice(tensor(args, "inputs"), args.start_indices as number[], args.shape as number[]),
  ),
  Flip: rule("x axis", (args) => {
    const x = tensor(args);
    return tf.reverse(x, axes(args, x.rank));
  }),
  Fliplr: unary((x) => tf.reverse(x, 1)),
  Flipud: unary((x) => tf.reverse(x, 0)),
  Rot90: rule("array k axes", turned),
  Roll: rule("x shift axis", (args) => {
    const x = tensor(args);
    const shifts = [args.shift as number | number[]].flat();
    if (args.axis == null) return tf.reshape(rolled(tf.reshape(x, [-1]), shifts[0] as number, 0), x.shape);
    return (axes(args, x.rank) as number[]).reduce(
      (y, along, i) => rolled(y, (shifts[i] ?? shifts[0]) as number, along),
      x,
    );
  }),
  Tile: rule("x repeats", (args) => {
    const x = tensor(args);
    const repeats = [args.repeats as number | number[]].flat();
    const ones = new Array(Math.max(0, x.rank - repeats.length)).fill(1);
    return tf.tile(tf.reshape(x, [...new Array(Math.max(0, repeats.length - x.rank)).fill(1), ...x.shape]), [
      ...ones,
      ...repeats,
    ]);
  }),
  Repeat: rule("x repeats axis", repeated),
  Pad: rule("x constant_values pad_width mode", padded),
  BroadcastTo: rule("x shape", (args) => tf.broadcastTo(tensor(args), args.shape as number[])),
  Take: rule("x indices axis", (args) => {
    const { x, along } = alongAxis(args, null);
    return tf.gather(x, counted(args.indices, x.shape[along] as number), along);
  }),
  TakeAlongAxis: rule("x indices axis", (args) => {
    const { x, along } = alongAxis(args, null);
    const indices = counted(args.indices, x.shape[along] as number);
    const to = (t: tf.Tensor, run: (last: tf.Tensor) => tf.Tensor) => atTheEnd(t, along, run);
    const shape = x.shape.map((n, i) => (i === along ? (indices.shape[i] as number) : n));
    const wide = tf.broadcastTo(indices, shape);
    const order = x.shape.map((_, i) => i);
    [order[along], order[x.rank - 1]] = [x.rank - 1, along];
    return to(x, (last) => takeInRows(last, tf.transpose(wide, order)));
  }),
  OneHot: rule("x num_classes axis dtype sparse", (args) =>
    constantOf(tensor(args), (t) => oneHot(t, args.num_classes as number, option(args, "axis", -1))),
  ),
  MultiHot: rule("inputs num_classes axis dtype sparse num_tokens", (args) => {
    const x = tensor(args, "inputs");
    const classes = (args.num_classes ?? args.num_tokens) as number;
    if (option(args, "axis", -1) !== -1) throw new ArgumentError("MultiHot: expected axis -1");
    return constantOf(x, (t) => tf.max(oneHot(t, classes, -1), t.rank > 1 ? 1 : 0));
  }),
  Tril: rule("x k", (args) => {
    const x = tensor(args);
    return choose(lower(x, option(args, "k", 0)), x, tf.zerosLike(x));
  }),
  Triu: rule("x k", (args) => {
    const x = tensor(args);
    return choose(lower(x, option(args, "k", 0) - 1), tf.zerosLike(x), x);
  }),
  Diagonal: rule("x offset axis1 axis2", diagonal),
  Trace: rule("x offset axis1 axis2", (args) => tf.sum(diagonal(args), -1)),
  Diff: rule("a n axis", (args) => {
    let x = tensor(args, "a");
    const along = axis(args, x.rank, -1);
    for (let i = 0; i < option(args, "n", 1); i++) {
      const n = x.shape[along] as number;
      x = tf.sub(sliced(x, along, 1, n - 1), sliced(x, along, 0, n - 1));
    }
    return x;
  }),
};
