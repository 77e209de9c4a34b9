export {
  ArgumentError,
  DisposedError,
  DTypeError,
  IndexError,
  KernelLoadError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  TracelightError,
} from "../errors.js";
export type { ToShapeOptions } from "./broadcast.js";
export type { CastOptions } from "./cast.js";
export { Core } from "./core.js";
export type { GatherOptions, ScatterAddOptions, SegmentSumOptions } from "./gather.js";
export type { GatherNdOptions, ScatterNdAddOptions } from "./gatherNd.js";
export type { CoreArray, IntoOption } from "./heap.js";
export { type LoadCoreOptions, loadCore } from "./loadCore.js";
export type { ModuleSource } from "./module.js";
export type { ArrayInput, DType, NdArray, TypedArray } from "./ndarray.js";
export type { ExtractPatchesOptions, FoldPatchesOptions } from "./patches.js";
export type { TransposeOptions } from "./transpose.js";
export type { WindowOptions } from "./windows.js";
