import { ArgumentError, KernelLoadError, OutOfMemoryError } from "../errors.js";
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
  /**
   * Bytes to set aside at once, default 1 MiB. More is taken as it is needed, in further blocks; a chain of operations
   * copies nothing as long as its arrays lie in one, so a core for large arrays does well to begin large.
   */
  memory?: number;
}

/**
 * Loads the kernels and makes a core with a memory of its own. Any number of cores can live side by side.
 *
 * @throws KernelLoadError where the kernels cannot be had; the message says what would work. OutOfMemoryError where
 *   there is not as much memory as asked for
 * @example
 * const core = await loadCore();
 * const patches = core.extractPatches({ data, shape: [1, 28, 28, 1] }, { kernelShape: [3, 3] });
 */
export async function loadCore(options: LoadCoreOptions = {}): Promise<Core> {
  const who = "loadCore";
  const { module, simd, memory } = options;
  if (memory !== undefined && !(Number.isInteger(memory) && memory > 0)) {
    throw new ArgumentError(`${who}: expected memory to be a whole number of bytes above 0, got ${memory}`);
  }
  if (module !== undefined && simd !== undefined) {
    throw new KernelLoadError(
      `${who}: expected module or simd, got both: a module is simd or scalar already`,
    );
  }
  const compiled = await compileKernels(who, module, simd);
  try {
    return new Core(compiled, memory);
  } catch (cause) {
    if (cause instanceof OutOfMemoryError) throw new OutOfMemoryError(`${who}: ${cause.message}`, { cause });
    throw new KernelLoadError(`${who}: the kernels could not be instantiated (${String(cause)})`, { cause });
  }
}
