import { ArgumentError } from "../errors.js";
import { type ColorMapName, colorMapInfo } from "./colorMaps.js";
import { escapeXml } from "./escapeXml.js";
import { checkGrid, type Grid, type GridRow } from "./grid.js";
import { enlarge, pngDataUri } from "./png.js";
import type { RasterImage } from "./rasterImage.js";
import { px } from "./svg.js";
import { textWidth, wrapText } from "./textLayout.js";

export interface Sheet extends Grid {
  readonly title?: string;
  /** The longer side of each picture, in pixels. Default 112. */
  readonly cellSize?: number;
  /** The colour map that the legend at the bottom shows; null for no legend. Default `"bwr"`. */
  readonly legend?: ColorMapName | null;
  /** In how many columns of a newspaper the rows are set, for many rows of few pictures. Default 1. */
  readonly panels?: number;
  /** Lines of text to stand at the bottom. */
  readonly notes?: readonly string[];
}

const MARGIN = 32;
const COLUMN_GAP = 20;
const ROW_GAP = 22;
const PANEL_GAP = 48;
const LINE = 1.35;

/** Sizes and colours of the text. */
const TYPE = {
  title: { size: 20, weight: 600, fill: "#111827" },
  heading: { size: 12, weight: 600, fill: "#374151" },
  group: { size: 15, weight: 600, fill: "#2457d6" },
  label: { size: 14, weight: 600, fill: "#111827" },
  sublabel: { size: 12, weight: 400, fill: "#6b7280" },
  caption: { size: 11, weight: 400, fill: "#6b7280" },
} as const;
type TypeName = keyof typeof TYPE;

/**
 * A contact sheet as one SVG: a grid with a row a sample, column headings on top, row labels on the left, captions below the
 * pictures, and a colour bar at the bottom. Nothing is referred to from outside, only the font Inter by name; pictures are
 * PNGs inside, enlarged by whole factors so that their pixels have sharp edges. `svgToPng` makes a PNG of it.
 *
 * @throws ArgumentError if a row does not have a cell a column, if there are no rows or columns, for a cellSize below 16, or
 *   for panels that are no whole number from 1
 * @example
 * sheetSvg({
 *   columns: ["input", "lrp.epsilon"],
 *   rows: [{ label: "7", sublabel: "99.8 %", cells: [{ image: inputImage(x) }, { image: heatmap(r), caption: "gap 2e-7" }] }],
 * })
 */
export function sheetSvg(sheet: Sheet): string {
  checkGrid("sheetSvg", sheet);
  const { title, columns, rows, cellSize = 112, legend = "bwr", panels = 1, notes = [] } = sheet;
  if (!Number.isInteger(cellSize) || cellSize < 16) {
    throw new ArgumentError(`sheetSvg: expected cellSize to be a whole number from 16, got ${cellSize}`);
  }
  if (!Number.isInteger(panels) || panels < 1) {
    throw new ArgumentError(`sheetSvg: expected panels to be a whole number from 1, got ${panels}`);
  }
  const labelWidth = labelColumnWidth(rows);
  const beside = labelWidth > 0 ? labelWidth + COLUMN_GAP : 0;
  const perPanel = Math.ceil(rows.length / panels);
  const used = Math.ceil(rows.length / perPanel);
  const panelWidth = beside + columns.length * (cellSize + COLUMN_GAP) - COLUMN_GAP;
  const gridRight = MARGIN + used * (panelWidth + PANEL_GAP) - PANEL_GAP;
  const width = Math.max(gridRight + MARGIN, MARGIN * 2 + (legend === null ? 0 : LEGEND_WIDTH));
  const parts: string[] = [];
  let y = MARGIN;

  if (title !== undefined) {
    const lines = wrapText(title, { width: width - MARGIN * 2, fontSize: TYPE.title.size, maxLines: 3 });
    parts.push(textBlock("title", MARGIN, y, lines));
    y += blockHeight("title", lines) + 20;
  }
  const drawn = Array.from({ length: used }, (_, i) => {
    const left = MARGIN + i * (panelWidth + PANEL_GAP);
    const layout: Layout = {
      cellSize,
      textWidth: cellSize + COLUMN_GAP - 12,
      left,
      labelWidth,
      columnX: (column) => left + beside + column * (cellSize + COLUMN_GAP),
    };
    return panel(columns, rows.slice(i * perPanel, (i + 1) * perPanel), y, layout);
  });
  parts.push(...drawn.flatMap((one) => one.parts));
  y += Math.max(...drawn.map((one) => one.height));
  if (legend !== null) {
    y += 28;
    const left = MARGIN + beside;
    parts.push(colorBar(legend, left + LEGEND_WIDTH > width - MARGIN ? MARGIN : left, y));
    y += LEGEND_HEIGHT;
  }
  if (notes.length > 0) y += 20;
  for (const note of notes) {
    const lines = wrapText(note, { width: width - MARGIN * 2, fontSize: TYPE.sublabel.size, maxLines: 8 });
    parts.push(textBlock("sublabel", MARGIN, y, lines));
    y += blockHeight("sublabel", lines) + 4;
  }
  const height = Math.ceil(y + MARGIN);

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${px(width)}" height="${height}" viewBox="0 0 ${px(width)} ${height}" ` +
      `font-family="Inter, system-ui, sans-serif" role="img"${title === undefined ? "" : ` aria-label="${escapeXml(title)}"`}>`,
    STYLE,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...parts.filter((part) => part !== ""),
    "</svg>\n",
  ].join("\n");
}

/**
 * Pictures have the attribute image-rendering="optimizeSpeed", which resvg draws with sharp pixels; browsers want
 * `pixelated`, which resvg takes for nothing. It passes over @supports.
 */
const STYLE =
  "<style>@supports (image-rendering: pixelated) { .sharp { image-rendering: pixelated } }</style>";

/** Where things are from left to right. */
interface Layout {
  readonly cellSize: number;
  /** What headings and captions may take. */
  readonly textWidth: number;
  /** Where the labels begin. */
  readonly left: number;
  readonly labelWidth: number;
  columnX(i: number): number;
}

/** SVG elements, and how much of the sheet they take from top to bottom. */
interface Drawn {
  readonly parts: string[];
  readonly height: number;
}

/** Rows below each other, under the headings, the first line at y. */
function panel(columns: readonly string[], rows: readonly GridRow[], y: number, layout: Layout): Drawn {
  const headings = headingRow(columns, y, layout);
  const parts = [...headings.parts];
  let at = y + headings.height + 10;
  let group = "";
  for (const row of rows) {
    if (row.group !== undefined && row.group !== group) {
      group = row.group;
      const lines = wrapText(group, {
        width: layout.columnX(columns.length) - layout.left,
        fontSize: TYPE.group.size,
        maxLines: 1,
      });
      parts.push(textBlock("group", layout.left, at, lines));
      at += blockHeight("group", lines) + 10;
    }
    const drawn = sampleRow(row, columns, at, layout);
    parts.push(...drawn.parts);
    at += drawn.height + ROW_GAP;
  }
  return { parts, height: at - ROW_GAP - y };
}

function headingRow(columns: readonly string[], y: number, { textWidth: width, columnX }: Layout): Drawn {
  const headings = columns.map((column) =>
    wrapText(column, { width, fontSize: TYPE.heading.size, maxLines: 3 }),
  );
  const height = Math.max(...headings.map((lines) => blockHeight("heading", lines)));
  const parts = headings.map((lines, i) =>
    textBlock("heading", columnX(i), y + height - blockHeight("heading", lines), lines),
  );
  return { parts, height };
}

function sampleRow(row: GridRow, columns: readonly string[], y: number, layout: Layout): Drawn {
  const { cellSize, textWidth: width, left, labelWidth, columnX } = layout;
  const { label, sublabel = "", cells } = row;
  const labelLines = wrapText(label, { width: labelWidth, fontSize: TYPE.label.size, maxLines: 3 });
  const sublabelLines = wrapText(sublabel, { width: labelWidth, fontSize: TYPE.sublabel.size, maxLines: 3 });
  const labelHeight = blockHeight("label", labelLines);
  const labelsHeight = labelHeight + blockHeight("sublabel", sublabelLines);
  const boxes = cells.map(({ image }) => drawnSize(image, cellSize));
  const height = Math.ceil(Math.max(labelsHeight, ...boxes.map((box) => box.height)));
  const captions = cells.map(({ caption = "" }) =>
    wrapText(caption, { width, fontSize: TYPE.caption.size, maxLines: 2 }),
  );
  const captionHeight = Math.max(...captions.map((lines) => blockHeight("caption", lines)));

  const labelTop = y + (height - labelsHeight) / 2;
  const parts = [
    textBlock("label", left, labelTop, labelLines),
    textBlock("sublabel", left, labelTop + labelHeight, sublabelLines),
  ];
  cells.forEach(({ image }, i) => {
    const box = boxes[i] as Box;
    const top = y + Math.floor((height - box.height) / 2);
    parts.push(picture(image, `${columns[i]}: ${label}`, { ...box, x: columnX(i), y: top }));
    parts.push(textBlock("caption", columnX(i), y + height + 6, captions[i] as string[]));
  });
  return { parts, height: height + (captionHeight > 0 ? captionHeight + 6 : 0) };
}

function labelColumnWidth(rows: Sheet["rows"]): number {
  const widths = rows.flatMap(({ label, sublabel = "" }) => [
    textWidth(label, TYPE.label.size),
    textWidth(sublabel, TYPE.sublabel.size),
  ]);
  return Math.ceil(Math.min(160, Math.max(...widths)));
}

interface Box {
  readonly width: number;
  readonly height: number;
}

/** A picture's size in the sheet: its longer side is `cellSize`. */
function drawnSize({ width, height }: RasterImage, cellSize: number): Box {
  const scale = cellSize / Math.max(width, height);
  return { width: width * scale, height: height * scale };
}

/** A picture with a hairline around it. */
function picture(image: RasterImage, name: string, box: Box & { x: number; y: number }): string {
  const { x, y, width, height } = box;
  // Twice the size that it is drawn in, for screens of high density. Photographs that are larger look better smooth.
  const factor = Math.max(1, Math.ceil((width * 2) / image.width));
  const sharp = image.width <= width * 2 ? ` class="sharp" image-rendering="optimizeSpeed"` : "";
  return (
    `<image x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}"${sharp} preserveAspectRatio="none" ` +
    `href="${pngDataUri(enlarge(image, factor))}"><title>${escapeXml(name)}</title></image>\n` +
    `<rect x="${px(x - 0.5)}" y="${px(y - 0.5)}" width="${px(width + 1)}" height="${px(height + 1)}" ` +
    `fill="none" stroke="#e5e7eb"/>`
  );
}

const LEGEND_WIDTH = 220;
const LEGEND_HEIGHT = 30;

function colorBar(name: ColorMapName, x: number, y: number): string {
  const { stops } = colorMapInfo(name);
  const gradient = stops
    .map((color, i) => `<stop offset="${px(i / (stops.length - 1))}" stop-color="${color}"/>`)
    .join("");
  const { size, weight, fill } = TYPE.caption;
  const word = (at: number, anchor: string, text: string) =>
    `<text x="${px(at)}" y="${px(y + 27)}" text-anchor="${anchor}" font-size="${size}" font-weight="${weight}" fill="${fill}">${text}</text>`;
  return [
    `<linearGradient id="legend-${name}">${gradient}</linearGradient>`,
    `<rect x="${px(x)}" y="${px(y)}" width="${LEGEND_WIDTH}" height="10" rx="2" fill="url(#legend-${name})" stroke="#e5e7eb"/>`,
    word(x, "start", "negative"),
    word(x + LEGEND_WIDTH / 2, "middle", "0"),
    word(x + LEGEND_WIDTH, "end", "positive"),
  ].join("\n");
}

/** A whole number, so that pictures below start at whole pixels and stay sharp. */
function blockHeight(type: TypeName, lines: readonly string[]): number {
  return Math.ceil(lines.length * TYPE[type].size * LINE);
}

/** Lines of text below each other, the first one's box beginning at y. */
function textBlock(type: TypeName, x: number, y: number, lines: readonly string[]): string {
  const { size, weight, fill } = TYPE[type];
  return lines
    .map((line, i) => {
      // Inter's capitals stand in the middle of a line whose baseline is there.
      const baseline = y + i * size * LINE + size * (LINE / 2 + 0.36);
      return `<text x="${px(x)}" y="${px(baseline)}" font-size="${size}" font-weight="${weight}" fill="${fill}">${escapeXml(line)}</text>`;
    })
    .join("\n");
}
