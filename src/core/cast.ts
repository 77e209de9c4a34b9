import { DTypeError } from "../errors.js";
import type { KernelExports } from "./exports.js";
import type { Heap, IntoOption } from "./heap.js";
import { type ArrayInput, type DType, type NdArray, readArray } from "./ndarray.js";

export interface CastOptions<D extends DType = DType> extends IntoOption {
  dtype: D;
}

const ALL: readonly DType[] = ["float32", "int32", "bool"];
/** The bits of the float32 1. */
const ONE = 0x3f800000;

type Cast = (kernels: KernelExports, src: number, dst: number, n: number) => void;

/** How each dtype becomes each other one. */
const casts: { readonly [From in DType]: { readonly [To in Exclude<DType, From>]: Cast } } = {
  float32: {
    int32: (kernels, src, dst, n) => kernels.floatToInt(src, dst, n),
    bool: (kernels, src, dst, n) => kernels.floatToBool(src, dst, n),
  },
  int32: {
    float32: (kernels, src, dst, n) => kernels.intToFloat(src, dst, n),
    bool: (kernels, src, dst, n) => kernels.intToBool(src, dst, n),
  },
  bool: {
    float32: (kernels, src, dst, n) => kernels.boolToWord(src, dst, n, ONE),
    int32: (kernels, src, dst, n) => kernels.boolToWord(src, dst, n, 1),
  },
};

export function cast<D extends DType>(
  heap: Heap,
  input: ArrayInput,
  { dtype, into }: CastOptions<D>,
): NdArray<D> {
  const who = "cast";
  const x = readArray(who, "x", input, ALL);
  if (!ALL.includes(dtype))
    throw new DTypeError(`${who}: expected dtype to be ${ALL.join(" or ")}, got ${String(dtype)}`);
  const result = { shape: x.shape, dtype, into };
  return heap.run(who, [x], result, ({ kernels, memory }, [src], dst) => {
    if ((dtype as DType) === x.dtype)
      new Uint8Array(memory.buffer).copyWithin(dst, src as number, (src as number) + x.data.byteLength);
    else (casts[x.dtype] as Record<string, Cast>)[dtype]?.(kernels, src as number, dst, x.data.length);
  });
}
