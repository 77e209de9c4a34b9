import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type DType, type NdArray, TracelightError } from "../../src/core/index.js";
import { bytesOf, dot, randomArray } from "../support/arrays.js";
import { builds } from "../support/builds.js";
import { throws } from "../support/throws.js";

/** tf.image.extract_patches by its definition, one element at a time. */
function slowPatches(x: NdArray, [kh, kw]: Pair, [sh, sw]: Pair, [rh, rw]: Pair, padding: string): NdArray {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const axis = (size: number, k: number, s: number, r: number): [number, number] => {
    const span = (k - 1) * r + 1;
    if (padding === "valid") return [Math.max(0, Math.floor((size - span) / s) + 1), 0];
    const out = Math.ceil(size / s);
    return [out, Math.floor(Math.max(0, (out - 1) * s + span - size) / 2)];
  };
  const [oh, top] = axis(h, kh, sh, rh);
  const [ow, left] = axis(w, kw, sw, rw);
  const data: number[] = [];
  for (let b = 0; b < n; b++)
    for (let oy = 0; oy < oh; oy++)
      for (let ox = 0; ox < ow; ox++)
        for (let ky = 0; ky < kh; ky++)
          for (let kx = 0; kx < kw; kx++)
            for (let ch = 0; ch < c; ch++) {
              const y = oy * sh - top + ky * rh;
              const xx = ox * sw - left + kx * rw;
              const inside = y >= 0 && y < h && xx >= 0 && xx < w;
              data.push(inside ? (x.data[((b * h + y) * w + xx) * c + ch] as number) : 0);
            }
  const constructors = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return { data: constructors[x.dtype].from(data), shape: [n, oh, ow, kh * kw * c], dtype: x.dtype };
}

type Pair = [number, number];
const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const cases = fc.record({
  shape: fc.tuple(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 11 }),
    fc.integer({ min: 0, max: 11 }),
    fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 16, 33, 200),
  ),
  kernelShape: pair(1, 5),
  strides: pair(1, 4),
  rates: pair(1, 3),
  padding: fc.constantFrom("same", "valid"),
  dtype: fc.constantFrom<DType[]>("float32", "int32", "bool"),
  seed: fc.integer(),
});

type Case = Parameters<Parameters<typeof cases.filter>[0]>[0];

/** With valid, TensorFlow refuses a window whose number of steps comes to -1 or less. */
function fits({ shape, kernelShape, strides, rates, padding }: Case): boolean {
  return (
    padding === "same" ||
    [0, 1].every(
      (i) =>
        Math.trunc((shape[i + 1]! - (kernelShape[i]! - 1) * rates[i]! - 1 + strides[i]!) / strides[i]!) >= 0,
    )
  );
}

for (const { build, core } of builds) {
  test(`extractPatches gives the bits of tf.image.extract_patches for every shape, stride, rate, padding and dtype (${build})`, () => {
    fc.assert(
      fc.property(cases.filter(fits), ({ shape, dtype, seed, ...windows }) => {
        const x = randomArray(shape, dtype, seed);
        const want = slowPatches(x, windows.kernelShape, windows.strides, windows.rates, windows.padding);
        const got = core.extractPatches(x, windows);
        assert.equal(got.shape, want.shape);
        assert.is(got.dtype, dtype);
        assert.equal(bytesOf(got.data), bytesOf(want.data));
      }),
      { numRuns: 400 },
    );
  });

  test(`foldPatches is the adjoint of extractPatches: <patches(x), p> = <x, fold(p)>, exactly on multiples of 1/8 (${build})`, () => {
    fc.assert(
      fc.property(cases.filter(fits), ({ shape, seed, dtype: _, ...windows }) => {
        const x = randomArray(shape, "float32", seed);
        const patches = core.extractPatches(x, windows);
        const p = randomArray(patches.shape, "float32", seed + 1);
        const image = core.foldPatches(p, { imageShape: shape, ...windows });
        assert.equal(image.shape, shape);
        assert.is(dot(patches.data, p.data), dot(x.data, image.data));
      }),
      { numRuns: 400 },
    );
  });

  test(`extractPatches of NaN payloads, infinities, denormals and -0 keeps every bit (${build})`, () => {
    const bits = Uint32Array.of(
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
    const x = { data: new Float32Array(bits.buffer), shape: [1, 3, 3, 1] };
    const got = core.extractPatches(x, { kernelShape: [3, 3] });
    assert.equal(bytesOf(got.data), bytesOf(x.data));
  });

  test(`no byte around the output is written (${build})`, () => {
    for (const channels of [1, 3, 4, 5, 64]) {
      const options = { kernelShape: [3, 3] as Pair, padding: "SAME" };
      const x = randomArray([1, 6, 6, channels], "float32", channels);
      const want = core.extractPatches(x, options);
      core.scope(() => {
        const guards = [1, 2].map(() => core.array([64], "float32"));
        const before = core.array([64], "float32");
        const into = core.array(want.shape, "float32");
        const after = core.array([64], "float32");
        for (const guard of [...guards, before, after]) guard.data.fill(7);
        core.extractPatches(x, { ...options, into });
        assert.equal(into.data, want.data);
        for (const guard of [...guards, before, after]) assert.ok(guard.data.every((v) => v === 7));
      });
    }
  });
}

test("simd and scalar builds fold to the same bits, as both add in the order of the patches", () => {
  const x = randomArray([2, 9, 8, 5], "float32", 3);
  x.data.forEach((v, i) => {
    x.data[i] = v * Math.PI;
  });
  const windows = { kernelShape: [3, 3] as Pair, padding: "same" };
  const patches = builds[0]!.core.extractPatches(x, windows);
  const [simd, scalar] = builds.map(({ core }) =>
    core.foldPatches(patches, { imageShape: x.shape, ...windows }),
  );
  assert.equal(bytesOf(simd!.data), bytesOf(scalar!.data));
});

const { core } = builds[0]!;
const x = randomArray([1, 4, 4, 2], "float32", 1);

test("bad arguments of extractPatches are named before memory is touched", () => {
  const call = (input: unknown, options: object) => () =>
    core.extractPatches(input as Float32Array, { kernelShape: [3, 3], ...options });
  const cases: [() => unknown, string][] = [
    [call({ ...x, shape: [4, 4, 2] }, {}), "extractPatches: expected x to be [n, h, w, c], got [4, 4, 2]"],
    [
      call({ ...x, shape: [1, 4, 4, 3] }, {}),
      "extractPatches: x has shape [1, 4, 4, 3], which is 48 elements, but 32 values",
    ],
    [call({ ...x, shape: [8, 4] }, {}), "extractPatches: expected x to be [n, h, w, c], got [8, 4]"],
    [call({ ...x, dtype: "int32" }, {}), "extractPatches: x says dtype int32 but its data is Float32Array"],
    [
      call([1, 2, 3], {}),
      "extractPatches: expected x to be a Float32Array, Int32Array or Uint8Array, or an object with such data, got Array",
    ],
    [
      call(x, { kernelShape: [3] }),
      "extractPatches: expected kernelShape to be two whole numbers from 1, got [3]",
    ],
    [
      call(x, { strides: [0, 1] }),
      "extractPatches: expected strides to be two whole numbers from 1, got [0, 1]",
    ],
    [
      call(x, { rates: [1.5, 1] }),
      "extractPatches: expected rates to be two whole numbers from 1, got [1.5, 1]",
    ],
    [call(x, { padding: "reflect" }), 'extractPatches: expected padding "same" or "valid", got "reflect"'],
    [
      call(x, { kernelShape: [6, 3] }),
      "extractPatches: a window of [6, 3] at rates [1, 1] does not fit into the image [4, 4]",
    ],
    [
      call(x, { into: randomArray([1, 2, 2, 9], "float32", 1) }),
      "extractPatches: expected into to have shape [1, 2, 2, 18], got [1, 2, 2, 9]",
    ],
    [
      call(x, { into: randomArray([1, 2, 2, 18], "int32", 1) }),
      "extractPatches: expected into to be float32, got int32",
    ],
  ];
  for (const [run, message] of cases) throws(run, TracelightError, message);
  assert.equal(core.memory().numArrays, 0);
  assert.equal(core.extractPatches(x, { kernelShape: [4, 4] }).data, x.data);
});

test("foldPatches names the patches that it expected", () => {
  assert.throws(
    () =>
      core.foldPatches(randomArray([1, 2, 2, 9], "float32", 1), {
        imageShape: [1, 4, 4, 2],
        kernelShape: [3, 3],
      }),
    "foldPatches: expected patches of shape [1, 2, 2, 18] for an image of [1, 4, 4, 2], got [1, 2, 2, 9]",
  );
});

test.run();
