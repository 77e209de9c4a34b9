import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DTypeError, InputFormatError, ShapeError } from "../../src/errors.js";
import { decodeNpy, encodeNpy } from "../../src/io/npy.js";
import { throws } from "../support/throws.js";

/** A .npy file by hand: header as given, then the data. */
function npy(dict: string, data: Uint8Array, { version = 1, length = dict.length } = {}): Uint8Array {
  const size = version === 1 ? [length & 255, length >> 8] : [length & 255, length >> 8, 0, 0];
  return Uint8Array.from([
    ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0],
    ...size,
    ...new TextEncoder().encode(dict),
    ...data,
  ]);
}
const dict = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

test("the file is what numpy.save writes for the same array", () => {
  // python3 -c "import numpy as np; np.save('x.npy', np.array([[1, -2.5, 0.1]], 'float32'))"; base64 x.npy
  const numpys =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDMpLCB9ICAgICAgICAgICAgIC" +
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AAAgwM3MzD0=";
  const file = encodeNpy({ data: new Float32Array([1, -2.5, 0.1]), shape: [1, 3] });
  assert.equal(Buffer.from(file).toString("base64"), numpys);
});

test("the data begins at a multiple of 64 bytes, whatever the shape", () => {
  for (const shape of [[], [2], [1, 2], Array(20).fill(1)]) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const file = encodeNpy({ data, shape });
    assert.is((file.length - data.byteLength) % 64, 0);
    assert.equal(decodeNpy(file).shape, shape);
  }
});

test("int32 and bool arrays are written as such", () => {
  const ints = encodeNpy({ data: new Int32Array([-7, 2 ** 24]), shape: [2], dtype: "int32" });
  assert.match(
    new TextDecoder("latin1").decode(ints),
    "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }",
  );
  assert.equal([...decodeNpy(ints).data], [-7, 2 ** 24]);
  const bools = encodeNpy({ data: new Uint8Array([1, 0]), shape: [1, 2], dtype: "bool" });
  assert.match(new TextDecoder("latin1").decode(bools), "'descr': '|b1'");
  assert.equal(decodeNpy(bools), { data: new Float32Array([1, 0]), shape: [1, 2] });
});

test("decoding what was encoded gives the same bits and shape, also NaN, infinities, -0 and denormals", () => {
  const special = new Float32Array([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    1e-45,
    3.4e38,
  ]);
  const { data } = decodeNpy(encodeNpy(special));
  assert.equal(bytesOf(data), bytesOf(special));
  fc.assert(
    fc.property(fc.array(fc.nat(4), { maxLength: 4 }), fc.infiniteStream(fc.float()), (shape, values) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const array = Float32Array.from({ length: size }, () => values.next().value);
      const back = decodeNpy(encodeNpy({ data: array, shape }));
      assert.equal(bytesOf(back.data), bytesOf(array));
      assert.equal(back.shape, shape);
    }),
  );
});

test("all number types are read, and rounded to float32", () => {
  const cases: [string, ArrayBufferView, number[]][] = [
    ["<f4", new Float32Array([0.5, -1]), [0.5, -1]],
    ["<f8", new Float64Array([0.1, -1e300]), [Math.fround(0.1), Number.NEGATIVE_INFINITY]],
    ["|i1", new Int8Array([-128, 127]), [-128, 127]],
    ["<i2", new Int16Array([-32768, 1]), [-32768, 1]],
    ["<i4", new Int32Array([-5, 2 ** 24 + 1]), [-5, 2 ** 24]],
    ["<i8", new BigInt64Array([-5n, 7n]), [-5, 7]],
    ["|u1", new Uint8Array([0, 255]), [0, 255]],
    ["<u2", new Uint16Array([1, 65535]), [1, 65535]],
    ["<u4", new Uint32Array([1, 2 ** 31]), [1, 2 ** 31]],
    ["<u8", new BigUint64Array([1n, 2n ** 40n]), [1, 2 ** 40]],
    ["|b1", new Uint8Array([0, 1]), [0, 1]],
  ];
  for (const [descr, data, expected] of cases) {
    assert.equal([...decodeNpy(npy(dict(descr, "(2,)"), bytesOf(data))).data], expected, descr);
  }
});

test("big-endian files are read", () => {
  assert.equal([...decodeNpy(npy(dict(">i2", "(2,)"), new Uint8Array([1, 2, 0xff, 0xfe]))).data], [258, -2]);
  assert.equal([...decodeNpy(npy(dict(">f4", "(1,)"), new Uint8Array([0x3f, 0x80, 0, 0]))).data], [1]);
});

test("arrays in Fortran order are transposed to C order", () => {
  const data = new Uint8Array([0, 1, 2, 3, 4, 5]);
  const two = decodeNpy(npy(dict("|u1", "(2, 3)", "True"), data));
  assert.equal(two, { data: new Float32Array([0, 2, 4, 1, 3, 5]), shape: [2, 3] });
  // Element [i, j, k] of shape [2, 3, 4] stands at i + 2 j + 6 k.
  const three = decodeNpy(
    npy(
      dict("|u1", "(2, 3, 4)", "True"),
      Uint8Array.from({ length: 24 }, (_, i) => i),
    ),
  );
  const expected: number[] = [];
  for (let i = 0; i < 2; i++)
    for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) expected.push(i + 2 * j + 6 * k);
  assert.equal([...three.data], expected);
});

test("versions 2 and 3 of the format are read, a single number, and bytes at an odd place in memory", () => {
  assert.equal([...decodeNpy(npy(dict("|u1", "(1,)"), new Uint8Array([9]), { version: 2 })).data], [9]);
  assert.equal([...decodeNpy(npy(dict("|u1", "(1,)"), new Uint8Array([9]), { version: 3 })).data], [9]);
  assert.equal(decodeNpy(npy(dict("<f4", "()"), bytesOf(new Float32Array([3])))), {
    data: new Float32Array([3]),
    shape: [],
  });
  const odd = Uint8Array.from([0, ...encodeNpy(new Float32Array([1, 2]))]).subarray(1);
  assert.equal([...decodeNpy(odd).data], [1, 2]);
});

test("a file that is something else is refused with the bytes that it starts with", () => {
  throws(
    () => decodeNpy(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a])),
    InputFormatError,
    "decodeNpy: not a .npy file: expected the magic bytes \\x93NUMPY, got \\x89PNG\\x0d\\x0a",
  );
  throws(
    () => decodeNpy(new Uint8Array()),
    InputFormatError,
    "decodeNpy: not a .npy file: expected the magic bytes \\x93NUMPY, got an empty file",
  );
});

test("truncated files are refused with both sizes", () => {
  const file = encodeNpy({ data: new Float32Array(6), shape: [2, 3] });
  throws(
    () => decodeNpy(file.subarray(0, file.length - 1)),
    InputFormatError,
    "decodeNpy: the file is truncated: shape [2, 3] of '<f4' takes 24 bytes of data, got 23",
  );
  throws(
    () => decodeNpy(file.subarray(0, 100)),
    InputFormatError,
    "decodeNpy: the file is truncated: its header takes 128 bytes, the file has 100",
  );
  throws(
    () => decodeNpy(file.subarray(0, 7)),
    InputFormatError,
    /truncated: its header takes \d+ bytes, the file has 7/,
  );
});

test("a shape that no file could hold is refused without allocating it", () => {
  throws(
    () => decodeNpy(npy(dict("<f4", "(4000000000, 4000000000)"), new Uint8Array(4))),
    InputFormatError,
    /truncated: shape \[4000000000, 4000000000\] of '<f4' takes 64000000000000000000 bytes of data, got 4/,
  );
});

test("unknown versions, headers and element types are refused", () => {
  throws(
    () => decodeNpy(npy(dict("<f4", "(1,)"), new Uint8Array(4), { version: 9 })),
    InputFormatError,
    "decodeNpy: expected version 1, 2 or 3 of the format, got 9.0",
  );
  for (const descr of ["<c8", "<U3", "|O", "<f2", "f4"]) {
    throws(
      () => decodeNpy(npy(dict(descr, "(1,)"), new Uint8Array(8))),
      InputFormatError,
      "decodeNpy: expected elements of one of the types f4, f8, i1, i2, i4, i8, u1, u2, u4, u8, b1, " +
        `got '${descr}'`,
    );
  }
  throws(
    () =>
      decodeNpy(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", new Uint8Array(4))),
    InputFormatError,
    "decodeNpy: expected a header with the descr of one element type, fortran_order and shape, " +
      "got {'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
  );
  throws(
    () => decodeNpy(npy(dict("<f4", "(-1,)"), new Uint8Array(4))),
    InputFormatError,
    /expected a header/,
  );
});

test("what is no array is not encoded", () => {
  throws(
    () => encodeNpy({ data: new Float32Array(3), shape: [2] }),
    ShapeError,
    "encodeNpy: the array has shape [2], which is 2 elements, but 3 values",
  );
  throws(
    () => encodeNpy({ data: new Float32Array(2), shape: [2], dtype: "int32" }),
    DTypeError,
    /encodeNpy: the array says dtype int32 but its data is/,
  );
});

test.run();
