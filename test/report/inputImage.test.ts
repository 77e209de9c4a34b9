import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, NonFiniteError, ShapeError } from "../../src/errors.js";
import { inputImage } from "../../src/report/inputImage.js";
import { throws } from "../support/throws.js";

const sample = (values: number[], shape: number[]) => ({ data: new Float32Array(values), shape });

test("one channel is drawn in gray, from the smallest value as black to the largest as white", () => {
  const { width, height, pixels } = inputImage(sample([-1, 0, 1, 0.5], [2, 2, 1]));
  assert.equal([width, height], [2, 2]);
  assert.equal([...pixels], [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 191, 191, 191, 255]);
  assert.equal(inputImage(sample([-1, 0, 1, 0.5], [2, 2])).pixels, pixels);
});

test("three channels are drawn in colour, on one scale", () => {
  const { width, pixels } = inputImage(sample([0, 1, 0, 0.2, 0.4, 0.6], [1, 2, 3]));
  assert.is(width, 2);
  assert.equal([...pixels], [0, 255, 0, 255, 51, 102, 153, 255]);
});

test("with a range its ends are black and white, and values outside are clipped", () => {
  const { pixels } = inputImage(sample([-3, 0, 0.5, 9], [1, 4]), { range: [0, 1] });
  assert.equal(
    [0, 4, 8, 12].map((i) => pixels[i]),
    [0, 0, 128, 255],
  );
});

test("a sample of one value everywhere is black", () => {
  assert.equal([...inputImage(sample([7, 7], [1, 2])).pixels], [0, 0, 0, 255, 0, 0, 0, 255]);
});

test("other numbers of channels, shapes, values and ranges are refused", () => {
  throws(
    () => inputImage(sample([1, 2], [1, 1, 2])),
    ShapeError,
    "inputImage: expected 1 or 3 channels, got 2",
  );
  throws(
    () => inputImage(sample([1, 2], [1, 2, 1, 1])),
    ShapeError,
    "inputImage: expected the input of one sample, of shape [h, w, c] or [h, w], got shape [1, 2, 1, 1]",
  );
  throws(
    () => inputImage(sample([1, Number.NEGATIVE_INFINITY], [1, 2])),
    NonFiniteError,
    "inputImage: expected finite input, got 1 of 2 values that are not; the first is -Infinity at [0, 1]",
  );
  throws(
    () => inputImage(sample([1], [1, 1]), { range: [1, 1] }),
    ArgumentError,
    "inputImage: expected a range [lo, hi] with lo < hi, got [1, 1]",
  );
});

test.run();
