import { decode } from "fast-png";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError } from "../../src/errors.js";
import { svgToPng } from "../../src/io/node/svgToPng.js";
import { heatmap } from "../../src/report/heatmap.js";
import { inputImage } from "../../src/report/inputImage.js";
import { type Sheet, sheetSvg } from "../../src/report/sheet.js";
import { throws } from "../support/throws.js";

const relevance = { data: new Float32Array([1, -1, 0, 1]), shape: [2, 2, 1] };
const sheet: Sheet = {
  title: "Digits",
  columns: ["input", "lrp.epsilon"],
  rows: [
    {
      label: "Sample 1",
      sublabel: "7 (99.5 %)",
      cells: [{ image: inputImage(relevance) }, { image: heatmap(relevance), caption: "gap 2e−7" }],
    },
    { label: "Sample 2", cells: [{ image: inputImage(relevance) }, { image: heatmap(relevance) }] },
  ],
};

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
const images = (svg: string) =>
  [
    ...svg.matchAll(
      /<image x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*href="([^"]*)"/g,
    ),
  ].map(([, x, y, width, height, href = ""]) => ({
    box: [x, y, width, height].map(Number),
    png: decode(Buffer.from(href.slice("data:image/png;base64,".length), "base64")),
  }));

test("a sheet has title, column headings, row labels, captions and a legend", () => {
  assert.equal(texts(sheetSvg(sheet)), [
    "Digits",
    "input",
    "lrp.epsilon",
    "Sample 1",
    "7 (99.5 %)",
    "gap 2e−7",
    "Sample 2",
    "negative",
    "0",
    "positive",
  ]);
  assert.not.match(sheetSvg({ ...sheet, legend: null }), "negative");
});

test("each cell's picture lies in its row and column, enlarged by a whole factor", () => {
  const found = images(sheetSvg({ ...sheet, cellSize: 100 }));
  const [first, second, third] = found;
  assert.is(found.length, 4);
  assert.equal(first?.box.slice(2), [100, 100]);
  assert.is(first?.box[1], second?.box[1]);
  assert.is(first?.box[0], third?.box[0]);
  assert.is((second?.box[0] as number) - (first?.box[0] as number), 120);
  assert.ok((third?.box[1] as number) > (first?.box[1] as number) + 100);
  // Two pixels a side to 100 units at twice the density.
  assert.equal([second?.png.width, second?.png.height], [200, 200]);
  const pixel = (x: number, y: number) => [
    ...(second?.png.data ?? []).slice((y * 200 + x) * 4, (y * 200 + x) * 4 + 3),
  ];
  assert.equal(pixel(99, 99), [255, 0, 0]);
  assert.equal(pixel(100, 99), [0, 0, 255]);
  assert.equal(pixel(99, 100), [255, 255, 255]);
});

test("pictures that are not square keep their aspect", () => {
  const wide = heatmap({ data: new Float32Array(8).fill(1), shape: [2, 4] });
  const svg = sheetSvg({ columns: ["a"], rows: [{ label: "", cells: [{ image: wide }] }], cellSize: 64 });
  assert.equal(images(svg)[0]?.box.slice(2), [64, 32]);
});

test("all text is escaped", () => {
  const evil = `<script>"&'`;
  const svg = sheetSvg({
    title: evil,
    columns: [evil],
    rows: [{ label: evil, sublabel: evil, cells: [{ image: heatmap(relevance), caption: evil }] }],
  });
  assert.not.match(svg, "<script");
  assert.is(
    svg.split("&lt;script&gt;&quot;&amp;&#39;").length - 1,
    8,
    "title and its label, heading, label, sublabel, caption, and both in the picture's title",
  );
});

test("rendered, the cells have the colours of the heatmap with sharp pixels, on white, and the legend those of the map", async () => {
  const svg = sheetSvg({ ...sheet, cellSize: 100 });
  const { width, data } = decode(await svgToPng(svg, { scale: 1 }));
  const pixel = (x: number, y: number) => [...data.slice((y * width + x) * 4, (y * width + x) * 4 + 4)];
  const [x, y] = images(svg)[1]!.box as [number, number];
  const [RED, BLUE, WHITE] = [
    [255, 0, 0, 255],
    [0, 0, 255, 255],
    [255, 255, 255, 255],
  ];
  for (const [dx, dy, color] of [
    [1, 1, RED],
    [49, 49, RED],
    [50, 1, BLUE],
    [98, 49, BLUE],
    [1, 50, WHITE],
    [49, 98, WHITE],
    [50, 50, RED],
    [98, 98, RED],
  ] as const) {
    assert.equal(pixel(x + dx, y + dy), color, `at ${dx}, ${dy}`);
  }
  assert.equal(pixel(2, 2), WHITE);
  const bar = /<rect x="([\d.]+)" y="([\d.]+)" width="220" height="10"/.exec(svg)?.slice(1).map(Number) as [
    number,
    number,
  ];
  const [left, top] = bar.map(Math.round) as [number, number];
  assert.ok(
    (pixel(left + 2, top + 5)[0] as number) < 10 && pixel(left + 2, top + 5)[2] === 255,
    "blue on the left",
  );
  assert.ok(
    pixel(left + 110, top + 5).every((v) => v > 250),
    "white in the middle",
  );
  assert.ok(
    (pixel(left + 217, top + 5)[2] as number) < 10 && pixel(left + 217, top + 5)[0] === 255,
    "red on the right",
  );
});

test("rendered at a scale that is no multiple of the picture's, there are no colours in between", async () => {
  const svg = sheetSvg({ ...sheet, cellSize: 100 });
  const [x, y] = images(svg)[1]!.box.map((v) => v * 3) as [number, number];
  const { width, data } = decode(await svgToPng(svg, { scale: 3 }));
  const colors = new Set<string>();
  for (let dy = 3; dy < 297; dy++) {
    for (let dx = 3; dx < 297; dx++) {
      const at = ((y + dy) * width + x + dx) * 4;
      colors.add(data.slice(at, at + 3).join());
    }
  }
  assert.equal([...colors].sort(), ["0,0,255", "255,0,0", "255,255,255"]);
});

test("a sheet without rows or columns, with a cell too few, or with a strange size or legend is refused", () => {
  throws(
    () => sheetSvg({ ...sheet, columns: [] }),
    ArgumentError,
    "sheetSvg: expected at least one column, got none",
  );
  throws(
    () => sheetSvg({ ...sheet, rows: [] }),
    ArgumentError,
    "sheetSvg: expected at least one row, got none",
  );
  throws(
    () => sheetSvg({ ...sheet, columns: ["input", "a", "b"] }),
    ArgumentError,
    'sheetSvg: expected 3 cells a row, as there are columns, got 2 in row 0 ("Sample 1")',
  );
  throws(
    () => sheetSvg({ ...sheet, cellSize: 10 }),
    ArgumentError,
    "sheetSvg: expected cellSize to be a whole number from 16, got 10",
  );
  throws(() => sheetSvg({ ...sheet, legend: "jet" as "bwr" }), ArgumentError, /no colour map "jet"/);
});

test("rows are set in panels side by side, under headings of their groups, with notes at the bottom", () => {
  const image = heatmap({ data: Float32Array.of(1), shape: [1, 1] });
  const rows = ["a", "b", "c", "d", "e"].map((label, i) => ({
    label,
    group: i < 3 ? "first" : "second",
    cells: [{ image }],
  }));
  const svg = sheetSvg({ columns: ["x"], rows, panels: 2, notes: ["left out: <f>"] });
  const texts = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)</g)].map(([, x, y, text]) => ({
    x: Number(x),
    y: Number(y),
    text,
  }));
  const at = (text: string) => texts.filter((one) => one.text === text);
  // Three rows, then two; a group that goes on in the next panel is named again there only if it does.
  assert.equal([at("first").length, at("second").length, at("x").length], [1, 1, 2]);
  assert.is(at("a")[0]?.x, at("c")[0]?.x);
  assert.is(at("d")[0]?.y, at("a")[0]?.y);
  assert.ok((at("d")[0]?.x as number) > (at("a")[0]?.x as number) + 112);
  assert.is(Math.max(...texts.map(({ y }) => y)), at("left out: &lt;f&gt;")[0]?.y);
  throws(
    () => sheetSvg({ columns: ["x"], rows, panels: 0 }),
    ArgumentError,
    "sheetSvg: expected panels to be a whole number from 1, got 0",
  );
});

test.run();
