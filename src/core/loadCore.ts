import { KernelLoadError } from "../errors.js";
import { Core } from "./core.js";
import { compileKernels, type ModuleSource } from "./module.js";

export interface LoadCoreOptions {
  /**
   * The kernels: a compiled `WebAssembly.Module` (where compiling from bytes is forbidden, as on some edge runtimes:
   * `import module from "tracelight/kernels.wasm"`), bytes, a `Response` or its promise, or a URL. Default: the module
   * that the package carries inlined.
   */
  module?: ModuleSource;
  /** Take the SIMD kernels or the scalar ones. Default: SIMD where the engine supports it. Not with `module`. */
  simd?: boolean;
}

/**
 * Loads the kernels and makes a core with a memory of its own. Any number of cores can live side by side.
 *
 * @throws KernelLoadError where the kernels cannot be had; the message says what would work
 * @example
 * const core = await loadCore();
 * const patches = core.extractPatches({ data, shape: [1, 28, 28, 1] }, { kernelShape: [3, 3] });
 */
export async function loadCore(options: LoadCoreOptions = {}): Promise<Core> {
  const who = "loadCore";
  const { module, simd } = options;
  if (module !== undefined && simd !== undefined) {
    throw new KernelLoadError(
      `${who}: expected module or simd, got both: a module is simd or scalar already`,
    );
  }
  const compiled = await compileKernels(who, module, simd);
  try {
    return new Core(compiled);
  } catch (cause) {
    throw new KernelLoadError(`${who}: the kernels could not be instantiated (${String(cause)})`, { cause });
  }
}
