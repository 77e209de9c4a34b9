import { test } from "uvu";
import * as assert from "uvu/assert";
import { InputFormatError } from "../../src/errors.js";
import { parseNestedArray } from "../../src/io/parseNestedArray.js";
import { throws } from "../support/throws.js";

test("nested lists become row-major float32 of their shape", () => {
  assert.equal(parseNestedArray("[[1, 2, 3], [4, 5, -0.1]]"), {
    data: new Float32Array([1, 2, 3, 4, 5, -0.1]),
    shape: [2, 3],
  });
  assert.equal(parseNestedArray("7"), { data: new Float32Array([7]), shape: [] });
  assert.equal(parseNestedArray("[[], []]"), { data: new Float32Array(), shape: [2, 0] });
});

test("lists of unequal lengths are refused with the place", () => {
  throws(
    () => parseNestedArray("[[1, 2], [3]]"),
    InputFormatError,
    "parseNestedArray: expected a list of 2, as at the first, at [1], got a list of 1",
  );
  throws(
    () => parseNestedArray("[[[1], [2]], [[3], 4]]"),
    InputFormatError,
    "parseNestedArray: expected a list of 1, as at the first, at [1, 1], got 4",
  );
});

test("what is not a number is refused with the place", () => {
  throws(
    () => parseNestedArray("[1, null]"),
    InputFormatError,
    "parseNestedArray: expected a number at [1], got null",
  );
  throws(
    () => parseNestedArray('["a"]'),
    InputFormatError,
    'parseNestedArray: expected a number at [0], got "a"',
  );
  throws(
    () => parseNestedArray("[1, [2]]"),
    InputFormatError,
    "parseNestedArray: expected a number at [1], got a list of 1",
  );
  throws(
    () => parseNestedArray('{"x": 1}'),
    InputFormatError,
    'parseNestedArray: expected a number at [], got {"x":1}',
  );
});

test("what is not JSON is refused with the parser's message", () => {
  throws(
    () => parseNestedArray("[1, NaN]"),
    InputFormatError,
    /^parseNestedArray: not JSON: Unexpected token/,
  );
});

test.run();
