import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError } from "../../src/errors.js";
import { heatmap, imageGrid, overlay, type RasterImage } from "../../src/report/index.js";
import { throws } from "../support/throws.js";

const sample = (values: number[]) => ({ data: Float32Array.from(values), shape: [1, values.length] });
const colors = ({ pixels }: RasterImage) =>
  Array.from({ length: pixels.length / 4 }, (_, i) => [...pixels.subarray(i * 4, i * 4 + 4)]);
const plain = (width: number, height: number, color: number[]): RasterImage => ({
  width,
  height,
  pixels: Uint8ClampedArray.from(Array.from({ length: width * height }, () => color).flat()),
});

test("a percentile clips outliers, so that the rest has its colours", () => {
  const values = [100, 1, -1, 0, 0.5];
  // Magnitudes 0, 0.5, 1, 1, 100: the 75th percentile is 1.
  const { maxAbs, pixels } = heatmap(sample(values), { percentile: 75 });
  assert.is(maxAbs, 1);
  assert.equal([...pixels.subarray(0, 3)], [255, 0, 0]);
  assert.equal([...pixels.subarray(4, 7)], [255, 0, 0]);
  assert.equal([...pixels.subarray(8, 11)], [0, 0, 255]);
  // Between two values linearly: 0.9 of the way from the 4th to the 5th.
  assert.ok(Math.abs(heatmap(sample(values), { percentile: 97.5 }).maxAbs - 90.1) < 1e-4);
});

test("gamma draws small relevance stronger and keeps signs, zero and the largest", () => {
  const values = [1, 0.25, 0, -0.25, -1];
  const flat = heatmap(sample(values));
  const lifted = heatmap(sample(values), { gamma: 0.5 });
  assert.is(lifted.maxAbs, 1);
  // (1/4)^(1/2) = 1/2.
  assert.equal(colors(lifted)[1], colors(heatmap(sample([1, 0.5])))[1]);
  assert.equal(colors(lifted)[3], colors(heatmap(sample([1, -0.5])))[1]);
  assert.equal(
    [0, 2, 4].map((i) => colors(lifted)[i]),
    [0, 2, 4].map((i) => colors(flat)[i]),
  );
  assert.is(heatmap(sample([0, 0]), { gamma: 0.5, percentile: 50 }).maxAbs, 0);
});

test("contrast that is none is refused", () => {
  throws(
    () => heatmap(sample([1]), { percentile: 101 }),
    ArgumentError,
    "heatmap: expected a percentile from 0 to 100, got 101",
  );
  throws(() => heatmap(sample([1]), { gamma: 0 }), ArgumentError, "heatmap: expected a gamma above 0, got 0");
});

test("an overlay is alpha heatmap and the rest picture, stretched to the picture", () => {
  const black = plain(4, 2, [0, 0, 0, 255]);
  const over = overlay(black, plain(2, 1, [200, 100, 50, 255]), { alpha: 0.25 });
  assert.equal([over.width, over.height], [4, 2]);
  assert.ok(colors(over).every((c) => String(c) === "50,25,13,255" || String(c) === "50,25,12,255"));
  // Smooth: from the middle of one pixel to the middle of the next.
  const halves: RasterImage = {
    width: 2,
    height: 1,
    pixels: Uint8ClampedArray.of(0, 0, 0, 255, 240, 240, 240, 255),
  };
  assert.equal(
    colors(overlay(plain(4, 1, [0, 0, 0, 255]), halves, { alpha: 1 })).map(([r]) => r),
    [0, 60, 180, 240],
  );
  assert.equal(colors(overlay(black, halves, { alpha: 0 })), colors(black));
  throws(
    () => overlay(black, halves, { alpha: 2 }),
    ArgumentError,
    "overlay: expected alpha from 0 to 1, got 2",
  );
});

test("a grid lays pictures row by row, transparent between them and at the end", () => {
  const reds = Array.from({ length: 3 }, (_, i) => plain(2, 1, [i, 0, 0, 255]));
  const grid = imageGrid(reds, { columns: 2, gap: 1 });
  assert.equal([grid.width, grid.height], [5, 3]);
  const shown = colors(grid).map(([r, , , a]) => (a === 0 ? null : r));
  assert.equal(shown, [0, 0, null, 1, 1, null, null, null, null, null, 2, 2, null, null, null]);
  assert.equal([imageGrid(reds.slice(0, 1)).width, imageGrid(reds).width], [2, 6]);
  throws(
    () => imageGrid([...reds, plain(1, 1, [0, 0, 0, 0])]),
    ArgumentError,
    "imageGrid: expected pictures of 2 x 1, as the first has, got 1 x 1 at 3",
  );
});

test.run();
