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

export interface GatherNdOptions extends IntoOption {
  /** How many leading axes x and indices have in common, matched one by one. Default 0. */
  batchDims?: number;
}

export interface ScatterNdAddOptions extends GatherNdOptions {
  /** The shape that was gathered from. */
  shape: readonly number[];
}

const ALL: readonly DType[] = ["float32", "int32", "bool"];

export interface GatherNdGeometry {
  batch: number;
  count: number;
  depth: number;
  /** Elements of a row, and of a batch. */
  row: number;
  block: number;
  /** The sizes of the axes that are indexed, and how many elements a step along them is. */
  sizes: number[];
  strides: number[];
  result: number[];
}

export function gatherNd(
  heap: Heap,
  input: ArrayInput,
  indexInput: ArrayInput,
  options: GatherNdOptions,
): NdArray {
  const who = "gatherNd";
  const x = readArray(who, "x", input, ALL);
  const indices = readArray(who, "indices", indexInput, ["int32"]);
  const g = gatherNdGeometry(who, "x", x.shape, indices.shape, options);
  const bytes = elementBytes(x.dtype);
  const operands = [x, indices, axesTable(g, bytes)];
  return heap.run(
    who,
    operands,
    { shape: g.result, dtype: x.dtype, into: options.into },
    ({ kernels }, [src, idx, axes], dst) => {
      const { batch, count, depth, block, row } = g;
      const bad = kernels.gatherNd(
        src as number,
        idx as number,
        axes as number,
        dst,
        batch,
        count,
        depth,
        block * bytes,
        row * bytes,
      );
      if (bad >= 0) refuseTuple(who, indices, bad, g, x.shape);
    },
  );
}

export function scatterNdAdd(
  heap: Heap,
  input: ArrayInput,
  indexInput: ArrayInput,
  options: ScatterNdAddOptions,
): NdArray<"float32"> {
  const who = "scatterNdAdd";
  const updates = readArray(who, "updates", input, ["float32"]);
  const indices = readArray(who, "indices", indexInput, ["int32"]);
  checkShape(who, "shape", options.shape);
  const g = gatherNdGeometry(who, "shape", options.shape, indices.shape, options);
  if (show(updates.shape) !== show(g.result)) {
    throw new ShapeError(`${who}: expected updates of shape ${show(g.result)}, got ${show(updates.shape)}`);
  }
  const result = { shape: options.shape, dtype: "float32" as const, into: options.into };
  return heap.run(who, [updates, indices, axesTable(g, 4)], result, ({ kernels }, [src, idx, axes], dst) => {
    const { batch, count, depth, block, row } = g;
    const bad = kernels.scatterNdAdd(
      src as number,
      idx as number,
      axes as number,
      dst,
      batch,
      count,
      depth,
      block * 4,
      row * 4,
    );
    if (bad >= 0) refuseTuple(who, indices, bad, g, options.shape);
  });
}

/** @throws ArgumentError, ShapeError where the shapes do not fit */
export function gatherNdGeometry(
  who: string,
  what: string,
  shape: readonly number[],
  indices: readonly number[],
  { batchDims = 0 }: GatherNdOptions,
): GatherNdGeometry {
  if (shape.length === 0 || indices.length === 0) {
    const [name, rank] = shape.length === 0 ? [what, 0] : ["indices", 0];
    throw new ShapeError(`${who}: expected ${name} of rank 1 or more, got rank ${rank}`);
  }
  if (!Number.isInteger(batchDims) || batchDims < 0 || batchDims >= Math.min(indices.length, shape.length)) {
    throw new ArgumentError(
      `${who}: expected batchDims from 0 to ${Math.min(indices.length, shape.length) - 1}, got ${batchDims}`,
    );
  }
  if (show(shape.slice(0, batchDims)) !== show(indices.slice(0, batchDims))) {
    throw new ShapeError(
      `${who}: expected the first ${batchDims} axes of ${what} and indices to be alike, got ${show(shape)} and ${show(indices)}`,
    );
  }
  const inner = shape.slice(batchDims);
  const depth = indices.at(-1) as number;
  if (depth > inner.length) {
    throw new ShapeError(
      `${who}: expected the last axis of indices to be at most ${inner.length}, got ${depth} (${what} ${show(shape)}, indices ${show(indices)})`,
    );
  }
  const rest = inner.slice(depth);
  const count = indices.slice(batchDims, -1);
  return {
    batch: sizeOf(shape.slice(0, batchDims)),
    count: sizeOf(count),
    depth,
    row: sizeOf(rest),
    block: sizeOf(inner),
    sizes: inner.slice(0, depth),
    strides: inner.slice(0, depth).map((_, k) => sizeOf(inner.slice(k + 1))),
    result: [...shape.slice(0, batchDims), ...count, ...rest],
  };
}

/** What the kernels read of the axes: for each its size and its stride in bytes. */
export function axesTable({ sizes, strides }: GatherNdGeometry, bytes: number): NdArray<"int32"> {
  const data = Int32Array.from(sizes.flatMap((size, k) => [size, (strides[k] as number) * bytes]));
  return { data, shape: [data.length], dtype: "int32" };
}

/** Throws the IndexError of the tuple at a flat position. */
export function refuseTuple(
  who: string,
  indices: NdArray,
  position: number,
  { depth, sizes }: GatherNdGeometry,
  shape: readonly number[],
): never {
  const tuple = [...indices.data.slice(position * depth, (position + 1) * depth)];
  const at = coordinates(position, indices.shape.slice(0, -1)).join(", ");
  throw new IndexError(
    `${who}: indices[${at}] = ${show(tuple)} is outside shape ${show(shape)}${sizes.length < shape.length ? ` (axes ${show(sizes)})` : ""}`,
    position,
    tuple,
  );
}
