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
  const pixel = c * elementBytes(x.dtype);
  const scratch = scratchBytes(h, w, pixel, windows);
  const result = { shape: patchesShape(n, c, windows), dtype: x.dtype, into: options.into };
  return heap.run(
    who,
    [x],
    result,
    ({ kernels }, [src], dst, [padded = 0]) => {
      kernels.extractPatches(src as number, dst, n, h, w, pixel, ...windowArguments(windows), padded);
    },
    scratch > 0 ? [scratch] : [],
  );
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

/** Runs of this many bytes are moved by the engine's memory.copy, with which padding first gains nothing. */
const LONG_RUN = 512;

/**
 * The bytes of one image with its padding, which `extractPatches` lays it into first where that pays: where windows leave
 * the image, and their patches are many and made of short runs. 0 where it does not pay.
 */
export function scratchBytes(
  h: number,
  w: number,
  pixelBytes: number,
  { kernel, strides, rates, pad, out }: Windows,
): number {
  const extent = (axis: 0 | 1) => (out[axis] - 1) * strides[axis] + (kernel[axis] - 1) * rates[axis] + 1;
  const [height, width] = [extent(0), extent(1)];
  const inside = pad[0] === 0 && pad[1] === 0 && height <= h && width <= w;
  const run = rates[1] === 1 ? kernel[1] * pixelBytes : pixelBytes;
  if (inside || run >= LONG_RUN || out[0] * out[1] === 0) return 0;
  return out[0] * out[1] * kernel[0] * kernel[1] >= 2 * height * width ? height * width * pixelBytes : 0;
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
