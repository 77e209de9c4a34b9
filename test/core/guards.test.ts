import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Core, NdArray } from "../../src/core/index.js";
import { bytesOf, randomArray } from "../support/arrays.js";
import { builds } from "../support/builds.js";

const SPECIAL = Uint32Array.of(
  0x7fc00001,
  0xffa12345,
  0x7f800000,
  0xff800000,
  1,
  0x807fffff,
  0x80000000,
  0x7f7fffff,
  0,
);
/** NaN with payloads, infinities, denormals, -0 and the largest number, in a shape. */
function specials(shape: readonly number[]): NdArray<"float32"> {
  const size = shape.reduce((a, b) => a * b, 1);
  const bits = Uint32Array.from({ length: size }, (_, i) => SPECIAL[i % SPECIAL.length]!);
  return { data: new Float32Array(bits.buffer), shape, dtype: "float32" };
}

const x = specials([1, 5, 7, 3]);
const ordinary = randomArray([1, 5, 7, 3], "float32", 1);
const tuples = { data: Int32Array.of(0, 4, 0, 2, 0, 3), shape: [3, 2], dtype: "int32" as const };
const windows = { kernelShape: [3, 3] as [number, number], padding: "same" };

/** Every operation that writes an array, on odd sizes. */
const operations: Record<string, (core: Core, into?: NdArray) => NdArray> = {
  extractPatches: (core, into) => core.extractPatches(x, { ...windows, ...(into && { into }) }),
  foldPatches: (core, into) =>
    core.foldPatches(randomArray([1, 5, 7, 27], "float32", 2), {
      ...windows,
      imageShape: [1, 5, 7, 3],
      ...(into && { into }),
    }),
  gather: (core, into) => core.gather(x, Int32Array.of(6, 0, 6), { axis: 2, ...(into && { into }) }),
  scatterAdd: (core, into) =>
    core.scatterAdd(randomArray([3, 5], "float32", 3), Int32Array.of(6, 0, 6), {
      shape: [7, 5],
      ...(into && { into }),
    }),
  gatherNd: (core, into) => core.gatherNd(x, tuples, { ...(into && { into }) }),
  scatterNdAdd: (core, into) =>
    core.scatterNdAdd(randomArray([3, 3], "float32", 4), tuples, { shape: [1, 5, 3], ...(into && { into }) }),
  unsortedSegmentSum: (core, into) =>
    core.unsortedSegmentSum(
      ordinary,
      { data: Int32Array.of(2), shape: [1] },
      { numSegments: 3, ...(into && { into }) },
    ),
  broadcastTo: (core, into) => core.broadcastTo(x, { shape: [3, 5, 7, 3], ...(into && { into }) }),
  sumTo: (core, into) => core.sumTo(ordinary, { shape: [7, 1], ...(into && { into }) }),
  transpose: (core, into) => core.transpose(x, { perm: [3, 1, 0, 2], ...(into && { into }) }),
  "cast to int32": (core, into) => core.cast(x, { dtype: "int32", ...(into && { into }) }),
  "cast to bool": (core, into) => core.cast(x, { dtype: "bool", ...(into && { into }) }),
  isFinite: (core, into) => core.isFinite(x, { ...(into && { into }) }),
  isNotFinite: (core, into) => core.isNotFinite(x, { ...(into && { into }) }),
};

for (const { build, core } of builds) {
  for (const [name, run] of Object.entries(operations)) {
    test(`${name} writes its output and no byte around it (${build})`, () => {
      const want = run(core);
      core.scope(() => {
        // Neighbours on both sides of the output and of wherever scratch may lie.
        const neighbours = [core.array([64], "int32")];
        const into = core.array(want.shape, want.dtype);
        neighbours.push(core.array([64], "int32"));
        for (const neighbour of neighbours) neighbour.data.fill(0x5a5a5a5a);
        assert.is(run(core, into), into);
        assert.equal(bytesOf(into.data), bytesOf(want.data));
        for (const neighbour of neighbours) assert.ok(neighbour.data.every((v) => v === 0x5a5a5a5a));
      });
    });
  }

  test(`the movers keep the bits of NaN payloads, infinities, denormals and -0 (${build})`, () => {
    const bits = (a: NdArray) => [...new Uint32Array(Uint8Array.from(bytesOf(a.data)).buffer)];
    const source = specials([9]);
    const reversed = Int32Array.of(8, 7, 6, 5, 4, 3, 2, 1, 0);
    const want = [...SPECIAL].reverse();
    assert.equal(bits(core.gather(source, reversed)), want);
    assert.equal(bits(core.gatherNd(source, { data: reversed, shape: [9, 1] })), want);
    assert.equal(bits(core.broadcastTo(source, { shape: [2, 9] })), [...SPECIAL, ...SPECIAL]);
    assert.equal(
      bits(core.transpose(core.broadcastTo(source, { shape: [4, 9] }))),
      [...SPECIAL].flatMap((v) => [v, v, v, v]),
    );
  });
}

test.run();
