import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError } from "../../src/errors.js";
import { seriesSvg, stackSvg } from "../../src/report/index.js";
import { throws } from "../support/throws.js";

const page = (width: number, laneHeight: number) =>
  seriesSvg(
    { data: Float32Array.of(1, 2), shape: [2] },
    { data: Float32Array.of(0, 1), shape: [2] },
    { width, laneHeight },
  );

test("pages stand below each other, each where the one before ends, in one as wide as the widest", () => {
  const svg = stackSvg([page(300, 40), page(400, 60)]);
  const sizes = [...svg.matchAll(/<svg (?:y="(\d+)" )?xmlns="[^"]+" width="(\d+)" height="(\d+)"/g)].map(
    (m) => m.slice(1).map((n) => (n === undefined ? null : Number(n))),
  );
  assert.equal(sizes, [
    [null, 400, 88 + 108],
    [0, 300, 88],
    [88, 400, 108],
  ]);
});

test("the title stands on top and notes at the bottom, both escaped", () => {
  const svg = stackSvg([page(300, 40)], "a < b", ["left out: x & y"]);
  const places = ["a &lt; b</text>", '<svg y="', "left out: x &amp; y</text>"].map((text) =>
    svg.indexOf(text),
  );
  assert.ok(places.every((place) => place > 0));
  assert.equal(
    [...places].sort((a, b) => a - b),
    places,
  );
});

test("no pages, and what has no size, are errors", () => {
  throws(() => stackSvg([]), ArgumentError, "stackSvg: expected at least one SVG, got none");
  throws(
    () => stackSvg([page(300, 40), "<p>"]),
    ArgumentError,
    'stackSvg: expected an SVG with width and height in pixels at 1, got "<p>"',
  );
});

test.run();
