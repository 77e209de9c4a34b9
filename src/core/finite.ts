import type { Heap, IntoOption } from "./heap.js";
import { type ArrayInput, type DType, type NdArray, readArray } from "./ndarray.js";

const ALL: readonly DType[] = ["float32", "int32", "bool"];

/** The mask of the elements that are finite (`finite` 1) or that are not (0). int32 and bool always are. */
export function finiteMask(
  heap: Heap,
  who: string,
  input: ArrayInput,
  finite: 0 | 1,
  { into }: IntoOption,
): NdArray<"bool"> {
  const x = readArray(who, "x", input, ALL);
  return heap.run(who, [x], { shape: x.shape, dtype: "bool", into }, ({ kernels, memory }, [src], dst) => {
    if (x.dtype === "float32") kernels.finiteMask(src as number, dst, x.data.length, finite);
    else new Uint8Array(memory.buffer, dst, x.data.length).fill(finite);
  });
}

export function firstNonFinite(heap: Heap, input: ArrayInput): number {
  const x = readArray("firstNonFinite", "x", input, ALL);
  if (x.dtype !== "float32") return -1;
  return heap.measure("firstNonFinite", x, ({ kernels }, src) => kernels.firstNonFinite(src, x.data.length));
}

export function countNonFinite(heap: Heap, input: ArrayInput): number {
  const x = readArray("countNonFinite", "x", input, ALL);
  if (x.dtype !== "float32") return 0;
  return heap.measure("countNonFinite", x, ({ kernels }, src) => kernels.countNonFinite(src, x.data.length));
}
