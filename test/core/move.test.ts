import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, type DType, DTypeError, ShapeError } from "../../src/core/index.js";
import { bytesOf, dot, randomArray } from "../support/arrays.js";
import { builds } from "../support/builds.js";
import { slowMove } from "../support/slow.js";
import { throws } from "../support/throws.js";

const dtypes = fc.constantFrom<DType[]>("float32", "int32", "bool");
/** A narrow shape and the wide one that it broadcasts to. */
const broadcasts = fc.record({
  axes: fc.array(fc.tuple(fc.constantFrom(0, 1, 2, 3, 5, 19), fc.boolean()), { maxLength: 6 }),
  lead: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
  dtype: dtypes,
  seed: fc.integer(),
});
const transposes = fc.array(fc.constantFrom(1, 2, 3, 4, 5, 17), { maxLength: 6 }).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    perm: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
    dtype: dtypes,
    seed: fc.integer(),
  }),
);

for (const { build, core } of builds) {
  test(`broadcastTo gives the bits of np.broadcast_to, and sumTo is its adjoint (${build})`, () => {
    fc.assert(
      fc.property(broadcasts, ({ axes, lead, dtype, seed }) => {
        const narrow = axes.map(([n, kept]) => (kept ? n : 1));
        const shape = [...lead, ...axes.map(([n]) => n)];
        const x = randomArray(narrow, dtype, seed);
        const got = core.broadcastTo(x, { shape });
        const want = slowMove(x, shape, (at) =>
          at.slice(lead.length).map((i, axis) => (narrow[axis] === 1 ? 0 : i)),
        );
        assert.equal([got.shape, got.dtype], [shape, dtype]);
        assert.equal(bytesOf(got.data), bytesOf(want.data));
        if (dtype !== "float32") return;
        const r = randomArray(shape, "float32", seed + 1);
        const summed = core.sumTo(r, { shape: narrow });
        assert.equal(summed.shape, narrow);
        assert.is(dot(got.data, r.data), dot(x.data, summed.data));
      }),
      { numRuns: 400 },
    );
  });

  test(`transpose gives the bits of np.transpose for every permutation and dtype (${build})`, () => {
    fc.assert(
      fc.property(transposes, ({ shape, perm, dtype, seed }) => {
        const x = randomArray(shape, dtype, seed);
        const got = core.transpose(x, { perm });
        const want = slowMove(
          x,
          perm.map((axis) => shape[axis]!),
          (at) => shape.map((_, axis) => at[perm.indexOf(axis)]!),
        );
        assert.equal([got.shape, got.dtype], [want.shape, dtype]);
        assert.equal(bytesOf(got.data), bytesOf(want.data));
      }),
      { numRuns: 400 },
    );
  });

  test(`transpose reverses the axes by default, and takes 8 axes and empty arrays (${build})`, () => {
    assert.equal(
      [...core.transpose({ data: Int32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] }).data],
      [1, 4, 2, 5, 3, 6],
    );
    const x = randomArray([2, 3, 2, 3, 2, 3, 2, 3], "int32", 1);
    const perm = [7, 5, 3, 1, 0, 2, 4, 6];
    const want = slowMove(
      x,
      perm.map((axis) => x.shape[axis]!),
      (at) => x.shape.map((_, axis) => at[perm.indexOf(axis)]!),
    );
    assert.equal(core.transpose(x, { perm }).data, want.data);
    assert.equal(core.transpose({ data: new Float32Array(0), shape: [2, 0, 3] }).shape, [3, 0, 2]);
  });

  test(`sums over one element a row are rounded once: 10^6 tenths are within 1 ulp of their sum (${build})`, () => {
    const x = new Float32Array(1_000_000).fill(0.1);
    const want = Math.fround(Math.fround(0.1) * 1_000_000);
    assert.ok(Math.abs(core.sumTo(x, { shape: [] }).data[0]! - want) <= 0.0078125);
  });

  test(`cast: float32 to int32 towards zero, NaN and what is out of range to -2^31 as TensorFlow; to bool by != 0 (${build})`, () => {
    const floats = Float32Array.of(
      1.9,
      -1.9,
      0,
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      2147483648,
      -2147483648,
      -3e9,
      2147483520,
      1e-45,
      0.5,
    );
    const low = -2147483648;
    assert.equal(
      [...core.cast(floats, { dtype: "int32" }).data],
      [1, -1, 0, 0, low, low, low, low, low, low, 2147483520, 0, 0],
    );
    assert.equal([...core.cast(floats, { dtype: "bool" }).data], [1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert.equal(
      [...core.cast(Int32Array.of(0, 5, -1, 16777217, 2147483647), { dtype: "float32" }).data],
      [0, 5, -1, 16777216, 2147483648],
    );
    assert.equal([...core.cast(Int32Array.of(0, 5, -1), { dtype: "bool" }).data], [0, 1, 1]);
    assert.equal([...core.cast(Uint8Array.of(0, 1), { dtype: "float32" }).data], [0, 1]);
    assert.equal([...core.cast(Uint8Array.of(0, 1), { dtype: "int32" }).data], [0, 1]);
    for (const dtype of ["float32", "int32", "bool"] as const) {
      const x = randomArray([37], dtype, 1);
      assert.equal(bytesOf(core.cast(x, { dtype }).data), bytesOf(x.data));
    }
    const many = randomArray([53], "float32", 2);
    assert.equal(
      [...core.cast(many, { dtype: "int32" }).data],
      [...many.data].map(Math.trunc).map((v) => v + 0),
    );
  });

  test(`no byte around the output is written (${build})`, () => {
    for (const n of [1, 3, 4, 5, 17]) {
      core.scope(() => {
        const x = randomArray([n, 1, 3], "float32", n);
        const before = core.array([64], "int32");
        const broadcast = core.array([n, 7, 3], "float32");
        const between = core.array([64], "int32");
        const turned = core.array([3, n], "float32");
        const after = core.array([64], "int32");
        for (const guard of [before, between, after]) guard.data.fill(7);
        core.broadcastTo(x, { shape: [n, 7, 3], into: broadcast });
        core.transpose({ data: x.data, shape: [n, 3] }, { into: turned });
        for (const guard of [before, between, after]) assert.ok(guard.data.every((v) => v === 7));
      });
    }
  });
}

const { core } = builds[0]!;

test("shapes that do not broadcast, permutations that are none and dtypes that there are not are named", () => {
  const x = randomArray([2, 3], "float32", 1);
  throws(
    () => core.broadcastTo(x, { shape: [2, 4] }),
    ShapeError,
    "broadcastTo: shape [2, 3] does not broadcast to [2, 4]",
  );
  throws(
    () => core.broadcastTo(x, { shape: [3] }),
    ShapeError,
    "broadcastTo: shape [2, 3] does not broadcast to [3]",
  );
  throws(
    () => core.broadcastTo(x, { shape: [-1, 3] }),
    ShapeError,
    "broadcastTo: expected shape to be a list of whole numbers from 0, got [-1, 3]",
  );
  throws(
    () => core.sumTo(x, { shape: [2] }),
    ShapeError,
    "sumTo: x of shape [2, 3] is no broadcast of shape [2]",
  );
  throws(
    () => core.sumTo(Int32Array.of(1), { shape: [] }),
    DTypeError,
    "sumTo: expected x to be float32, got int32",
  );
  throws(
    () => core.transpose(x, { perm: [0, 0] }),
    ArgumentError,
    "transpose: expected perm to be the axes 0 to 1 in some order, got [0, 0]",
  );
  throws(
    () => core.transpose(x, { perm: [0] }),
    ArgumentError,
    "transpose: expected perm to be the axes 0 to 1 in some order, got [0]",
  );
  throws(
    () => core.cast(x, { dtype: "float64" as "float32" }),
    DTypeError,
    "cast: expected dtype to be float32 or int32 or bool, got float64",
  );
  throws(
    () => core.broadcastTo(Float32Array.of(1), { shape: [65536, 65536] }),
    ShapeError,
    "broadcastTo: shape [65536, 65536] has more than 2147483647 elements",
  );
});

test.run();
