import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatMs, formatNumber, formatProbability } from "../../src/report/numbers.js";

test("probabilities are percents of two digits, and only 0 and 1 look like 0 and 1", () => {
  assert.equal([0, 1e-6, 0.00005, 0.12345, 0.9999, 0.99999, 1].map(formatProbability), [
    "0.00 %",
    "< 0.01 %",
    "0.01 %",
    "12.35 %",
    "99.99 %",
    "> 99.99 %",
    "100.00 %",
  ]);
});

test("numbers have three digits, an exponent where they are small or large, and a true minus sign", () => {
  assert.equal(
    [0, -0, 1, -0.5, 12.345, -0.00012345, 9999.9, 123456, Number.NaN, Number.NEGATIVE_INFINITY].map(
      formatNumber,
    ),
    ["0", "0", "1", "−0.5", "12.3", "−1.23e−4", "10000", "1.23e+5", "NaN", "−Infinity"],
  );
});

test("milliseconds have the more digits the fewer they are", () => {
  assert.equal([0.4216, 12.345, 123.4, 1234.5].map(formatMs), ["0.42 ms", "12.3 ms", "123 ms", "1,235 ms"]);
});

test.run();
