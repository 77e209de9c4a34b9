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
export { Core } from "./core.js";
export type { CoreArray, IntoOption } from "./heap.js";
export { type LoadCoreOptions, loadCore } from "./loadCore.js";
export type { ModuleSource } from "./module.js";
export type { ArrayInput, DType, NdArray, TypedArray } from "./ndarray.js";
export type { ExtractPatchesOptions, FoldPatchesOptions } from "./patches.js";
export type { WindowOptions } from "./windows.js";
