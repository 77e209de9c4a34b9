import type { NdArray, TypedArray } from "../../src/core/index.js";

/** Row-major strides of a shape. */
function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

/** Every coordinate of a shape, in row-major order. */
export function* everyIndex(shape: readonly number[]): Generator<number[]> {
  const size = shape.reduce((a, b) => a * b, 1);
  const strides = stridesOf(shape);
  for (let flat = 0; flat < size; flat++) {
    yield shape.map((n, axis) => Math.floor(flat / strides[axis]!) % n);
  }
}

/** The flat position of coordinates. */
export function flatIndex(shape: readonly number[], index: readonly number[]): number {
  const strides = stridesOf(shape);
  return index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);
}

/** An array of `shape` whose element at each coordinate is what `source` has at the coordinate that `from` gives. */
export function slowMove(
  source: NdArray,
  shape: readonly number[],
  from: (index: number[]) => number[],
): NdArray {
  const data = new (source.data.constructor as new (n: number) => TypedArray)(
    shape.reduce((a, b) => a * b, 1),
  );
  let at = 0;
  for (const index of everyIndex(shape)) data[at++] = source.data[flatIndex(source.shape, from(index))]!;
  return { data, shape, dtype: source.dtype } as NdArray;
}
