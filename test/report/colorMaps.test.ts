import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError } from "../../src/errors.js";
import { colorMap, colorMapInfo, colorMapNames, colorTable, TABLE_ZERO } from "../../src/report/colorMaps.js";
import { throws } from "../support/throws.js";

test("bwr runs from blue over white to red", () => {
  const at = colorMap("bwr");
  assert.equal([0, 0.25, 0.5, 0.75, 1].map(at), [
    [0, 0, 255],
    [128, 128, 255],
    [255, 255, 255],
    [255, 128, 128],
    [255, 0, 0],
  ]);
});

test("seismic has the five colours of matplotlib at 0, 0.25, 0.5, 0.75 and 1", () => {
  assert.equal([0, 0.25, 0.5, 0.75, 1].map(colorMap("seismic")), [
    [0, 0, 0x4c],
    [0, 0, 255],
    [255, 255, 255],
    [255, 0, 0],
    [0x7f, 0, 0],
  ]);
});

test("coldnhot runs from cyan over blue, black and red to yellow, as zennit's", () => {
  assert.equal([0, 0.25, 0.5, 0.75, 1].map(colorMap("coldnhot")), [
    [0, 255, 255],
    [0, 0, 255],
    [0, 0, 0],
    [255, 0, 0],
    [255, 255, 0],
  ]);
});

test("gray is linear from black to white", () => {
  assert.equal([0, 51 / 255, 1].map(colorMap("gray")), [
    [0, 0, 0],
    [51, 51, 51],
    [255, 255, 255],
  ]);
});

test("values outside of [0, 1] have the colour of the nearer end, NaN has none", () => {
  assert.equal([-1, Number.NEGATIVE_INFINITY, 2].map(colorMap("seismic")), [
    [0, 0, 0x4c],
    [0, 0, 0x4c],
    [0x7f, 0, 0],
  ]);
  throws(
    () => colorMap("bwr")(Number.NaN),
    ArgumentError,
    "colorMap: expected a number from 0 to 1, got NaN",
  );
});

test("a colour table has the middle of the map at entry 128, its ends at 1 and 255, and as many colours for both signs", () => {
  for (const name of colorMapNames) {
    const table = colorTable(name);
    const entry = (i: number) => [...table.subarray(i * 3, i * 3 + 3)];
    const at = colorMap(name);
    assert.is(table.length, 768);
    assert.equal(entry(TABLE_ZERO), at(0.5), name);
    assert.equal(entry(1), at(0), name);
    assert.equal(entry(0), entry(1), name);
    assert.equal(entry(255), at(1), name);
  }
  const bwr = colorTable("bwr");
  for (let i = 1; i <= 127; i++) {
    assert.is(bwr[(TABLE_ZERO + i) * 3 + 1], bwr[(TABLE_ZERO - i) * 3 + 1], `entries 128 ± ${i} are as pale`);
  }
});

test("an unknown colour map is refused with the names that there are", () => {
  const message =
    'colorMap: there is no colour map "jet"; there are bwr, seismic, gray, coldnhot, hot, cold, wred, wblue, france';
  throws(() => colorMap("jet" as "bwr"), ArgumentError, message);
  throws(() => colorTable("jet" as "bwr"), ArgumentError, message);
  throws(() => colorMapInfo("toString" as "bwr"), ArgumentError, /no colour map "toString"/);
});

test.run();
