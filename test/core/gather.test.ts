import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ArgumentError,
  type DType,
  DTypeError,
  IndexError,
  type NdArray,
  ShapeError,
} from "../../src/core/index.js";
import { bytesOf, dot, randomArray, randomSource } from "../support/arrays.js";
import { builds } from "../support/builds.js";
import { slowMove } from "../support/slow.js";
import { throws } from "../support/throws.js";

/** int32 indices below `size`, in a shape. */
function randomIndices(shape: readonly number[], size: number, seed: number): NdArray<"int32"> {
  const random = randomSource(seed);
  const data = new Int32Array(shape.reduce((a, b) => a * b, 1)).map(() => Math.floor(random() * size));
  return { data, shape, dtype: "int32" };
}

const sizes = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 5 }), { minLength: min, maxLength: max });
const cases = fc.record({
  batch: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
  outer: sizes(0, 2),
  size: fc.integer({ min: 1, max: 6 }),
  inner: fc.array(fc.constantFrom(0, 1, 2, 3, 5, 17), { maxLength: 2 }),
  picked: sizes(0, 2),
  dtype: fc.constantFrom<DType[]>("float32", "int32", "bool"),
  seed: fc.integer(),
});

for (const { build, core } of builds) {
  test(`gather gives the bits of tf.gather for every axis, batchDims, rank of indices and dtype (${build})`, () => {
    fc.assert(
      fc.property(cases, ({ batch, outer, size, inner, picked, dtype, seed }) => {
        const x = randomArray([...batch, ...outer, size, ...inner], dtype, seed);
        const indices = randomIndices([...batch, ...picked], size, seed + 1);
        const [b, axis] = [batch.length, batch.length + outer.length];
        const want = slowMove(x, [...batch, ...outer, ...picked, ...inner], (at) => {
          const pick = slowMove(indices, [], () => [
            ...at.slice(0, b),
            ...at.slice(axis, axis + picked.length),
          ]).data[0]!;
          return [...at.slice(0, axis), pick, ...at.slice(axis + picked.length)];
        });
        for (const options of [
          { axis, batchDims: b },
          { axis: axis - x.shape.length, batchDims: b },
        ]) {
          const got = core.gather(x, indices, options);
          assert.equal([got.shape, got.dtype], [want.shape, dtype]);
          assert.equal(bytesOf(got.data), bytesOf(want.data));
        }
      }),
      { numRuns: 300 },
    );
  });

  test(`scatterAdd is the adjoint of gather: <gather(x), u> = <x, scatterAdd(u)>, exactly on multiples of 1/8 (${build})`, () => {
    fc.assert(
      fc.property(cases, ({ batch, outer, size, inner, picked, seed }) => {
        const x = randomArray([...batch, ...outer, size, ...inner], "float32", seed);
        const indices = randomIndices([...batch, ...picked], size, seed + 1);
        const options = { axis: batch.length + outer.length, batchDims: batch.length };
        const gathered = core.gather(x, indices, options);
        const updates = randomArray(gathered.shape, "float32", seed + 2);
        const scattered = core.scatterAdd(updates, indices, { ...options, shape: x.shape });
        assert.equal(scattered.shape, x.shape);
        assert.is(dot(gathered.data, updates.data), dot(x.data, scattered.data));
      }),
      { numRuns: 300 },
    );
  });

  test(`gatherNd gives the bits of tf.gather_nd for every depth and batchDims, and scatterNdAdd is its adjoint (${build})`, () => {
    fc.assert(
      fc.property(cases, ({ batch, outer, size, inner, picked, dtype, seed }) => {
        const indexed = [...outer.map((n) => n + 1), size];
        const x = randomArray([...batch, ...indexed, ...inner], dtype, seed);
        const indices = randomIndices([...batch, ...picked, indexed.length], 1 << 20, seed + 1);
        indices.data.forEach((v, i) => {
          indices.data[i] = v % indexed[i % indexed.length]!;
        });
        const b = batch.length;
        const rest = b + picked.length;
        const want = slowMove(x, [...batch, ...picked, ...inner], (at) => {
          const tuple = indexed.map(
            (_, k) => slowMove(indices, [], () => [...at.slice(0, rest), k]).data[0]!,
          );
          return [...at.slice(0, b), ...tuple, ...at.slice(rest)];
        });
        const got = core.gatherNd(x, indices, { batchDims: b });
        assert.equal([got.shape, got.dtype], [want.shape, dtype]);
        assert.equal(bytesOf(got.data), bytesOf(want.data));
        if (dtype !== "float32") return;
        const updates = randomArray(got.shape, "float32", seed + 2);
        const scattered = core.scatterNdAdd(updates, indices, { batchDims: b, shape: x.shape });
        assert.is(dot(got.data, updates.data), dot(x.data, scattered.data));
      }),
      { numRuns: 300 },
    );
  });

  test(`unsortedSegmentSum sums rows by id, drops negative ids, and leaves other segments 0, of float32 and int32 (${build})`, () => {
    for (const dtype of ["float32", "int32"] as const) {
      const data = randomArray([7, 3], dtype, 1);
      const ids = Int32Array.of(4, 0, -1, 4, 2, 0, -7);
      const got = core.unsortedSegmentSum(data, ids, { numSegments: 6 });
      const want = new (data.data.constructor as typeof Float32Array)(18);
      ids.forEach((id, i) => {
        for (let k = 0; id >= 0 && k < 3; k++) want[id * 3 + k]! += data.data[i * 3 + k]!;
      });
      assert.equal([...got.data], [...want]);
      assert.equal([got.shape, got.dtype], [[6, 3], dtype]);
    }
  });

  test(`an index out of range is an IndexError with its position and value, and nothing is written (${build})`, () => {
    core.scope(() => {
      const x = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] };
      const into = core.array([2, 5, 2], "float32");
      into.data.fill(7);
      const indices = { data: Int32Array.of(0, 1, 2, 0, 1, 2, 0, 3, 0, 9), shape: [2, 5] };
      const error = throws(
        () => core.gather(x, indices, { into }),
        IndexError,
        "gather: indices[1, 2] = 3 is outside [0, 3)",
      );
      assert.equal([error.position, error.value], [7, 3]);
      assert.ok(into.data.every((v) => v === 7));
      throws(
        () => core.gather(x, Int32Array.of(-1)),
        IndexError,
        "gather: indices[0] = -1 is outside [0, 3)",
      );
      const tuples = { data: Int32Array.of(2, 1, 0, 2), shape: [2, 2] };
      const nd = throws(
        () => core.gatherNd(x, tuples),
        IndexError,
        "gatherNd: indices[1] = [0, 2] is outside shape [3, 2]",
      );
      assert.equal([nd.position, nd.value], [1, [0, 2]]);
      throws(
        () => core.scatterAdd(randomArray([1, 2], "float32", 1), Int32Array.of(3), { shape: [3, 2] }),
        IndexError,
        "scatterAdd: indices[0] = 3 is outside [0, 3)",
      );
      throws(
        () =>
          core.scatterNdAdd(
            Float32Array.of(1),
            { data: Int32Array.of(0, -1), shape: [1, 2] },
            { shape: [3, 2] },
          ),
        IndexError,
        "scatterNdAdd: indices[0] = [0, -1] is outside shape [3, 2]",
      );
      throws(
        () => core.unsortedSegmentSum(Float32Array.of(1, 2), Int32Array.of(0, 2), { numSegments: 2 }),
        IndexError,
        "unsortedSegmentSum: segmentIds[1] = 2 is outside [0, 2)",
      );
      throws(
        () => core.gather({ data: new Float32Array(0), shape: [0] }, Int32Array.of(0)),
        IndexError,
        "gather: indices[0] = 0 is outside [0, 0)",
      );
    });
    assert.is(core.memory().numArrays, 0);
  });

  test(`no byte around the output is written, for rows of every length (${build})`, () => {
    for (const row of [1, 2, 3, 4, 5, 7, 16, 33]) {
      for (const dtype of ["float32", "bool"] as const) {
        core.scope(() => {
          const x = randomArray([5, row], dtype, row);
          const before = core.array([64], "int32");
          const into = core.array([3, row], dtype);
          const after = core.array([64], "int32");
          before.data.fill(7);
          after.data.fill(7);
          core.gather(x, Int32Array.of(4, 0, 4), { into });
          assert.equal([...into.data], [...core.gather(x, Int32Array.of(4, 0, 4)).data]);
          assert.ok([...before.data, ...after.data].every((v) => v === 7));
        });
      }
    }
  });
}

const { core } = builds[0]!;

test("bad shapes, axes and dtypes are named", () => {
  const x = randomArray([2, 3, 4], "float32", 1);
  const i = randomIndices([2, 5], 2, 1);
  throws(
    () => core.gather(x, i, { axis: 3 }),
    ArgumentError,
    "gather: axis 3 is none of x, which has rank 3 (shape [2, 3, 4])",
  );
  throws(
    () => core.gather(x, i, { axis: -4 }),
    ArgumentError,
    "gather: axis -4 is none of x, which has rank 3 (shape [2, 3, 4])",
  );
  throws(
    () => core.gather(x, i, { axis: 0.5 }),
    ArgumentError,
    "gather: axis 0.5 is none of x, which has rank 3 (shape [2, 3, 4])",
  );
  throws(
    () => core.gather(x, i, { axis: 0, batchDims: 1 }),
    ArgumentError,
    "gather: expected batchDims of at most axis, 0, got 1",
  );
  throws(
    () => core.gather(x, i, { batchDims: 3 }),
    ArgumentError,
    "gather: expected batchDims from -2 to 2, the rank of indices, got 3",
  );
  throws(
    () => core.gather(x, randomIndices([3, 1], 2, 1), { batchDims: 1 }),
    ShapeError,
    "gather: expected the first 1 axes of x and indices to be alike, got [2, 3, 4] and [3, 1]",
  );
  throws(
    () => core.gather(x, Float32Array.of(0)),
    DTypeError,
    "gather: expected indices to be int32, got float32",
  );
  throws(
    () => core.scatterAdd(Float32Array.of(1), Int32Array.of(0), { shape: [3, 2] }),
    ShapeError,
    "scatterAdd: expected updates of shape [1, 2], got [1]",
  );
  throws(
    () => core.scatterAdd(Int32Array.of(1), Int32Array.of(0), { shape: [3] }),
    DTypeError,
    "scatterAdd: expected updates to be float32, got int32",
  );
  throws(
    () => core.gatherNd(x, { data: Int32Array.of(0), shape: [] }),
    ShapeError,
    "gatherNd: expected indices of rank 1 or more, got rank 0",
  );
  throws(
    () => core.gatherNd(x, { data: new Int32Array(4), shape: [1, 4] }),
    ShapeError,
    "gatherNd: expected the last axis of indices to be at most 3, got 4 (x [2, 3, 4], indices [1, 4])",
  );
  throws(
    () => core.gatherNd(x, { data: new Int32Array(2), shape: [1, 2] }, { batchDims: 2 }),
    ArgumentError,
    "gatherNd: expected batchDims from 0 to 1, got 2",
  );
  throws(
    () => core.unsortedSegmentSum(Float32Array.of(1, 2), Int32Array.of(0), { numSegments: 1 }),
    ShapeError,
    "unsortedSegmentSum: expected data to begin with the shape of segmentIds, [1], got [2]",
  );
  throws(
    () => core.unsortedSegmentSum(Float32Array.of(1), Int32Array.of(0), { numSegments: -1 }),
    ArgumentError,
    "unsortedSegmentSum: expected numSegments to be a whole number from 0, got -1",
  );
});

test.run();
