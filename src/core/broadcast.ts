import { ShapeError } from "../errors.js";
import type { Block } from "./block.js";
import type { KernelExports } from "./exports.js";
import type { Heap, IntoOption, Result } from "./heap.js";
import {
  type ArrayInput,
  checkShape,
  type DType,
  elementBytes,
  type NdArray,
  readArray,
  show,
  sizeOf,
} from "./ndarray.js";

export interface ToShapeOptions extends IntoOption {
  /** The shape of the result. */
  shape: readonly number[];
}

const ALL: readonly DType[] = ["float32", "int32", "bool"];

/** One step of a broadcast: [outer, row] becomes [outer, times, row]. */
interface Step {
  outer: number;
  times: number;
  row: number;
}

export function broadcastTo(heap: Heap, input: ArrayInput, { shape, into }: ToShapeOptions): NdArray {
  const who = "broadcastTo";
  const x = readArray(who, "x", input, ALL);
  checkShape(who, "shape", shape);
  const steps = stepsOf(who, x.shape, shape);
  const bytes = elementBytes(x.dtype);
  const sizes = steps.map(({ outer, times, row }) => outer * times * row * bytes);
  return runSteps(heap, who, x, { shape, dtype: x.dtype, into }, sizes, (kernels, at, src, dst) => {
    const { outer, times, row } = steps[at] as Step;
    kernels.repeat(src, dst, outer, times, row * bytes);
  });
}

export function sumTo(heap: Heap, input: ArrayInput, { shape, into }: ToShapeOptions): NdArray<"float32"> {
  const who = "sumTo";
  const x = readArray(who, "x", input, ["float32"]);
  checkShape(who, "shape", shape);
  // The way back of the broadcast from shape to x's shape.
  const steps = stepsOf(who, shape, x.shape).reverse();
  const sizes = steps.map(({ outer, row }) => outer * row * 4);
  return runSteps(heap, who, x, { shape, dtype: "float32", into }, sizes, (kernels, at, src, dst) => {
    const { outer, times, row } = steps[at] as Step;
    kernels.sumRows(src, dst, outer, times, row);
  });
}

/** Runs steps one on the other's result; `sizes` are the bytes that each makes, those between the first and last scratch. */
function runSteps<D extends DType>(
  heap: Heap,
  who: string,
  x: NdArray,
  result: Result<D>,
  sizes: readonly number[],
  step: (kernels: KernelExports, at: number, src: number, dst: number) => void,
): NdArray<D> {
  const last = sizes.length - 1;
  const run = (
    { kernels, memory }: Block,
    [input]: readonly number[],
    output: number,
    scratch: readonly number[],
  ) => {
    if (last < 0)
      new Uint8Array(memory.buffer).copyWithin(
        output,
        input as number,
        (input as number) + x.data.byteLength,
      );
    for (let at = 0; at <= last; at++) {
      step(
        kernels,
        at,
        (at === 0 ? input : scratch[at - 1]) as number,
        at === last ? output : (scratch[at] as number),
      );
    }
  };
  return heap.run(who, [x], result, run, sizes.slice(0, -1));
}

/**
 * The steps from a narrow shape to a wide one, from the last axis to the first: neighbouring axes that broadcast are one,
 * and so are those between them that do not.
 */
function stepsOf(who: string, narrow: readonly number[], wide: readonly number[]): Step[] {
  const offset = wide.length - narrow.length;
  const padded = [...Array<number>(Math.max(0, offset)).fill(1), ...narrow];
  if (offset < 0 || padded.some((n, axis) => n !== 1 && n !== wide[axis])) {
    const [from, to] = who === "sumTo" ? [wide, narrow] : [narrow, wide];
    const error =
      who === "sumTo"
        ? `x of shape ${show(from)} is no broadcast of shape ${show(to)}`
        : `shape ${show(from)} does not broadcast to ${show(to)}`;
    throw new ShapeError(`${who}: ${error}`);
  }
  const steps: Step[] = [];
  let row = 1;
  for (let axis = wide.length - 1; axis >= 0; axis--) {
    const size = wide[axis] as number;
    if (padded[axis] === size) {
      row *= size;
      continue;
    }
    let times = size;
    while (axis > 0 && padded[axis - 1] === 1) times *= wide[--axis] as number;
    steps.push({ outer: sizeOf(padded.slice(0, axis)), times, row });
    row *= times;
  }
  return steps;
}
