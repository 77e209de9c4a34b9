import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, NonFiniteError, ShapeError } from "../../src/errors.js";
import { colorMap } from "../../src/report/colorMaps.js";
import { heatmap } from "../../src/report/heatmap.js";
import type { RasterImage } from "../../src/report/rasterImage.js";
import { throws } from "../support/throws.js";

const sample = (values: number[], shape: number[]) => ({ data: new Float32Array(values), shape });
const colors = ({ pixels, width, height }: RasterImage) =>
  Array.from({ length: width * height }, (_, i) => [...pixels.subarray(i * 4, i * 4 + 4)]);
const [BLUE, WHITE, RED] = [
  [0, 0, 255, 255],
  [255, 255, 255, 255],
  [255, 0, 0, 255],
];

test("the largest magnitude is pure red or pure blue, zero is white", () => {
  assert.equal(colors(heatmap(sample([-2, 0, 2], [1, 3]))), [BLUE, WHITE, RED]);
});

test("the range is symmetric: a smaller magnitude of the other sign does not reach its end", () => {
  const { pixels, maxAbs } = heatmap(sample([4, -1, 0, 2], [2, 2, 1]));
  assert.is(maxAbs, 4);
  assert.equal([...pixels.subarray(0, 3)], [255, 0, 0]);
  // Entries 128 - round(127 / 4) and 128 + round(127 / 2) of the table.
  assert.equal([...pixels.subarray(4, 7)], [...colorMap("bwr")(95 / 254)]);
  assert.equal([...pixels.subarray(12, 15)], [...colorMap("bwr")(191 / 254)]);
});

test("pixels go row by row: shape [h, w] gives height h and width w", () => {
  const image = heatmap(sample([1, 0, 0, 0, 0, -1], [2, 3]));
  assert.is(image.width, 3);
  assert.is(image.height, 2);
  assert.equal(colors(image), [RED, WHITE, WHITE, WHITE, WHITE, BLUE]);
});

test("channels are summed, or with reduce maxAbs the one of largest magnitude counts with its sign", () => {
  const relevance = sample([1, -5, 0, 2, 2, 2], [1, 2, 3]);
  const sum = heatmap(relevance);
  assert.is(sum.maxAbs, 6);
  assert.equal(colors(sum)[1], RED);
  assert.equal(colors(sum)[0]?.slice(0, 3), [...colorMap("bwr")((127 - 85) / 254)]);
  const maxAbs = heatmap(relevance, { reduce: "maxAbs" });
  assert.is(maxAbs.maxAbs, 5);
  assert.equal(colors(maxAbs)[0], BLUE);
});

test("relevance that is zero everywhere is white everywhere", () => {
  const image = heatmap(sample([0, -0, 0, 0], [2, 2]));
  assert.is(image.maxAbs, 0);
  assert.equal(colors(image), [WHITE, WHITE, WHITE, WHITE]);
});

test("denormal and huge relevance is drawn like any other", () => {
  assert.equal(colors(heatmap(sample([1e-45, 0, -1e-45], [1, 3]))), [RED, WHITE, BLUE]);
  assert.equal(colors(heatmap(sample([3e38, 3e38, 0, 0, -3e38, -3e38], [1, 3, 2]))), [RED, WHITE, BLUE]);
});

test("the other colour maps have their own middle", () => {
  const image = heatmap(sample([-1, 0, 1], [1, 3]), { colorMap: "coldnhot" });
  assert.equal(colors(image), [
    [0, 255, 255, 255],
    [0, 0, 0, 255],
    [255, 255, 0, 255],
  ]);
});

test("NaN and infinities are refused with position, value and number", () => {
  try {
    heatmap(sample([1, 2, 3, Number.NaN, 5, Number.POSITIVE_INFINITY], [1, 3, 2]));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, NonFiniteError);
    const { message, position, value, count } = error as NonFiniteError;
    assert.is(
      message,
      "heatmap: expected finite relevance, got 2 of 6 values that are not; the first is NaN at [0, 1, 1]",
    );
    assert.equal([position, value, count], [3, Number.NaN, 2]);
  }
});

test("shapes that are no picture are refused, and data of another size", () => {
  const expected = "heatmap: expected the relevance of one sample, of shape [h, w, c] or [h, w], got shape";
  throws(() => heatmap(sample([1, 2], [1, 1, 2, 1])), ShapeError, `${expected} [1, 1, 2, 1]`);
  throws(() => heatmap(sample([1, 2], [2])), ShapeError, `${expected} [2]`);
  throws(() => heatmap(sample([], [0, 2])), ShapeError, `${expected} [0, 2]`);
  throws(() => heatmap(sample([1], [1, 1.5])), ShapeError, `${expected} [1, 1.5]`);
  throws(
    () => heatmap(sample([1, 2, 3], [2, 2])),
    ShapeError,
    "heatmap: relevance of shape [2, 2] takes 4 values, got 3",
  );
});

test("options that there are not are refused", () => {
  throws(
    () => heatmap(sample([1], [1, 1]), { reduce: "mean" as "sum" }),
    ArgumentError,
    'heatmap: expected reduce to be "sum" or "maxAbs", got "mean"',
  );
  throws(
    () => heatmap(sample([1], [1, 1]), { colorMap: "jet" as "bwr" }),
    ArgumentError,
    /no colour map "jet"/,
  );
});

test.run();
