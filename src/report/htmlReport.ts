import { ArgumentError } from "../errors.js";
import { type ColorMapName, colorMapInfo } from "./colorMaps.js";
import { escapeXml } from "./escapeXml.js";
import { checkGrid, type Grid, type GridRow } from "./grid.js";
import { CSS } from "./htmlReportCss.js";
import { formatMs, formatNumber, formatProbability } from "./numbers.js";
import { pngDataUri } from "./png.js";
import type { RasterImage } from "./rasterImage.js";

/** The figures of one explanation, a line of a sample's table. */
export interface ExplanationDetails {
  readonly method: string;
  /** The class that is explained. */
  readonly className: string;
  /** The model's output for that class, 0 to 1; null if the outputs are no probabilities. */
  readonly probability: number | null;
  /** The completeness gap; null for methods that do not promise completeness. */
  readonly delta: number | null;
  /** How long the explanation took; null if it was not measured. */
  readonly ms: number | null;
}

/** A cell of a report. The input's has no details, the methods' have. */
export interface ReportCell {
  /** Pixels; an SVG such as `seriesSvg` makes, which takes a line of its own; or null for nothing here. */
  readonly image: RasterImage | { readonly svg: string } | null;
  readonly caption?: string;
  readonly details?: ExplanationDetails;
}

export type ReportRow = GridRow<ReportCell>;

export interface HtmlReport extends Grid<ReportCell> {
  /** The group of each column: columns of one group stand together, below its name. "" has none. Default: no groups. */
  readonly groups?: readonly string[];
  /** Lines to stand below the samples. */
  readonly notes?: readonly string[];
  readonly title: string;
  readonly subtitle?: string;
  /** The colour map that the legend explains. Default `"bwr"`. */
  readonly legend?: ColorMapName;
  /** The model's execution trace, as `printModelExecutionGraph` prints it. */
  readonly traceText?: string;
}

/**
 * A report as one HTML page that needs nothing else: no script, no font, no file. It has a legend, and for each sample its
 * pictures and a table of the figures; the model's trace can be unfolded at the end. It follows the reader's light or dark
 * scheme, and the width of the window.
 *
 * @throws ArgumentError if a row does not have a cell a column, if there are no rows or columns, for another number of groups
 *   than columns, or for an unknown legend
 * @example
 * await writeFileAtomic("report.html", htmlReport({
 *   title: "Digits",
 *   columns: ["input", "lrp.epsilon"],
 *   rows: [{
 *     label: "Sample 1",
 *     cells: [
 *       { image: inputImage(x) },
 *       { image: heatmap(r), details: { method: "lrp.epsilon", className: "7", probability: 0.998, delta: 2e-7, ms: 1.8 } },
 *     ],
 *   }],
 * }))
 */
export function htmlReport(report: HtmlReport): string {
  checkGrid("htmlReport", report);
  const { title, subtitle, columns, rows, legend = "bwr", notes = [], traceText } = report;
  const groups = report.groups ?? columns.map(() => "");
  if (groups.length !== columns.length) {
    throw new ArgumentError(
      `htmlReport: expected ${columns.length} groups, as there are columns, got ${groups.length}`,
    );
  }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeXml(title)}</title>
<style>
${CSS}</style>
</head>
<body>
<header>
<h1>${escapeXml(title)}</h1>
${subtitle === undefined ? "" : `<p class="subtitle">${escapeXml(subtitle)}</p>`}
</header>
<main>
${legendHtml(legend)}
${rows.map((row) => rowHtml(row, columns, groups)).join("\n")}
${notes.map((note) => `<p class="note">${escapeXml(note)}</p>`).join("\n")}
${traceText === undefined ? "" : traceHtml(traceText)}
</main>
<footer>Made with tracelight</footer>
</body>
</html>
`;
}

function legendHtml(name: ColorMapName): string {
  const { stops, negative, zero, positive } = colorMapInfo(name);
  return `<section class="legend" aria-label="Legend">
<div class="scale">
<div class="bar" style="background:linear-gradient(to right,${stops.join(",")})"></div>
<div class="ends"><span>negative</span><span>0</span><span>positive</span></div>
</div>
<p>In the heatmaps, <strong>${positive}</strong> pixels speak for the class that is explained, <strong>${negative}</strong>
ones against it, and <strong>${zero}</strong> ones make no difference. Each heatmap is scaled to its own largest magnitude.</p>
</section>`;
}

function rowHtml(
  { label, sublabel, cells }: ReportRow,
  columns: readonly string[],
  groups: readonly string[],
): string {
  const figures = cells.map((cell, i) => figureHtml(cell, columns[i] as string, label));
  const details = cells.flatMap((cell) => (cell.details === undefined ? [] : [cell.details]));
  return `<article class="card">
<h2>${escapeXml(label)}${sublabel === undefined ? "" : ` <small>${escapeXml(sublabel)}</small>`}</h2>
${grouped(figures, groups)}
${details.length === 0 ? "" : tableHtml(details, label)}
</article>`;
}

/** Figures of one group side by side, below its name. */
function grouped(figures: readonly string[], groups: readonly string[]): string {
  return [...new Set(groups)]
    .map((group) => ({ group, own: figures.filter((figure, i) => figure !== "" && groups[i] === group) }))
    .filter(({ own }) => own.length > 0)
    .map(
      ({ group, own }) =>
        `${group === "" ? "" : `<h3>${escapeXml(group)}</h3>\n`}<div class="figures">\n${own.join("\n")}\n</div>`,
    )
    .join("\n");
}

function figureHtml({ image, caption }: ReportCell, column: string, label: string): string {
  if (image === null) return "";
  const note = caption === undefined ? "" : `<span>${escapeXml(caption)}</span>`;
  const alt = `alt="${escapeXml(`${column}: ${label}`)}"`;
  const figcaption = `<figcaption><b>${escapeXml(column).replace(/[._]/g, "$&<wbr>")}</b>${note}</figcaption>`;
  if ("svg" in image) {
    return `<figure class="wide">
<img src="data:image/svg+xml,${encodeURIComponent(image.svg)}" ${alt}>
${figcaption}
</figure>`;
  }
  const { width, height } = image;
  // More than two pixels of the picture to one of the page: a photograph, which looks better smooth.
  const smooth = Math.max(width, height) > 280 ? ' class="smooth"' : "";
  return `<figure>
<div class="frame"><img src="${pngDataUri(image)}" ${alt} width="${width}" height="${height}"${smooth}></div>
${figcaption}
</figure>`;
}

function tableHtml(details: readonly ExplanationDetails[], label: string): string {
  const line = ({ method, className, probability, delta, ms }: ExplanationDetails) =>
    `<tr><th scope="row">${escapeXml(method)}</th><td>${escapeXml(className)}</td>` +
    `${figure(probability, formatProbability)}${figure(delta, formatNumber)}${figure(ms, formatMs)}</tr>`;
  const name = escapeXml(`Figures: ${label}`);
  return `<div class="scroll" role="region" aria-label="${name}" tabindex="0">
<table>
<caption>${name}</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Class</th><th scope="col" class="number">Probability</th>\
<th scope="col" class="number">Completeness gap</th><th scope="col" class="number">Time</th></tr></thead>
<tbody>
${details.map(line).join("\n")}
</tbody>
</table>
</div>`;
}

function figure(value: number | null, format: (value: number) => string): string {
  return `<td class="number">${value === null ? `<span class="none">–</span>` : escapeXml(format(value))}</td>`;
}

function traceHtml(text: string): string {
  return `<details class="card">
<summary>Execution trace of the model</summary>
<pre tabindex="0">${escapeXml(text)}</pre>
</details>`;
}
