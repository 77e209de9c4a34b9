import { test } from "uvu";
import * as assert from "uvu/assert";
import { InputFormatError } from "../../src/errors.js";
import { parseCsv } from "../../src/io/parseCsv.js";
import { throws } from "../support/throws.js";

const parsed = (text: string) => {
  const { data, shape } = parseCsv(text);
  return { values: [...data], shape };
};

test("values stand between commas, semicolons or tabs, a row a line, with any line ends, quoted or not", () => {
  const table = { values: [1, -2.5, 300, 0.25], shape: [2, 2] };
  for (const text of [
    "1,-2.5\n3e2,.25",
    "1;-2.5\r\n3E+2;.25\r\n",
    ' 1\t-2.5\r\r"300"\t 0.25',
    "\uFEFF1,-2.5\n\n300,+.25\n",
  ])
    assert.equal(parsed(text), table);
});

test("a first line of names is left out, and only that", () => {
  assert.equal(parsed("time,volt\n0,1"), { values: [0, 1], shape: [1, 2] });
  throws(
    () => parseCsv("time,1\n0,1"),
    InputFormatError,
    'parseCsv: expected a number in line 1, column 1, got "time"',
  );
  throws(
    () => parseCsv("a,b\nc,d\n0,1"),
    InputFormatError,
    'parseCsv: expected a number in line 2, column 1, got "c"',
  );
});

test("NaN and infinities are read as numpy writes them", () => {
  assert.equal(parsed("nan,inf,-inf"), {
    values: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    shape: [1, 3],
  });
});

test("rows of unequal lengths, empty values, words and empty files are errors that say where", () => {
  for (const [text, message] of [
    ["1,2\n\n3", "parseCsv: expected 2 values a line, as in line 1, got 1 in line 3"],
    ["1,2\n3,", 'parseCsv: expected a number in line 2, column 2, got ""'],
    ["1,2\n3,0x10", 'parseCsv: expected a number in line 2, column 2, got "0x10"'],
    ["", "parseCsv: expected rows of numbers, got none"],
    ["a,b\n", "parseCsv: expected rows of numbers, got none"],
  ] as const)
    throws(() => parseCsv(text), InputFormatError, message);
});

test.run();
