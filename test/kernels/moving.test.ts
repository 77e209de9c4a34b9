import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DTypeError, IndexError, ShapeError } from "../../src/errors.js";
import { installKernels } from "../../src/kernels/index.js";
import { randomArray } from "../support/arrays.js";
import { withoutLeak } from "../support/backends.js";
import { throws } from "../support/throws.js";

await tf.setBackend("wasm");
installKernels();

const dtypes = ["float32", "int32", "bool"] as const;
const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
const tensor = (shape: number[], dtype: (typeof dtypes)[number], seed: number) => {
  const { data } = randomArray(shape, dtype, seed);
  return tf.tensor(data, shape, dtype);
};
/** Row-major coordinates of a flat position. */
const place = (i: number, shape: readonly number[]) => {
  const at: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at.unshift(i % shape[axis]!);
    i = Math.floor(i / shape[axis]!);
  }
  return at;
};
const flat = (at: readonly number[], shape: readonly number[]) =>
  at.reduce((i, k, axis) => i * shape[axis]! + k, 0);

test("sums over axes apart, and the gradient of tile that takes them, are zeros where an axis has no length", () => {
  const sum = tf.tidy(() => tf.sum(tf.zeros([2, 0, 3, 4]), [1, 3]));
  assert.equal([sum.shape, [...sum.dataSync()]], [[2, 3], Array(6).fill(0)]);
  const dx = tf.tidy(() => tf.grad((x) => tf.tile(x, [1, 3]))(tf.zeros([0, 2])));
  assert.equal(dx.shape, [0, 2]);
  tf.dispose([sum, dx]);
});

test("tile repeats along every axis, for all dtypes", () => {
  fc.assert(
    fc.property(
      shapes,
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      fc.constantFrom(...dtypes),
      (shape, stream, dtype) => {
        const reps = shape.map(() => stream.next().value as number);
        withoutLeak(() =>
          tf.tidy(() => {
            const x = tensor(shape, dtype, 1);
            const y = tf.tile(x, reps);
            assert.equal([y.shape, y.dtype], [shape.map((n, i) => n * reps[i]!), dtype]);
            const from = x.dataSync();
            y.dataSync().forEach((v, i) => {
              const at = place(i, y.shape).map((k, axis) => k % shape[axis]!);
              assert.is(v, from[flat(at, shape)]);
            });
          }),
        );
      },
    ),
  );
});

test("transpose moves every element, for all dtypes", () => {
  fc.assert(
    fc.property(shapes, fc.infiniteStream(fc.nat()), fc.constantFrom(...dtypes), (shape, stream, dtype) => {
      const perm = shape
        .map((_, i) => ({ i, key: stream.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ i }) => i);
      withoutLeak(() =>
        tf.tidy(() => {
          const x = tensor(shape, dtype, 2);
          const y = tf.transpose(x, perm);
          const from = x.dataSync();
          y.dataSync().forEach((v, i) => {
            const to = place(i, y.shape);
            const at = shape.map((_, axis) => to[perm.indexOf(axis)]!);
            assert.is(v, from[flat(at, shape)]);
          });
        }),
      );
    }),
  );
});

test("prelu's slopes broadcast from any shape, forward and back", () => {
  const [shape, x] = [[2, 3, 4], randomArray([2, 3, 4], "float32", 1)];
  for (const slopes of [[], [1], [4], [3, 1], [3, 4], [1, 3, 1], [2, 1, 1], [2, 1, 4], [2, 3, 4]]) {
    const alpha = randomArray(slopes, "float32", 2);
    const padded = [...Array<number>(3 - slopes.length).fill(1), ...slopes];
    const slopeOf = (at: readonly number[]) =>
      alpha.data[
        flat(
          at.map((k, axis) => (padded[axis] === 1 ? 0 : k)),
          padded,
        )
      ]!;
    const want = [...x.data].map((v, i) => (v < 0 ? v * slopeOf(place(i, shape)) : v));
    const slope = [...x.data].map((v, i) => (v > 0 ? 1 : slopeOf(place(i, shape))));
    withoutLeak(() =>
      tf.tidy(() => {
        const [values, a] = [tf.tensor(x.data, shape), tf.tensor(alpha.data, slopes)];
        assert.equal([...tf.prelu(values, a).dataSync()], want, String(slopes));
        const dx = tf.grad((v) => tf.prelu(v, a))(values);
        assert.equal([...dx.dataSync()], slope, String(slopes));
      }),
    );
  }
});

test("sum over any axes is the sum, and of none is x", () => {
  fc.assert(
    fc.property(shapes, fc.infiniteStream(fc.boolean()), fc.boolean(), (shape, stream, keepDims) => {
      const axes = shape.flatMap((_, axis) => (stream.next().value ? [axis] : []));
      if (axes.length === 0) return;
      withoutLeak(() =>
        tf.tidy(() => {
          const x = tensor(shape, "float32", 3);
          const y = tf.sum(x, axes, keepDims);
          const kept = shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
          assert.equal(y.shape, keepDims ? kept : shape.filter((_, axis) => !axes.includes(axis)));
          const want = new Float64Array(y.size);
          x.dataSync().forEach((v, i) => {
            want[
              flat(
                place(i, shape).map((k, axis) => (axes.includes(axis) ? 0 : k)),
                kept,
              )
            ]! += v;
          });
          // A few hundred terms of float32.
          y.dataSync().forEach((v, i) => assert.ok(Math.abs(v - want[i]!) <= 1e-4));
        }),
      );
    }),
  );
  tf.tidy(() => assert.equal([...tf.sum(tf.tensor1d([1, 2, 3], "int32")).dataSync()], [6]));
});

test("matMul with either side transposed is the product, with batches broadcast", () => {
  const size = fc.integer({ min: 1, max: 19 });
  const batches = fc.constantFrom([[], []], [[2], [2]], [[3], []], [[2, 1], [3]], [
    [1],
    [4, 2],
  ] as number[][]);
  fc.assert(
    fc.property(size, size, size, batches, fc.boolean(), (m, n, k, [batchA, batchB], transposeA) => {
      withoutLeak(() =>
        tf.tidy(() => {
          const a = tensor([...batchA!, m, k], "float32", 4);
          const b = tensor([...batchB!, k, n], "float32", 5);
          const swap = (t: tf.Tensor) =>
            tf.transpose(
              t,
              [...t.shape.keys()].map((i) => (i < t.rank - 2 ? i : 2 * t.rank - 3 - i)),
            );
          const y = transposeA ? tf.matMul(swap(a), b, true, false) : tf.matMul(a, swap(b), false, true);
          const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA!, batchB!);
          assert.equal(y.shape, [...batch, m, n]);
          const [va, vb] = [a.dataSync(), b.dataSync()];
          y.dataSync().forEach((v, i) => {
            const at = place(i, y.shape);
            const [row, column] = at.splice(-2) as [number, number];
            const matrix = (own: number[]) =>
              flat(
                own.map((size, axis) => (size === 1 ? 0 : at[axis + at.length - own.length]!)),
                own,
              );
            let want = 0;
            for (let p = 0; p < k; p++)
              want += va[(matrix(batchA!) * m + row) * k + p]! * vb[(matrix(batchB!) * k + p) * n + column]!;
            assert.ok(Math.abs(v - want) <= 1e-4, `${v} ${want}`);
          });
        }),
      );
    }),
    { numRuns: 200 },
  );
  throws(
    () => tf.matMul(tf.ones([2, 3]), tf.ones([2, 4]), false, true),
    Error,
    "Error in matMul: inner shapes (3) and (4) of Tensors with shapes [2, 3] and [2, 4] and transposeA=false and transposeB=true must match.",
  );
});

test("an index outside is an IndexError with its position and value, and leaves nothing", () => {
  tf.tidy(() => {
    const x = tf.ones([3, 4]);
    const refusals: [() => tf.Tensor, string, number, number | number[]][] = [
      [
        () => tf.gather(x, tf.tensor2d([0, 1, 3, 0], [2, 2], "int32")),
        "gather: indices[1, 0] = 3 is outside [0, 3)",
        2,
        3,
      ],
      [
        () => tf.gatherND(x, tf.tensor2d([2, 9], [1, 2], "int32")),
        "gatherNd: indices[0] = [2, 9] is outside shape [3, 4]",
        0,
        [2, 9],
      ],
      [
        () => tf.unsortedSegmentSum(x, tf.tensor1d([0, 2, 1], "int32"), 2),
        "unsortedSegmentSum: segmentIds[1] = 2 is outside [0, 2)",
        1,
        2,
      ],
    ];
    const backend = tf.backend() as tf.KernelBackend;
    for (const [call, message, position, value] of refusals) {
      const held = backend.numDataIds();
      withoutLeak(() => {
        tf.tidy(() => {
          const error = throws(call, IndexError, message);
          assert.equal([error.position, error.value], [position, value]);
        });
      });
      assert.is(backend.numDataIds(), held);
    }
  });
});

test("isNaN and isInf tell the bits of float32, and int32 is neither", () => {
  tf.tidy(() => {
    const bits = [0x7fc00000, 0xffc00001, 0x7f800001, 0x7f800000, 0xff800000, 0x7f7fffff, 1, 0x80000000];
    // More than a vector's worth, with a tail.
    const all = Array.from({ length: 37 }, (_, i) => bits[i % bits.length]!);
    const x = tf.tensor1d(new Float32Array(Uint32Array.from(all).buffer));
    assert.equal(
      [...tf.isNaN(x).dataSync()],
      all.map((b) => ((b & 0x7fffffff) > 0x7f800000 ? 1 : 0)),
    );
    assert.equal(
      [...tf.isInf(x).dataSync()],
      all.map((b) => ((b & 0x7fffffff) === 0x7f800000 ? 1 : 0)),
    );
    const ints = tf.tensor1d(Int32Array.from(bits), "int32");
    assert.ok([...tf.isNaN(ints).dataSync(), ...tf.isInf(ints).dataSync()].every((v) => v === 0));
  });
});

test("a clone is the same memory, and outlives what it was cloned from", () => {
  const x = tf.tensor1d([1, 2, 3]);
  const y = tf.clone(x);
  const { numDataBuffers } = tf.memory();
  x.dispose();
  assert.is(tf.memory().numDataBuffers, numDataBuffers);
  assert.equal([...y.dataSync()], [1, 2, 3]);
  y.dispose();
  assert.is(tf.memory().numDataBuffers, numDataBuffers - 1);
  // And what shares memory is not written to: a reshape, then a kernel that writes.
  tf.tidy(() => {
    const a = tf.tensor1d([3, 1, 2, 4]);
    const b = tf.clone(tf.reshape(a, [2, 2]));
    tf.add(b, 1);
    tf.transpose(b);
    assert.equal([...a.dataSync()], [3, 1, 2, 4]);
  });
});

const equations = [
  ["ij,jk->ik", [3, 4], [4, 5]],
  ["abc,cde->abde", [2, 3, 4], [4, 2, 5]],
  ["abc,cd->abd", [2, 3, 4], [4, 5]],
  ["aecd,abcd->acbe", [2, 3, 4, 5], [2, 6, 4, 5]],
  ["acbe,aecd->abcd", [2, 4, 6, 3], [2, 3, 4, 5]],
  ["bhqd,bhkd->bhqk", [2, 2, 3, 4], [2, 2, 5, 4]],
  ["i,j->ij", [3], [4]],
  ["bi,bi->b", [3, 4], [3, 4]],
  ["ij,kl->jl", [2, 3], [4, 5]],
] as const;

test("einsum is the sum of products it says, and its gradients are those of that sum", () => {
  for (const [equation, shapeA, shapeB] of equations) {
    withoutLeak(() =>
      tf.tidy(() => {
        const [a, b] = [tensor([...shapeA], "float32", 6), tensor([...shapeB], "float32", 7)];
        const [left, result] = equation.split("->") as [string, string];
        const [axesA, axesB] = left.split(",") as [string, string];
        const names = [...new Set(left.replace(",", ""))];
        const sizes = names.map((name) =>
          axesA.includes(name) ? shapeA[axesA.indexOf(name)]! : shapeB[axesB.indexOf(name)]!,
        );
        const y = tf.einsum(equation, a, b);
        const dy = tensor(y.shape, "float32", 8);
        const want = [new Float64Array(y.size), new Float64Array(a.size), new Float64Array(b.size)] as const;
        const [va, vb, vd] = [a.dataSync(), b.dataSync(), dy.dataSync()];
        for (let i = 0; i < sizes.reduce((p, n) => p * n, 1); i++) {
          const at = place(i, sizes);
          const where = (axes: string, shape: readonly number[]) =>
            flat(
              [...axes].map((name) => at[names.indexOf(name)]!),
              shape,
            );
          const [ia, ib, iy] = [where(axesA, shapeA), where(axesB, shapeB), where(result, y.shape)];
          want[0][iy]! += va[ia]! * vb[ib]!;
          want[1][ia]! += vd[iy]! * vb[ib]!;
          want[2][ib]! += vd[iy]! * va[ia]!;
        }
        const [da, db] = tf.grads((p, q) => tf.einsum(equation, p!, q!))([a, b], dy);
        [y, da!, db!].forEach((got, i) => {
          assert.equal(got.shape, [y.shape, a.shape, b.shape][i]);
          got.dataSync().forEach((v, k) => assert.ok(Math.abs(v - want[i]![k]!) <= 1e-4, `${equation} ${i}`));
        });
      }),
    );
  }
  tf.tidy(() => {
    const x = tensor([2, 3, 4], "float32", 9);
    assert.equal([...tf.einsum("abc->cab", x).dataSync()], [...tf.transpose(x, [2, 0, 1]).dataSync()]);
    assert.equal(tf.grad((v: tf.Tensor) => tf.einsum("abc->b", v))(x).shape, x.shape);
    throws(
      () => tf.einsum("ij,jk->ik", tf.ones([2, 3]), tf.ones([4, 5])),
      ShapeError,
      'einsum: axis "j" of equation "ij,jk->ik" is 3 long and 4 long',
    );
    throws(
      () => tf.einsum("ij->ij", tf.ones([2, 3], "int32")),
      DTypeError,
      "einsum: expected float32, got int32",
    );
  });
});

test("a clone of strings is tfjs's own", () => {
  tf.tidy(() => {
    const x = tf.tensor1d(["a", "b"]);
    assert.equal(tf.clone(x).dataSync() as unknown as string[], ["a", "b"]);
  });
});

test.run();
