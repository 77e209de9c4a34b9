import { test } from "uvu";
import * as assert from "uvu/assert";
import { textWidth, wrapText } from "../../src/report/textLayout.js";

const wrap = (text: string, width: number, maxLines = 9) => wrapText(text, { width, fontSize: 10, maxLines });

test("the width of text grows with its letters and the font size", () => {
  assert.is(textWidth("", 10), 0);
  assert.ok(textWidth("iii", 10) < textWidth("mmm", 10));
  assert.is(textWidth("abc", 20), 2 * textWidth("abc", 10));
  assert.is(textWidth("漢字", 10), 20);
});

test("text is broken after spaces, and in names after dots, dashes and low lines", () => {
  assert.equal(wrap("golden retriever, English setter", 95), ["golden retriever,", "English setter"]);
  assert.equal(wrap("lrp.sequential_preset_a_flat", 80), ["lrp.sequential_", "preset_a_flat"]);
  assert.equal(wrap("short", 80), ["short"]);
  assert.equal(wrap("  ", 80), []);
});

test("numbers are not broken at their point", () => {
  assert.equal(wrap("completeness gap −1.25e−7", 105), ["completeness gap", "−1.25e−7"]);
});

test("a word that is too wide is broken anywhere, and no line is wider than asked", () => {
  const lines = wrap("ThisIsOneVeryLongClassNameWithoutAnyBreak and more", 60);
  assert.ok(lines.length > 3);
  assert.is(lines.join("").replaceAll(" ", ""), "ThisIsOneVeryLongClassNameWithoutAnyBreakandmore");
  for (const line of lines) assert.ok(textWidth(line, 10) <= 60, line);
});

test("what is left after the last line is cut off with an ellipsis that fits", () => {
  const lines = wrap("one two three four five six seven", 50, 2);
  assert.equal(lines, ["one two", "three fo…"]);
  for (const line of lines) assert.ok(textWidth(line, 10) <= 50, line);
});

test("a width that fits nothing still gives a character a line", () => {
  assert.equal(wrap("abc", 0), ["a", "b", "c"]);
});

test.run();
