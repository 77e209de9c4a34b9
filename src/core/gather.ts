import { ArgumentError, IndexError, ShapeError } from "../errors.js";
import type { Heap, IntoOption } from "./heap.js";
import {
  type ArrayInput,
  checkShape,
  coordinates,
  type DType,
  elementBytes,
  type NdArray,
  readArray,
  show,
  sizeOf,
} from "./ndarray.js";

export interface GatherOptions extends IntoOption {
  /** The axis that indices point into; negative ones count from the end. Default: `batchDims`, as TensorFlow. */
  axis?: number;
  /** How many leading axes x and indices have in common, matched one by one. Negative: from the rank of indices. */
  batchDims?: number;
}

export interface ScatterAddOptions extends GatherOptions {
  /** The shape that was gathered from. */
  shape: readonly number[];
}

export interface SegmentSumOptions extends IntoOption {
  numSegments: number;
}

const ALL: readonly DType[] = ["float32", "int32", "bool"];

/** How a gather's shapes fall apart: x is [batch, outer, size, row], indices [batch, count], the result [batch, outer, count, row]. */
export interface GatherGeometry {
  batch: number;
  outer: number;
  size: number;
  count: number;
  row: number;
  /** The result's shape. */
  result: number[];
}

export function gather(
  heap: Heap,
  input: ArrayInput,
  indexInput: ArrayInput,
  options: GatherOptions,
): NdArray {
  const who = "gather";
  const x = readArray(who, "x", input, ALL);
  const indices = readArray(who, "indices", indexInput, ["int32"]);
  const { batch, outer, size, count, row, result } = gatherGeometry(
    who,
    "x",
    x.shape,
    indices.shape,
    options,
  );
  const bytes = row * elementBytes(x.dtype);
  return heap.run(
    who,
    [x, indices],
    { shape: result, dtype: x.dtype, into: options.into },
    ({ kernels }, [src, idx], dst) => {
      const bad = kernels.gather(src as number, idx as number, dst, batch, outer, size, count, bytes);
      if (bad >= 0) refuseIndex(who, "indices", indices, bad, size);
    },
  );
}

export function scatterAdd(
  heap: Heap,
  input: ArrayInput,
  indexInput: ArrayInput,
  options: ScatterAddOptions,
): NdArray<"float32"> {
  const who = "scatterAdd";
  const updates = readArray(who, "updates", input, ["float32"]);
  const indices = readArray(who, "indices", indexInput, ["int32"]);
  checkShape(who, "shape", options.shape);
  const { batch, outer, size, count, row, result } = gatherGeometry(
    who,
    "shape",
    options.shape,
    indices.shape,
    options,
  );
  if (show(updates.shape) !== show(result)) {
    throw new ShapeError(`${who}: expected updates of shape ${show(result)}, got ${show(updates.shape)}`);
  }
  const into = { shape: options.shape, dtype: "float32" as const, into: options.into };
  return heap.run(who, [updates, indices], into, ({ kernels }, [src, idx], dst) => {
    const bad = kernels.scatterAdd(src as number, idx as number, dst, batch, outer, size, count, row, 0, 0);
    if (bad >= 0) refuseIndex(who, "indices", indices, bad, size);
  });
}

export function unsortedSegmentSum(
  heap: Heap,
  input: ArrayInput,
  idInput: ArrayInput,
  options: SegmentSumOptions,
): NdArray<"float32" | "int32"> {
  const who = "unsortedSegmentSum";
  const data = readArray(who, "data", input, ["float32", "int32"]);
  const ids = readArray(who, "segmentIds", idInput, ["int32"]);
  const { numSegments } = options;
  if (!Number.isInteger(numSegments) || numSegments < 0) {
    throw new ArgumentError(`${who}: expected numSegments to be a whole number from 0, got ${numSegments}`);
  }
  if (show(data.shape.slice(0, ids.shape.length)) !== show(ids.shape)) {
    throw new ShapeError(
      `${who}: expected data to begin with the shape of segmentIds, ${show(ids.shape)}, got ${show(data.shape)}`,
    );
  }
  const rest = data.shape.slice(ids.shape.length);
  const result = { shape: [numSegments, ...rest], dtype: data.dtype, into: options.into };
  return heap.run(who, [data, ids], result, ({ kernels }, [src, idx], dst) => {
    const bad = kernels.scatterAdd(
      src as number,
      idx as number,
      dst,
      1,
      1,
      numSegments,
      ids.data.length,
      sizeOf(rest),
      1,
      data.dtype === "int32" ? 1 : 0,
    );
    if (bad >= 0) refuseIndex(who, "segmentIds", ids, bad, numSegments);
  });
}

/** @throws ArgumentError, ShapeError where the shapes do not fit */
export function gatherGeometry(
  who: string,
  what: string,
  shape: readonly number[],
  indices: readonly number[],
  { axis: givenAxis, batchDims: givenBatch = 0 }: GatherOptions,
): GatherGeometry {
  const rank = shape.length;
  const batchDims = givenBatch < 0 ? givenBatch + indices.length : givenBatch;
  if (!Number.isInteger(batchDims) || batchDims < 0 || batchDims > indices.length) {
    throw new ArgumentError(
      `${who}: expected batchDims from ${-indices.length} to ${indices.length}, the rank of indices, got ${givenBatch}`,
    );
  }
  const axis = givenAxis === undefined ? batchDims : givenAxis < 0 ? givenAxis + rank : givenAxis;
  if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
    throw new ArgumentError(
      `${who}: axis ${givenAxis ?? batchDims} is none of ${what}, which has rank ${rank} (shape ${show(shape)})`,
    );
  }
  if (batchDims > axis) {
    throw new ArgumentError(`${who}: expected batchDims of at most axis, ${axis}, got ${batchDims}`);
  }
  if (show(shape.slice(0, batchDims)) !== show(indices.slice(0, batchDims))) {
    throw new ShapeError(
      `${who}: expected the first ${batchDims} axes of ${what} and indices to be alike, got ${show(shape)} and ${show(indices)}`,
    );
  }
  return {
    batch: sizeOf(shape.slice(0, batchDims)),
    outer: sizeOf(shape.slice(batchDims, axis)),
    size: shape[axis] as number,
    count: sizeOf(indices.slice(batchDims)),
    row: sizeOf(shape.slice(axis + 1)),
    result: [...shape.slice(0, axis), ...indices.slice(batchDims), ...shape.slice(axis + 1)],
  };
}

/** Throws the IndexError of the index at a flat position. */
export function refuseIndex(
  who: string,
  what: string,
  indices: NdArray,
  position: number,
  size: number,
): never {
  const value = indices.data[position] as number;
  throw new IndexError(
    `${who}: ${what}[${coordinates(position, indices.shape).join(", ")}] = ${value} is outside [0, ${size})`,
    position,
    value,
  );
}
