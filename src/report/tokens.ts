import { ArgumentError, ShapeError } from "../errors.js";
import { type ColorMapName, colorMap, type Rgb } from "./colorMaps.js";
import { type ContrastOptions, changeContrast } from "./contrast.js";
import { escapeXml } from "./escapeXml.js";
import { checkValues, type Sample } from "./sample.js";
import { px, svgPage } from "./svg.js";
import { textWidth } from "./textLayout.js";

export interface TokenOptions extends ContrastOptions {
  /** Default `"bwr"`. */
  colorMap?: ColorMapName;
  title?: string;
  /** Width of the picture in pixels, for the SVG. Default 720. */
  width?: number;
}

/** A token with the colours it is drawn in. */
interface ColoredToken {
  text: string;
  relevance: number;
  background: string;
  color: string;
}

/**
 * Words, each on the colour of its relevance, as a piece of HTML: a `<p>` of `<span>`s with the number as tooltip. Line
 * breaks are those of the reader's window.
 *
 * @param tokens the words, as many as relevance has steps
 * @param relevance float32 `[steps]`, or `[steps, features]`, whose features are summed
 * @returns HTML without scripts; tokens are escaped
 * @throws ShapeError where there are not as many tokens as steps; NonFiniteError; ArgumentError for options that there are not
 * @example tokensHtml(["not", "bad"], { data: Float32Array.of(-0.2, 0.9), shape: [2] })
 */
export function tokensHtml(tokens: readonly string[], relevance: Sample, options: TokenOptions = {}): string {
  const colored = colorTokens("tokensHtml", tokens, relevance, options);
  const spans = colored.map(
    ({ text, relevance: r, background, color }) =>
      `<span style="background:${background};color:${color};padding:0.1em 0.25em;border-radius:0.2em" title="${r.toPrecision(3)}">${escapeXml(text)}</span>`,
  );
  return `<p style="line-height:1.9;font-family:Inter,system-ui,sans-serif">${spans.join(" ")}</p>\n`;
}

/**
 * `tokensHtml` as an SVG, with its lines broken at `width`.
 *
 * @throws the same, and ArgumentError for a width below 120
 * @example await writeFileAtomic("review.svg", tokensSvg(words, relevance))
 */
export function tokensSvg(tokens: readonly string[], relevance: Sample, options: TokenOptions = {}): string {
  const { title, width = 720 } = options;
  if (!(width >= 120)) throw new ArgumentError(`tokensSvg: expected a width from 120, got ${width}`);
  const colored = colorTokens("tokensSvg", tokens, relevance, options);
  const [margin, size, line, padding] = [24, 16, 30, 5];
  const parts: string[] = [];
  let [x, y] = [margin, margin];
  if (title !== undefined) {
    parts.push(
      `<text x="${margin}" y="${y + 16}" font-size="18" font-weight="600" fill="#111827">${escapeXml(title)}</text>`,
    );
    y += 36;
  }
  for (const { text, relevance: r, background, color } of colored) {
    const wide = textWidth(text, size) + 2 * padding;
    if (x > margin && x + wide > width - margin) [x, y] = [margin, y + line];
    parts.push(
      `<g><title>${escapeXml(`${text}: ${r.toPrecision(3)}`)}</title>` +
        `<rect x="${px(x)}" y="${px(y)}" width="${px(wide)}" height="${line - 6}" rx="4" fill="${background}"/>` +
        `<text x="${px(x + padding)}" y="${px(y + 17.5)}" font-size="${size}" fill="${color}">${escapeXml(text)}</text></g>`,
    );
    x += wide + 4;
  }
  return svgPage(width, y + line + margin - 6, title, parts);
}

function colorTokens(
  who: string,
  tokens: readonly string[],
  relevance: Sample,
  options: TokenOptions,
): ColoredToken[] {
  const { shape, data } = relevance;
  const [steps = 0, features = 1] = shape;
  if ((shape.length !== 1 && shape.length !== 2) || steps !== tokens.length || steps === 0) {
    throw new ShapeError(
      `${who}: expected relevance of shape [${tokens.length}] or [${tokens.length}, features] for ${tokens.length} tokens, got [${shape.join(", ")}]`,
    );
  }
  checkValues(who, "relevance", relevance);
  const sums = Float64Array.from({ length: steps }, (_, t) =>
    data.subarray(t * features, (t + 1) * features).reduce((sum, v) => sum + v, 0),
  );
  const strengths = changeContrast(sums, options);
  const most = strengths.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const at = colorMap(options.colorMap ?? "bwr");
  return tokens.map((text, t) => {
    const background = at(most === 0 ? 0.5 : 0.5 + (strengths[t] as number) / most / 2);
    return {
      text,
      relevance: sums[t] as number,
      background: `rgb(${background.join(",")})`,
      color: luminance(background) > 0.2 ? "#111827" : "#ffffff",
    };
  });
}

/** How light a colour is, 0 to 1 (the relative luminance of WCAG). */
function luminance(color: Rgb): number {
  const [r, g, b] = color.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
