import { ShapeError } from "../errors.js";
import type { Heap, IntoOption } from "./heap.js";
import { type ArrayInput, checkShape, elementBytes, type NdArray, readArray, show } from "./ndarray.js";
import { layWindows, type WindowOptions, type Windows } from "./windows.js";

export interface ExtractPatchesOptions extends WindowOptions, IntoOption {}

export interface FoldPatchesOptions extends WindowOptions, IntoOption {
  /** `[n, h, w, c]` of the image that the patches were taken from. */
  imageShape: readonly number[];
}

export function extractPatches(heap: Heap, input: ArrayInput, options: ExtractPatchesOptions): NdArray {
  const who = "extractPatches";
  const x = readArray(who, "x", input, ["float32", "int32", "bool"]);
  const [n, h, w, c] = readImageShape(who, "x", x.shape);
  const windows = layWindows(who, h, w, options);
  const shape = patchesShape(n, c, windows);
  return heap.run(who, [x], { shape, dtype: x.dtype, into: options.into }, ({ kernels }, [src], dst) => {
    kernels.extractPatches(
      src as number,
      dst,
      n,
      h,
      w,
      c * elementBytes(x.dtype),
      ...windowArguments(windows),
    );
  });
}

export function foldPatches(heap: Heap, input: ArrayInput, options: FoldPatchesOptions): NdArray<"float32"> {
  const who = "foldPatches";
  const patches = readArray(who, "patches", input, ["float32"]);
  checkShape(who, "imageShape", options.imageShape);
  const [n, h, w, c] = readImageShape(who, "imageShape", options.imageShape);
  const windows = layWindows(who, h, w, options);
  const expected = patchesShape(n, c, windows);
  if (show(patches.shape) !== show(expected)) {
    throw new ShapeError(
      `${who}: expected patches of shape ${show(expected)} for an image of ${show([n, h, w, c])}, ` +
        `got ${show(patches.shape)}`,
    );
  }
  const result = { shape: [n, h, w, c], dtype: "float32" as const, into: options.into };
  return heap.run(who, [patches], result, ({ kernels }, [src], dst) => {
    kernels.foldPatches(src as number, dst, n, h, w, c, ...windowArguments(windows));
  });
}

/** `[n, outH, outW, kH * kW * c]`: one row of (kernel row, kernel column, channel) a window. */
export function patchesShape(
  n: number,
  c: number,
  { out, kernel }: Windows,
): [number, number, number, number] {
  return [n, out[0], out[1], kernel[0] * kernel[1] * c];
}

/** The arguments of the patch kernels that say where the windows lie. */
export function windowArguments({ kernel, strides, rates, pad, out }: Windows) {
  return [...kernel, ...strides, ...rates, ...pad, ...out] as const;
}

function readImageShape(
  who: string,
  what: string,
  shape: readonly number[],
): [number, number, number, number] {
  const [n, h, w, c] = shape;
  if (shape.length !== 4 || n === undefined || h === undefined || w === undefined || c === undefined) {
    throw new ShapeError(`${who}: expected ${what} to be [n, h, w, c], got ${show(shape)}`);
  }
  return [n, h, w, c];
}
