import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError, NonFiniteError, ShapeError } from "../../src/errors.js";
import { svgToPng } from "../../src/io/node/index.js";
import { seriesSvg, tokensHtml, tokensSvg } from "../../src/report/index.js";
import { throws } from "../support/throws.js";

const sample = (values: number[], shape: number[]) => ({ data: Float32Array.from(values), shape });
const count = (text: string, what: RegExp) => [...text.matchAll(what)].length;

test("a series has a lane a channel, a line from step to step, and a band where there is relevance", async () => {
  const signal = sample([0, 5, 1, 5, 2, 5, 1, 5], [4, 2]);
  const relevance = sample([1, 0, -1, 0, 0, 0, 0, 0], [4, 2]);
  const svg = seriesSvg(signal, relevance, { title: "a < b", channelNames: ["I", "II"] });
  assert.is(count(svg, /<line /g), 6);
  assert.is(count(svg, /fill="#f9fafb"/g), 2);
  assert.is(count(svg, /opacity=/g), 2);
  // What speaks for it is red, against it blue, and a line without relevance gray.
  assert.match(svg, /fill="rgb\(255,0,0\)"/);
  assert.match(svg, /fill="rgb\(0,0,255\)"/);
  assert.match(svg, /stroke="rgb\(156,156,156\)"/);
  assert.match(svg, />a &lt; b</);
  const png = await svgToPng(svg);
  assert.equal([...png.subarray(1, 4)], [0x50, 0x4e, 0x47]);
});

test("a series of one step, of one channel, and of no relevance is drawn too", () => {
  assert.match(seriesSvg(sample([1], [1]), sample([1], [1])), /<circle/);
  const svg = seriesSvg(sample([1, 2, 3], [3]), sample([0, 0, 0], [3]));
  assert.is(count(svg, /<line /g), 2);
  assert.is(count(svg, /opacity=/g), 0);
});

test("a series refuses what does not fit", () => {
  const one = sample([1, 2], [2, 1]);
  throws(
    () => seriesSvg(one, sample([1], [1, 1])),
    ShapeError,
    "seriesSvg: expected relevance of the signal's shape [2, 1], got [1, 1]",
  );
  throws(
    () => seriesSvg(sample([1], [1, 1, 1]), one),
    ShapeError,
    "seriesSvg: expected the signal of one sample, of shape [steps, channels] or [steps], got shape [1, 1, 1]",
  );
  throws(
    () => seriesSvg(one, one, { channelNames: ["a", "b"] }),
    ArgumentError,
    "seriesSvg: expected 1 channelNames, got 2",
  );
  throws(
    () => seriesSvg(one, sample([1, Number.NaN], [2, 1])),
    NonFiniteError,
    "seriesSvg: expected finite relevance, got 1 of 2 values that are not; the first is NaN at [1, 0]",
  );
});

test("tokens stand on the colour of their relevance, escaped, with the number as tooltip; features are summed", async () => {
  const relevance = sample([-1, 0, 0.5, 0.5, 0, 0], [3, 2]);
  const html = tokensHtml(["<b>", "good", "the"], relevance);
  assert.match(html, /background:rgb\(0,0,255\);color:#ffffff[^>]*title="-1.00">&lt;b&gt;</);
  assert.match(html, /background:rgb\(255,0,0\)[^>]*title="1.00">good</);
  assert.match(html, /background:rgb\(255,255,255\);color:#111827[^>]*>the</);
  const svg = tokensSvg(["<b>", "good", "the"], relevance, { title: "A review", width: 120 });
  // Too narrow for one line.
  assert.ok(new Set([...svg.matchAll(/<rect x="[\d.]+" y="([\d.]+)"/g)].map((m) => m[1])).size > 1);
  assert.equal([...(await svgToPng(svg)).subarray(1, 4)], [0x50, 0x4e, 0x47]);
});

test("tokens refuse another number of steps", () => {
  throws(
    () => tokensHtml(["a"], sample([1, 2], [2])),
    ShapeError,
    "tokensHtml: expected relevance of shape [1] or [1, features] for 1 tokens, got [2]",
  );
});

test.run();
