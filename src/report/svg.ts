import { escapeXml } from "./escapeXml.js";

/** A number as SVG and CSS take it, without the noise of floating point. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A whole SVG on white, in the font of all our pictures. */
export function svgPage(
  width: number,
  height: number,
  title: string | undefined,
  parts: readonly string[],
): string {
  const label = title === undefined ? "" : ` aria-label="${escapeXml(title)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${px(width)}" height="${px(height)}" viewBox="0 0 ${px(width)} ${px(height)}" ` +
      `font-family="Inter, system-ui, sans-serif" role="img"${label}>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...parts.filter((part) => part !== ""),
    "</svg>\n",
  ].join("\n");
}
