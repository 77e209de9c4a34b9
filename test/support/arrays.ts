import type { DType, NdArray, TypedArray } from "../../src/core/index.js";

/** A small seeded generator (mulberry32): uniform in [0, 1). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An array of small multiples of 1/8, so that float32 sums are exact in any order. */
export function randomArray<D extends DType>(shape: readonly number[], dtype: D, seed: number): NdArray<D> {
  const random = randomSource(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  const draw = {
    float32: () => Math.floor(random() * 129 - 64) / 8,
    int32: () => Math.floor(random() * 2 ** 32) | 0,
    bool: () => Math.floor(random() * 2),
  };
  const constructors = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  const data: TypedArray = new constructors[dtype](size);
  for (let i = 0; i < size; i++) data[i] = draw[dtype]();
  return { data, shape, dtype } as NdArray<D>;
}

/** The bytes of a typed array, for comparing bits. */
export function bytesOf(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
