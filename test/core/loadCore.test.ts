import { readFile } from "node:fs/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, KernelLoadError, loadCore, OutOfMemoryError } from "../../src/core/index.js";
import { rejects } from "../support/throws.js";

const url = new URL("../../build/wasm/simd.wasm", import.meta.url);
const bytes = Uint8Array.from(await readFile(url));

test("loadCore takes nothing, a compiled module, bytes, a Response, its promise, or a URL", async () => {
  const response = () => new Response(bytes, { headers: { "content-type": "application/wasm" } });
  const sources = [
    undefined,
    await WebAssembly.compile(bytes),
    bytes,
    bytes.buffer,
    response(),
    Promise.resolve(response()),
    url,
    url.href,
  ];
  for (const module of sources) {
    const core = await loadCore(module === undefined ? {} : { module });
    assert.is(core.firstNonFinite(Float32Array.of(1, Number.NaN)), 1);
  }
});

test("two cores live side by side, each with its own memory", async () => {
  const [a, b] = await Promise.all([loadCore(), loadCore()]);
  const x = a.array([2], "float32");
  assert.is(b.memory().numArrays, 0);
  x.data.set([1, 2]);
  b.dispose();
  assert.is(a.countNonFinite(x), 0);
});

test("loadCore says what it expected when it cannot load", async () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await rejects(
    loadCore({ module: empty }),
    KernelLoadError,
    /^loadCore: not this version's kernels: the module does not export extractPatches, foldPatches, finiteMask, .*boolToWord$/,
  );
  await rejects(
    loadCore({ module: Uint8Array.of(1, 2, 3) }),
    KernelLoadError,
    /^loadCore: the kernels could not be compiled from bytes here \(CompileError.*pass a module that the platform compiled/,
  );
  await rejects(
    loadCore({ module: new Response("no", { status: 404 }) }),
    KernelLoadError,
    /^loadCore: expected the kernels at .*, got HTTP status 404$/,
  );
  await rejects(
    loadCore({ module: "not a url" }),
    KernelLoadError,
    'loadCore: expected the URL of a kernel module, got "not a url"',
  );
  await rejects(
    loadCore({ module: new URL("missing.wasm", url) }),
    KernelLoadError,
    /^loadCore: the kernels at file:.*missing\.wasm could not be read \(Error: ENOENT/,
  );
  await rejects(
    loadCore({ module: {} as WebAssembly.Module }),
    KernelLoadError,
    "loadCore: expected module to be a WebAssembly.Module, bytes, a Response or a URL, got [object Object]",
  );
  await rejects(
    loadCore({ module: bytes, simd: true }),
    KernelLoadError,
    /expected module or simd, got both/,
  );
});

test("memory sets bytes aside at once; nonsense and more than there can be is refused", async () => {
  const core = await loadCore({ memory: 2 ** 24 });
  const { reservedBytes } = core.memory();
  assert.ok(reservedBytes >= 2 ** 24 && reservedBytes < 2 ** 24 + 2 ** 17);
  core.array([4_000_000], "float32");
  assert.is(core.memory().reservedBytes, reservedBytes);
  await rejects(
    loadCore({ memory: 0 }),
    ArgumentError,
    "loadCore: expected memory to be a whole number of bytes above 0, got 0",
  );
  await rejects(
    loadCore({ memory: 2 ** 33 }),
    OutOfMemoryError,
    "loadCore: needs 8589934592 bytes at once, a WebAssembly memory has at most 4294967296",
  );
});

test.run();
