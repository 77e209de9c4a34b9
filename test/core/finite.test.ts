import { test } from "uvu";
import * as assert from "uvu/assert";
import { DTypeError } from "../../src/core/index.js";
import { builds } from "../support/builds.js";
import { throws } from "../support/throws.js";

/** Finite: zeros, denormals, the extremes. Not: infinities, quiet and signalling NaN of both signs with payloads. */
const FINITE = [0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x3f800000];
const NOT_FINITE = [
  0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffbfffff, 0x7fffffff, 0xffffffff,
];

for (const { build, core } of builds) {
  test(`isFinite and isNotFinite are exact for NaN of every payload, infinities, zeros, denormals and extremes (${build})`, () => {
    for (let length = 0; length < 40; length++) {
      const bits = new Uint32Array(length);
      const all = [...FINITE, ...NOT_FINITE];
      for (let i = 0; i < length; i++) bits[i] = all[(i * 7 + length) % all.length]!;
      const x = new Float32Array(bits.buffer);
      const want = [...bits].map((b) => (NOT_FINITE.includes(b) ? 0 : 1));
      assert.equal([...core.isFinite(x).data], want);
      assert.equal(
        [...core.isNotFinite(x).data],
        want.map((v) => 1 - v),
      );
      assert.is(core.firstNonFinite(x), want.indexOf(0));
      assert.is(core.countNonFinite(x), want.filter((v) => v === 0).length);
    }
  });

  test(`firstNonFinite finds one bad element wherever it stands (${build})`, () => {
    const x = new Float32Array(100);
    for (let i = 0; i < x.length; i++) {
      x.fill(1);
      x[i] = Number.NaN;
      assert.is(core.firstNonFinite(x), i);
      assert.is(core.countNonFinite(x), 1);
    }
  });

  test(`shapes are kept, of scalars and empty arrays too; int32 and bool are refused, as by TensorFlow (${build})`, () => {
    assert.equal(core.isFinite({ data: new Float32Array(1), shape: [] }).shape, []);
    assert.equal(core.isFinite({ data: new Float32Array(0), shape: [2, 0, 3] }).shape, [2, 0, 3]);
    throws(
      () => core.isFinite(Int32Array.of(1)),
      DTypeError,
      "isFinite: expected x to be float32, got int32",
    );
    throws(
      () => core.isNotFinite(Uint8Array.of(1)),
      DTypeError,
      "isNotFinite: expected x to be float32, got bool",
    );
    throws(
      () => core.firstNonFinite(Int32Array.of(1)),
      DTypeError,
      "firstNonFinite: expected x to be float32, got int32",
    );
    throws(
      () => core.countNonFinite(Int32Array.of(1)),
      DTypeError,
      "countNonFinite: expected x to be float32, got int32",
    );
  });
}

test.run();
