import { ArgumentError, ShapeError } from "../errors.js";
import type { KernelExports } from "./exports.js";
import type { Heap, IntoOption } from "./heap.js";
import {
  type ArrayInput,
  type DType,
  elementBytes,
  type NdArray,
  readArray,
  show,
  sizeOf,
} from "./ndarray.js";

const ALL: readonly DType[] = ["float32", "int32", "bool"];

export interface TransposeOptions extends IntoOption {
  /** Which axis of x each axis of the result is. Default: all in reverse. */
  perm?: readonly number[];
}

/** Most axes that an array to transpose may have, sizes of 1 not counted. */
const MAX_RANK = 8;

export function transpose(heap: Heap, input: ArrayInput, { perm: given, into }: TransposeOptions): NdArray {
  const who = "transpose";
  const x = readArray(who, "x", input, ALL);
  const rank = x.shape.length;
  const perm = given ?? x.shape.map((_, axis) => rank - 1 - axis);
  if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
    throw new ArgumentError(
      `${who}: expected perm to be the axes 0 to ${rank - 1} in some order, got ${show(perm)}`,
    );
  }
  const { shape, table, run } = planTranspose(who, x.shape, perm, elementBytes(x.dtype));
  const operands = [x, { data: table, shape: [table.length], dtype: "int32" } as const];
  return heap.run(who, operands, { shape, dtype: x.dtype, into }, ({ kernels }, [src, axes], dst) =>
    run(kernels, src as number, dst, axes as number),
  );
}

/** A transposition ready to run: the result's shape, what the kernels read of the axes, and the call. */
export interface TransposePlan {
  shape: number[];
  table: Int32Array;
  /** `axes` is the address of the table. */
  run(kernels: KernelExports, src: number, dst: number, axes: number): void;
}

export function planTranspose(
  who: string,
  from: readonly number[],
  perm: readonly number[],
  bytes: number,
): TransposePlan {
  const shape = perm.map((axis) => from[axis] as number);
  const axes = merged(from, perm, bytes);
  if (axes.length > MAX_RANK)
    throw new ShapeError(`${who}: expected at most ${MAX_RANK} axes, got ${axes.length}`);
  const table = axesTable(axes);
  if (sizeOf(shape) === 0) return { shape, table, run: () => {} };
  const inner = axes.find((axis) => axis.dst === bytes);
  const column = axes.find((axis) => axis.src === bytes);
  const run: TransposePlan["run"] = (kernels, src, dst, at) => {
    if (inner === undefined || column === undefined) kernels.moveRows(src, dst, at, 0, bytes);
    else if (inner === column) kernels.moveRows(src, dst, at, axes.length - 1, inner.size * bytes);
    else {
      const [rows, columns] = [inner.size, column.size];
      kernels.transposePlanes(src, dst, at, axes.length - 2, rows, columns, inner.src, column.dst, bytes);
    }
  };
  return { shape, table, run };
}

/** An axis with its strides in bytes. */
interface Axis {
  size: number;
  src: number;
  dst: number;
}

/** The axes in the result's order; those of size 1 left out, neighbours that stay neighbours taken as one. */
function merged(shape: readonly number[], perm: readonly number[], bytes: number): Axis[] {
  const stride = (sizes: readonly number[], axis: number) => sizeOf(sizes.slice(axis + 1)) * bytes;
  const result = perm.map((axis) => shape[axis] as number);
  const axes: Axis[] = [];
  perm.forEach((axis, i) => {
    const next = { size: shape[axis] as number, src: stride(shape, axis), dst: stride(result, i) };
    const last = axes.at(-1);
    if (next.size === 1) return;
    if (last !== undefined && last.src === next.size * next.src)
      axes[axes.length - 1] = { ...next, size: last.size * next.size };
    else axes.push(next);
  });
  return axes;
}

/** What the kernels read of the axes besides those that they turn: for each its size and strides. */
function axesTable(axes: readonly Axis[]): Int32Array {
  const smallest = (which: "src" | "dst") =>
    axes.reduce<Axis | undefined>((a, b) => (a === undefined || b[which] < a[which] ? b : a), undefined);
  const further = axes.filter((axis) => axis !== smallest("src") && axis !== smallest("dst"));
  return Int32Array.from(further.flatMap(({ size, src, dst }) => [size, src, dst]));
}
