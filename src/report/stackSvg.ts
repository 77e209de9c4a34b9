import { ArgumentError } from "../errors.js";
import { escapeXml } from "./escapeXml.js";
import { px, svgPage } from "./svg.js";
import { wrapText } from "./textLayout.js";

const [MARGIN, TITLE, NOTE] = [24, 20, 12];

/**
 * SVGs below each other as one, for pictures too wide to stand side by side: series and tokens under several methods.
 *
 * @param pages as `seriesSvg` and `tokensSvg` make them, each with a width and a height in pixels
 * @param title stands on top
 * @param notes lines to stand at the bottom
 * @throws ArgumentError for no pages, and for one without a size
 * @example stackSvg(methods.map((name, i) => seriesSvg(x, relevance[i], { title: name })), "beat 17")
 */
export function stackSvg(pages: readonly string[], title?: string, notes: readonly string[] = []): string {
  if (pages.length === 0) throw new ArgumentError("stackSvg: expected at least one SVG, got none");
  const sizes = pages.map((svg, i) => {
    const [, width, height] = /^<svg [^>]*?\bwidth="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
    if (width === undefined || height === undefined) {
      throw new ArgumentError(
        `stackSvg: expected an SVG with width and height in pixels at ${i}, got ${JSON.stringify(svg.slice(0, 40))}`,
      );
    }
    return { width: Number(width), height: Number(height) };
  });
  const width = Math.max(...sizes.map((size) => size.width));
  const parts: string[] = [];
  let y = 0;
  const text = (line: string, size: number, style: string) => {
    parts.push(
      `<text x="${MARGIN}" y="${px(y + size)}" font-size="${size}" ${style}>${escapeXml(line)}</text>`,
    );
    y += size * 1.4;
  };
  const lines = (words: string, fontSize: number) =>
    wrapText(words, { width: width - 2 * MARGIN, fontSize, maxLines: 8 });
  if (title !== undefined) {
    y += MARGIN;
    for (const line of lines(title, TITLE)) text(line, TITLE, `font-weight="600" fill="#111827"`);
  }
  pages.forEach((svg, i) => {
    parts.push(svg.trimEnd().replace(/^<svg /, `<svg y="${px(y)}" `));
    y += sizes[i]?.height ?? 0;
  });
  for (const line of notes.flatMap((note) => lines(note, NOTE))) text(line, NOTE, `fill="#6b7280"`);
  return svgPage(width, Math.ceil(y + (notes.length > 0 ? MARGIN : 0)), title, parts);
}
