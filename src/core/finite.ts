import type { Heap, IntoOption } from "./heap.js";
import { type ArrayInput, type NdArray, readArray } from "./ndarray.js";

/** The mask of the elements that are finite (`finite` 1) or that are not (0). */
export function finiteMask(
  heap: Heap,
  who: string,
  input: ArrayInput,
  finite: 0 | 1,
  { into }: IntoOption,
): NdArray<"bool"> {
  const x = readArray(who, "x", input, ["float32"]);
  return heap.run(who, [x], { shape: x.shape, dtype: "bool", into }, ({ kernels }, [src], dst) => {
    kernels.finiteMask(src as number, dst, x.data.length, finite);
  });
}

export function firstNonFinite(heap: Heap, input: ArrayInput): number {
  const x = readArray("firstNonFinite", "x", input, ["float32"]);
  return heap.measure("firstNonFinite", x, ({ kernels }, src) => kernels.firstNonFinite(src, x.data.length));
}

export function countNonFinite(heap: Heap, input: ArrayInput): number {
  const x = readArray("countNonFinite", "x", input, ["float32"]);
  return heap.measure("countNonFinite", x, ({ kernels }, src) => kernels.countNonFinite(src, x.data.length));
}
