import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadCore } from "../../src/core/index.js";
import { randomArray } from "../support/arrays.js";

test("a view that a user holds stays valid when the core needs more memory", async () => {
  const core = await loadCore();
  const small = core.array([4], "float32");
  const view = small.data;
  view.set([1, 2, 3, 4]);
  const large = core.array([2_000_000], "float32");
  large.data.fill(1);
  assert.is(core.countNonFinite(large), 0);
  assert.equal([...view], [1, 2, 3, 4]);
  assert.is(small.data, view);
});

test("arrays in the core's memory are read and written in place, also through views a user makes", async () => {
  const core = await loadCore();
  const x = core.array([1, 4, 4, 1], "float32");
  x.data.set(randomArray([16], "float32", 1).data);
  const into = core.array([1, 2, 2, 9], "float32");
  assert.is(core.extractPatches(x, { kernelShape: [3, 3], into }), into);
  assert.equal(
    into.data,
    core.extractPatches({ data: x.data.slice(), shape: x.shape }, { kernelShape: [3, 3] }).data,
  );
  const row = { data: x.data.subarray(4, 8), shape: [4] };
  row.data[2] = Number.POSITIVE_INFINITY;
  assert.is(core.firstNonFinite(row), 2);
});

test("operands in different blocks of memory are brought together", async () => {
  const core = await loadCore();
  const x = core.array([1, 3, 3, 1], "float32");
  x.data.fill(2);
  const filler = core.array([1 << 20], "float32");
  const into = core.array([1, 3, 3, 9], "float32");
  filler.data.fill(5);
  core.extractPatches(x, { kernelShape: [3, 3], padding: "same", into });
  assert.equal(
    into.data,
    core.extractPatches({ data: x.data.slice(), shape: x.shape }, { kernelShape: [3, 3], padding: "same" })
      .data,
  );
  assert.ok(filler.data.every((v) => v === 5));
});

test("into takes arrays outside the core's memory, and refuses to share memory with an input", async () => {
  const core = await loadCore();
  const into = { data: new Uint8Array(3), shape: [3], dtype: "bool" as const };
  assert.is(core.isFinite(Float32Array.of(1, Number.NaN, 2), { into }), into);
  assert.equal([...into.data], [1, 0, 1]);
  const bytes = new Uint8Array(16);
  assert.throws(
    () =>
      core.isFinite(new Float32Array(bytes.buffer), {
        into: { data: bytes.subarray(0, 4), shape: [4], dtype: "bool" },
      }),
    "isFinite: into shares memory with an input",
  );
});

test("scope frees what was made inside it, also on failure, and keeps what it returns", async () => {
  const core = await loadCore();
  const kept = core.scope(() => {
    core.array([10], "int32");
    return core.array([3], "float32");
  });
  assert.is(core.memory().numArrays, 1);
  assert.is(core.memory().numBytes, 12);
  assert.throws(
    () =>
      core.scope(() => {
        core.array([5], "bool");
        throw new Error("mine");
      }),
    "mine",
  );
  assert.throws(
    () => core.scope(() => Promise.resolve(core.array([5], "bool"))),
    "scope: expected a function that is done when it returns, got one that gives a promise",
  );
  assert.is(core.memory().numArrays, 1);
  core.scope(() => {
    core.scope(() => [core.array([1], "bool"), core.array([2], "bool")]);
    assert.is(core.memory().numArrays, 3);
  });
  assert.is(core.memory().numArrays, 1);
  kept.dispose();
  kept.dispose();
  assert.is(core.memory().numArrays, 0);
  assert.throws(() => kept.data, "this array of shape [3] is disposed");
});

test("memory is reused: ten thousand calls and allocations take no more than the first", async () => {
  const core = await loadCore();
  const x = randomArray([1, 16, 16, 8], "float32", 1);
  core.extractPatches(x, { kernelShape: [3, 3] });
  const { reservedBytes } = core.memory();
  for (let i = 0; i < 10_000; i++) {
    core.scope(
      () =>
        core.extractPatches(x, { kernelShape: [3, 3], into: core.array([1, 14, 14, 72], "float32") }).shape,
    );
  }
  assert.equal(core.memory(), { numArrays: 0, numBytes: 0, reservedBytes });
});

test("arrays never overlap, whatever is allocated and freed in between", async () => {
  const core = await loadCore();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.nat(20)), { maxLength: 60 }),
      (steps) => {
        const live: { array: ReturnType<typeof core.array<"int32">>; tag: number }[] = [];
        for (const [i, [size, victim]] of steps.entries()) {
          const array = core.array([size], "int32");
          array.data.fill(i);
          live.push({ array, tag: i });
          if (victim < live.length) live.splice(victim, 1)[0]?.array.dispose();
        }
        for (const { array, tag } of live) {
          assert.ok(array.data.every((v) => v === tag));
          array.dispose();
        }
        assert.is(core.memory().numArrays, 0);
      },
    ),
    { numRuns: 50 },
  );
});

test("what does not fit into a WebAssembly memory is refused, and the core works on", async () => {
  const core = await loadCore();
  assert.throws(
    () => core.array([2 ** 31 - 1], "float32"),
    /^array: needs 8589934588 bytes at once, a WebAssembly memory has at most 4294967296$/,
  );
  assert.throws(
    () => core.array([2 ** 31], "bool"),
    "array: shape [2147483648] has more than 2147483647 elements",
  );
  assert.throws(
    () => core.array([-1], "bool"),
    "array: expected shape to be a list of whole numbers from 0, got [-1]",
  );
  assert.is(core.countNonFinite(Float32Array.of(Number.NaN)), 1);
});

test("a disposed core says so", async () => {
  const core = await loadCore();
  core.dispose();
  assert.throws(() => core.isFinite(new Float32Array(1)), "isFinite: this core is disposed");
  assert.throws(() => core.array([1], "bool"), "array: this core is disposed");
});

test.run();
