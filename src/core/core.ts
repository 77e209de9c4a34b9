import { broadcastTo, sumTo, type ToShapeOptions } from "./broadcast.js";
import { type CastOptions, cast } from "./cast.js";
import { countNonFinite, finiteMask, firstNonFinite } from "./finite.js";
import {
  type GatherOptions,
  gather,
  type ScatterAddOptions,
  type SegmentSumOptions,
  scatterAdd,
  unsortedSegmentSum,
} from "./gather.js";
import { type GatherNdOptions, gatherNd, type ScatterNdAddOptions, scatterNdAdd } from "./gatherNd.js";
import { type CoreArray, Heap, type IntoOption } from "./heap.js";
import type { ArrayInput, DType, NdArray } from "./ndarray.js";
import {
  type ExtractPatchesOptions,
  extractPatches,
  type FoldPatchesOptions,
  foldPatches,
} from "./patches.js";
import { type TransposeOptions, transpose } from "./transpose.js";

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

  /**
   * Picks slices along an axis, as `tf.gather`: with axis 0, out[j, :] = x[indices[j], :].
   *
   * @param x any dtype, rank 1 or more
   * @param indices int32 of any rank, a scalar and an empty array too
   * @returns shape x[: axis] + indices[batchDims :] + x[axis + 1 :], the same bits
   * @throws IndexError, with position and value, for an index that is negative or too large
   * @example core.gather(x, Int32Array.of(2, 0), { axis: 1 })
   */
  gather(x: ArrayInput, indices: ArrayInput, options: GatherOptions = {}): NdArray {
    return gather(this.#heap, x, indices, options);
  }

  /**
   * The adjoint of `gather`: adds each slice of `updates` to where it was picked from, in an array of zeros of `shape`.
   * float32; the terms of a sum are added in the order of the indices.
   *
   * @throws IndexError as `gather`, ShapeError where the updates are not what a gather from `shape` gives
   * @example core.scatterAdd(updates, indices, { shape: [10, 4] })
   */
  scatterAdd(updates: ArrayInput, indices: ArrayInput, options: ScatterAddOptions): NdArray<"float32"> {
    return scatterAdd(this.#heap, updates, indices, options);
  }

  /**
   * Picks elements or slices by tuples of indices, as `tf.gather_nd`: out[j, :] = x[indices[j, 0], ..., indices[j, k], :].
   *
   * @param x any dtype, rank 1 or more
   * @param indices int32 `[..., depth]`, depth from 0 to the rank of x
   * @throws IndexError, with position and tuple, for an index that is negative or too large
   * @example core.gatherNd(x, { data: Int32Array.of(0, 1, 2, 2), shape: [2, 2] })  // x[0, 1] and x[2, 2]
   */
  gatherNd(x: ArrayInput, indices: ArrayInput, options: GatherNdOptions = {}): NdArray {
    return gatherNd(this.#heap, x, indices, options);
  }

  /** The adjoint of `gatherNd`, as `scatterAdd` is that of `gather`. */
  scatterNdAdd(updates: ArrayInput, indices: ArrayInput, options: ScatterNdAddOptions): NdArray<"float32"> {
    return scatterNdAdd(this.#heap, updates, indices, options);
  }

  /**
   * Sums the rows of each segment, as `tf.math.unsorted_segment_sum`: out[s] = the sum of data[i] with segmentIds[i] = s.
   * Rows of negative id count for nothing.
   *
   * @param data float32 or int32, its shape begins with that of `segmentIds`
   * @throws IndexError for an id of `numSegments` or more
   * @example core.unsortedSegmentSum(data, Int32Array.of(0, 2, 0), { numSegments: 3 })
   */
  unsortedSegmentSum(
    data: ArrayInput,
    segmentIds: ArrayInput,
    options: SegmentSumOptions,
  ): NdArray<"float32" | "int32"> {
    return unsortedSegmentSum(this.#heap, data, segmentIds, options);
  }

  /**
   * Repeats along axes of size 1 and new leading axes, by numpy's rules.
   *
   * @throws ShapeError where x does not broadcast to the shape
   * @example core.broadcastTo({ data, shape: [1, 3] }, { shape: [100, 3] })
   */
  broadcastTo(x: ArrayInput, options: ToShapeOptions): NdArray {
    return broadcastTo(this.#heap, x, options);
  }

  /** The adjoint of `broadcastTo`: sums x over the axes along which an array of `shape` was broadcast to x's. float32. */
  sumTo(x: ArrayInput, options: ToShapeOptions): NdArray<"float32"> {
    return sumTo(this.#heap, x, options);
  }

  /**
   * Permutes the axes: axis i of the result is axis perm[i] of x; by default all in reverse.
   *
   * @example core.transpose({ data, shape: [1, 3, 224, 224] }, { perm: [0, 2, 3, 1] })  // NCHW to NHWC
   */
  transpose(x: ArrayInput, options: TransposeOptions = {}): NdArray {
    return transpose(this.#heap, x, options);
  }

  /**
   * Casts as TensorFlow on a CPU: float32 to int32 towards zero (NaN and what is out of range: -2^31), to bool by != 0.
   *
   * @example core.cast(Float32Array.of(1.9, -1.9), { dtype: "int32" })  // 1, -1
   */
  cast<D extends DType>(x: ArrayInput, options: CastOptions<D>): NdArray<D> {
    return cast(this.#heap, x, options);
  }

  /** 1 where x, float32, is neither NaN nor infinite: a bool array of x's shape. */
  isFinite(x: ArrayInput, options: IntoOption = {}): NdArray<"bool"> {
    return finiteMask(this.#heap, "isFinite", x, 1, options);
  }

  /** 1 where x, float32, is NaN or infinite: a bool array of x's shape. */
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
