import * as tf from "@tensorflow/tfjs";
import { type ArrayInput, type NdArray, readArray, show, sizeOf, typedArray } from "./core/ndarray.js";
import { ArgumentError, ShapeError } from "./errors.js";
import { describe } from "./layers/describe.js";

/** A number, or numbers in lists of equal length. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** What can be broadcast: numbers, an array with its shape, or a tensor. */
export type Broadcastable = NestedNumbers | ArrayInput | tf.Tensor;

/**
 * Broadcasts arrays to the shapes of symbolic tensors, by numpy's rules; an unknown dimension counts as 1.
 *
 * @param kerasTensors symbolic tensors, one or a list
 * @param npTensors one array (a number, an array with its shape, a tensor; for a bare kerasTensor numbers in lists, too)
 *   that goes to every shape; or a list of such, one for each kerasTensor
 * @returns one array for each kerasTensor: a tensor for a tensor, which is the caller's; else an NdArray, float32 for
 *   numbers, which shares no memory with what it was made of
 * @throws ArgumentError for a list of another length or what is no array, ShapeError for shapes that do not broadcast.
 *   Nothing stays allocated then.
 * @source iNNvestigate utils.keras.broadcast_np_tensors_to_keras_tensors (which leaves out what has no partner)
 * @example const [low, high] = broadcastNpTensorsToKerasTensors(model.inputs, [-1, { data, shape: [3], dtype: "float32" }]);
 */
export function broadcastNpTensorsToKerasTensors(
  kerasTensors: tf.SymbolicTensor | tf.SymbolicTensor[],
  npTensors: Broadcastable | readonly Broadcastable[],
): (NdArray | tf.Tensor)[] {
  const who = "broadcastNpTensorsToKerasTensors";
  const targets = [kerasTensors].flat();
  for (const target of targets) {
    if (!(target instanceof tf.SymbolicTensor))
      throw new ArgumentError(`${who}: expected symbolic tensors, got ${describe(target)}`);
  }
  const isList = Array.isArray(npTensors) && (Array.isArray(kerasTensors) || !npTensors.every(isNumbers));
  const arrays = isList ? (npTensors as Broadcastable[]) : targets.map(() => npTensors as Broadcastable);
  if (arrays.length !== targets.length) {
    throw new ArgumentError(
      `${who}: expected one array for each of ${targets.length} kerasTensors, got ${arrays.length}`,
    );
  }
  const jobs = arrays.map((array, i) => {
    const what = isList ? `npTensors[${i}]` : "npTensors";
    const target = targets[i] as tf.SymbolicTensor;
    const shape = target.shape.map((n) => n ?? 1);
    if (array instanceof tf.Tensor && (array.dtype as string) === "string")
      throw new ArgumentError(`${who}: expected ${what} to be numbers, got a tensor of strings`);
    const source = array instanceof tf.Tensor ? array : read(who, what, array);
    if (!broadcasts(source.shape, shape)) {
      throw new ShapeError(
        `${who}: ${what} of shape ${show(source.shape)} does not broadcast to ${show(shape)}, the shape of "${target.name}"`,
      );
    }
    return { source, shape };
  });
  return jobs.map(({ source, shape }) =>
    source instanceof tf.Tensor ? broadcastTensor(source, shape) : broadcastArray(source, shape),
  );
}

function isNumbers(value: unknown): boolean {
  return typeof value === "number" || Array.isArray(value);
}

function read(who: string, what: string, array: NestedNumbers | ArrayInput): NdArray {
  return typeof array === "number" || Array.isArray(array)
    ? fromNumbers(`${who}: ${what}`, array)
    : readArray(who, what, array as ArrayInput, ["float32", "int32", "bool"]);
}

/** numpy's rule: from the last dimension on, sizes are equal or the source's is 1; the target may have more dimensions. */
function broadcasts(from: readonly number[], to: readonly number[]): boolean {
  return from.length <= to.length && from.every((n, i) => n === 1 || n === to[to.length - from.length + i]);
}

function broadcastTensor(x: tf.Tensor, shape: number[]): tf.Tensor {
  // tf.broadcastTo gives 1 where 0 is asked for.
  return sizeOf(shape) === 0 ? tf.zeros(shape, x.dtype) : tf.broadcastTo(x, shape);
}

function broadcastArray({ data, shape: from, dtype }: NdArray, shape: readonly number[]): NdArray {
  const out = typedArray(dtype, sizeOf(shape));
  // A dimension of 1 is read over and over: its stride is 0.
  const lead = shape.length - from.length;
  let stride = 1;
  const strides = shape.map(() => 0);
  for (let axis = from.length - 1; axis >= 0; axis--) {
    const size = from[axis] as number;
    if (size !== 1) strides[lead + axis] = stride;
    stride *= size;
  }
  const index = shape.map(() => 0);
  let at = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[at] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      at += strides[axis] as number;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      at -= (strides[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return { data: out, shape: [...shape], dtype } as NdArray;
}

function fromNumbers(what: string, value: unknown): NdArray<"float32"> {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const flat: number[] = [];
  const collect = (part: unknown, depth: number): void => {
    if (typeof part === "number" && depth === shape.length) flat.push(part);
    else if (Array.isArray(part) && part.length === shape[depth])
      for (const inner of part) collect(inner, depth + 1);
    else
      throw new ArgumentError(
        `${what}: expected a number, lists of numbers of equal length, an NdArray or a tf.Tensor`,
      );
  };
  collect(value, 0);
  return { data: Float32Array.from(flat), shape, dtype: "float32" };
}
