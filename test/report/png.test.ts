import { decode } from "fast-png";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError } from "../../src/errors.js";
import { heatmap } from "../../src/report/heatmap.js";
import { encodePng, enlarge, pngDataUri } from "../../src/report/png.js";
import { throws } from "../support/throws.js";

const image = heatmap({ data: new Float32Array([-1, 0, 1, 0.5, -0.5, 0]), shape: [2, 3] });

test("a PNG has the picture's pixels: the largest relevance pure red, the smallest pure blue, zero white", () => {
  const { width, height, channels, depth, data } = decode(encodePng(image));
  assert.equal([width, height, channels, depth], [3, 2, 4, 8]);
  assert.equal([...data], [...image.pixels]);
  assert.equal([...data.subarray(0, 12)], [0, 0, 255, 255, 255, 255, 255, 255, 255, 0, 0, 255]);
});

test("enlarging draws each pixel as factor x factor equal ones", () => {
  const large = enlarge(image, 3);
  assert.equal([large.width, large.height, large.pixels.length], [9, 6, 216]);
  for (let y = 0; y < 6; y++) {
    for (let x = 0; x < 9; x++) {
      const from = (Math.floor(y / 3) * 3 + Math.floor(x / 3)) * 4;
      const to = (y * 9 + x) * 4;
      assert.equal([...large.pixels.subarray(to, to + 4)], [...image.pixels.subarray(from, from + 4)]);
    }
  }
  assert.equal(enlarge(image, 1).pixels, image.pixels);
});

test("enlarging leaves the picture alone, and works on a part of a larger buffer", () => {
  const pixels = new Uint8ClampedArray([9, 1, 2, 3, 4]).subarray(1);
  const large = enlarge({ width: 1, height: 1, pixels }, 2);
  assert.equal([...large.pixels], [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  large.pixels.fill(0);
  assert.equal([...pixels], [1, 2, 3, 4]);
});

test("a data URI holds the PNG in base64, however large it is", () => {
  const large = enlarge(image, 100);
  let state = 1;
  for (let i = 0; i < large.pixels.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0; // Noise, which does not compress.
    large.pixels[i] = (state >>> 20) & 255;
  }
  const uri = pngDataUri(large);
  assert.ok(uri.startsWith("data:image/png;base64,"));
  assert.ok(uri.length > 8192 * 3);
  assert.equal(Buffer.from(uri.slice(22), "base64"), Buffer.from(encodePng(large)));
});

test("pictures without the bytes that their size takes are refused, and factors that are not whole", () => {
  const broken = { width: 2, height: 2, pixels: new Uint8ClampedArray(12) };
  throws(() => encodePng(broken), ArgumentError, "encodePng: a picture of 2 x 2 takes 16 bytes, got 12");
  throws(() => enlarge(broken, 2), ArgumentError, "enlarge: a picture of 2 x 2 takes 16 bytes, got 12");
  throws(
    () => encodePng({ width: 0, height: 2, pixels: new Uint8ClampedArray(0) }),
    ArgumentError,
    "encodePng: expected a whole width and height from 1, got 0 x 2",
  );
  throws(
    () => enlarge(image, 1.5),
    ArgumentError,
    "enlarge: expected factor to be a whole number from 1, got 1.5",
  );
  throws(
    () => enlarge(image, 0),
    ArgumentError,
    "enlarge: expected factor to be a whole number from 1, got 0",
  );
});

test.run();
