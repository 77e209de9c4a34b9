import { decode } from "fast-png";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ArgumentError } from "../../../src/errors.js";
import { svgToPng } from "../../../src/io/node/svgToPng.js";
import { rejects } from "../../support/throws.js";

const svg = (content: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20">${content}</svg>`;

/** How many pixels are not white. */
async function ink(content: string): Promise<number> {
  const { data } = decode(
    await svgToPng(svg(`<rect width="60" height="20" fill="white"/>${content}`), { scale: 1 }),
  );
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if ((data[i] as number) < 128) count++;
  return count;
}

test("an SVG becomes a PNG of twice its size, or of the scale that is asked for", async () => {
  const content = svg(`<rect width="30" height="20" fill="#ff0000"/>`);
  const double = decode(await svgToPng(content));
  assert.equal([double.width, double.height], [120, 40]);
  const { width, height, data } = decode(await svgToPng(content, { scale: 1 }));
  assert.equal([width, height], [60, 20]);
  assert.equal([...data.slice(0, 4)], [255, 0, 0, 255]);
  assert.equal([...data.slice(59 * 4, 60 * 4)], [0, 0, 0, 0]);
});

test("text is set in Inter, whatever family is asked for, also in bold and in Greek", async () => {
  const text = (attributes: string, characters: string) =>
    `<text x="2" y="15" font-size="14" ${attributes}>${characters}</text>`;
  const regular = await ink(text('font-family="Inter"', "lrp"));
  assert.ok(regular > 20);
  assert.is(await ink(text('font-family="Some Font, sans-serif"', "lrp")), regular);
  assert.ok((await ink(text('font-weight="600"', "lrp"))) > regular * 1.2);
  assert.ok((await ink(text("", "αβ"))) > 20);
});

test("calls at the same time share one renderer", async () => {
  const pngs = await Promise.all([1, 2, 3].map((scale) => svgToPng(svg(""), { scale })));
  assert.equal(
    pngs.map((png) => decode(png).width),
    [60, 120, 180],
  );
});

test("what is not SVG, and a scale that is not positive, are refused", async () => {
  await rejects(
    svgToPng("no svg"),
    ArgumentError,
    /^svgToPng: the SVG cannot be read: SVG data parsing failed/,
  );
  await rejects(
    svgToPng(svg(""), { scale: 0 }),
    ArgumentError,
    "svgToPng: expected scale to be a number above 0, got 0",
  );
});

test.run();
