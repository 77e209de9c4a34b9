import scalar from "#wasm/scalar";
import simd from "#wasm/simd";
import { KernelLoadError } from "../errors.js";
import { baseUrl, readUrl } from "../platform.js";
import { KERNEL_NAMES } from "./exports.js";

/** What the kernels may be loaded from. */
export type ModuleSource =
  | WebAssembly.Module
  | BufferSource
  | Response
  | PromiseLike<Response>
  | URL
  | string;

/** The bytes of a module that the package carries inlined. */
export function inlinedModule(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** Whether this engine takes the SIMD module: asked by showing it the module itself. */
export function supportsSimd(): boolean {
  return WebAssembly.validate(inlinedModule(simd));
}

/**
 * A compiled kernel module.
 *
 * @param who the caller, for messages
 * @param source where from; by default the module inlined in the package
 * @param useSimd which of the inlined modules; by default what the engine supports
 * @throws KernelLoadError where it cannot be had, or is not a module of these kernels
 */
export async function compileKernels(
  who: string,
  source: ModuleSource | undefined,
  useSimd: boolean | undefined,
): Promise<WebAssembly.Module> {
  const module = await compile(who, source ?? inlinedModule((useSimd ?? supportsSimd()) ? simd : scalar));
  let names: string[];
  try {
    names = WebAssembly.Module.exports(module).map((e) => e.name);
  } catch (cause) {
    throw new KernelLoadError(
      `${who}: expected module to be a WebAssembly.Module, bytes, a Response or a URL, got ${String(module)}`,
      { cause },
    );
  }
  const missing = KERNEL_NAMES.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new KernelLoadError(
      `${who}: not this version's kernels: the module does not export ${missing.join(", ")}`,
    );
  }
  return module;
}

async function compile(who: string, source: ModuleSource): Promise<WebAssembly.Module> {
  // Told apart by what they can do and not by instanceof, which fails for objects of another realm (edge runtimes).
  if (typeof source === "string" || "href" in source) {
    const url = resolveUrl(who, source);
    return compile(who, await fetched(who, url));
  }
  if ("then" in source) return compile(who, await source);
  if ("arrayBuffer" in source) {
    if (!source.ok) {
      throw new KernelLoadError(
        `${who}: expected the kernels at ${source.url}, got HTTP status ${source.status}`,
      );
    }
    return compile(who, await source.arrayBuffer());
  }
  if (!("byteLength" in source)) return source;
  try {
    return await WebAssembly.compile(source);
  } catch (cause) {
    throw new KernelLoadError(
      `${who}: the kernels could not be compiled from bytes here (${String(cause)}). ` +
        `Where that is forbidden, pass a module that the platform compiled: ` +
        `import module from "tracelight/kernels.wasm"; a content security policy needs 'wasm-unsafe-eval'`,
      { cause },
    );
  }
}

function resolveUrl(who: string, source: string | URL): URL {
  try {
    return new URL(source, baseUrl());
  } catch (cause) {
    throw new KernelLoadError(
      `${who}: expected the URL of a kernel module, got ${JSON.stringify(String(source))}`,
      {
        cause,
      },
    );
  }
}

async function fetched(who: string, url: URL): Promise<BufferSource | Response> {
  try {
    return await readUrl(url);
  } catch (cause) {
    throw new KernelLoadError(`${who}: the kernels at ${url.href} could not be read (${String(cause)})`, {
      cause,
    });
  }
}
