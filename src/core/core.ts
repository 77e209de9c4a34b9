import { countNonFinite, finiteMask, firstNonFinite } from "./finite.js";
import { type CoreArray, Heap, type IntoOption } from "./heap.js";
import type { ArrayInput, DType, NdArray } from "./ndarray.js";
import {
  type ExtractPatchesOptions,
  extractPatches,
  type FoldPatchesOptions,
  foldPatches,
} from "./patches.js";

/**
 * The numeric core: TensorFlow's array movements on plain typed arrays, in WebAssembly. Made by `loadCore`.
 *
 * Operations take a typed array, or `{ data, shape, dtype }`, and return `{ data, shape, dtype }` with an ordinary typed
 * array. To chain operations without copies, put arrays into the core's memory with `array` and name the output with
 * `into`; what lies in the core's memory is read and written in place. Every method checks its arguments before it
 * touches memory; a call that throws leaves the core as it was.
 */
export class Core {
  readonly #heap: Heap;

  /** @internal Use `loadCore`. */
  constructor(module: WebAssembly.Module, memory?: number) {
    this.#heap = new Heap(module, memory);
  }

  /**
   * The patches that a convolution reads, as `tf.image.extract_patches`.
   *
   *     out[n, oy, ox, (ky * kw + kx) * c + ch] = x[n, oy sh - top + ky rh, ox sw - left + kx rw, ch], 0 outside
   *
   * @param x `[n, h, w, c]`, any dtype
   * @returns `[n, oh, ow, kh * kw * c]` of x's dtype, the same bits
   * @throws ShapeError where x is not of rank 4 or, with `valid`, the window is larger than the image
   * @example core.extractPatches({ data, shape: [1, 28, 28, 1] }, { kernelShape: [3, 3], padding: "same" })
   */
  extractPatches(x: ArrayInput, options: ExtractPatchesOptions): NdArray {
    return extractPatches(this.#heap, x, options);
  }

  /**
   * The adjoint of `extractPatches` (col2im): adds every patch element to the image element it was read from, so that
   * sum(extractPatches(x) * p) = sum(x * foldPatches(p)).
   *
   * @param patches `[n, oh, ow, kh * kw * c]` float32
   * @returns `[n, h, w, c]` float32; the terms of a sum are added in the order of the patches
   * @throws ShapeError where the patches are not those of `imageShape`
   * @example core.foldPatches(patches, { imageShape: [1, 28, 28, 1], kernelShape: [3, 3], padding: "same" })
   */
  foldPatches(patches: ArrayInput, options: FoldPatchesOptions): NdArray<"float32"> {
    return foldPatches(this.#heap, patches, options);
  }

  /** 1 where x is neither NaN nor infinite: a bool array of x's shape. int32 and bool are finite. */
  isFinite(x: ArrayInput, options: IntoOption = {}): NdArray<"bool"> {
    return finiteMask(this.#heap, "isFinite", x, 1, options);
  }

  /** 1 where x is NaN or infinite: a bool array of x's shape. */
  isNotFinite(x: ArrayInput, options: IntoOption = {}): NdArray<"bool"> {
    return finiteMask(this.#heap, "isNotFinite", x, 0, options);
  }

  /** Flat, row-major position of the first NaN or infinity, or -1. */
  firstNonFinite(x: ArrayInput): number {
    return firstNonFinite(this.#heap, x);
  }

  /** How many elements are NaN or infinite. */
  countNonFinite(x: ArrayInput): number {
    return countNonFinite(this.#heap, x);
  }

  /**
   * An array of zeros inside the core's memory: fill its `data`, hand it to operations, name it as their `into`. Its
   * view stays valid until it is disposed, whatever else the core allocates.
   *
   * @example
   * const x = core.array([1, 224, 224, 3], "float32");
   * x.data.set(pixels);
   */
  array<D extends DType>(shape: readonly number[], dtype: D): CoreArray<D> {
    return this.#heap.array("array", shape, dtype);
  }

  /**
   * Runs `fn` and disposes the arrays that were made inside it, also when it throws. An array that `fn` returns, itself
   * or in a list, survives and belongs to the enclosing scope.
   */
  scope<T>(fn: () => T): T {
    return this.#heap.scope(fn);
  }

  /** How many arrays live in the core's memory, their bytes, and the bytes taken from the system. */
  memory(): { numArrays: number; numBytes: number; reservedBytes: number } {
    return this.#heap.usage();
  }

  /** Gives all memory back. Arrays and the core itself must not be used any more. */
  dispose(): void {
    this.#heap.dispose();
  }
}
