import { ArgumentError, ShapeError } from "../errors.js";
import { type ColorMapName, colorMap, colorMapInfo } from "./colorMaps.js";
import { type ContrastOptions, changeContrast } from "./contrast.js";
import { escapeXml } from "./escapeXml.js";
import { checkValues, type Sample } from "./sample.js";
import { px, svgPage } from "./svg.js";

export interface SeriesOptions extends ContrastOptions {
  title?: string;
  /** One a channel. Default: none. */
  channelNames?: readonly string[];
  /** Width of the picture in pixels. Default 960. */
  width?: number;
  /** Height of a channel in pixels. Default 96. */
  laneHeight?: number;
  /** Default `"bwr"`; its middle is drawn gray, so that a line without relevance is seen. */
  colorMap?: ColorMapName;
}

const MARGIN = 24;
const LABEL_WIDTH = 72;
const TITLE_HEIGHT = 36;
const GAP = 12;

/**
 * A signal over time as one SVG, each channel a line on a lane of its own whose colour is the relevance there, over a band of
 * the same colour: red speaks for what is explained, blue against it. The scale of colours is that of all channels together.
 *
 * @param signal float32 `[steps, channels]` or `[steps]`
 * @param relevance of the signal's shape
 * @throws ShapeError where the shapes differ or are none of a series; NonFiniteError; ArgumentError for options that make no
 *   picture
 * @example await writeFileAtomic("ecg.svg", seriesSvg(signal, relevance, { channelNames: ["I", "II"] }))
 */
export function seriesSvg(signal: Sample, relevance: Sample, options: SeriesOptions = {}): string {
  const who = "seriesSvg";
  const { title, channelNames = [], width = 960, laneHeight = 96, colorMap: name = "bwr" } = options;
  const { steps, channels } = sizeOfSeries(who, signal, relevance);
  if (channelNames.length > 0 && channelNames.length !== channels)
    throw new ArgumentError(`${who}: expected ${channels} channelNames, got ${channelNames.length}`);
  if (!(width >= 200) || !(laneHeight >= 24))
    throw new ArgumentError(
      `${who}: expected a width from 200 and a laneHeight from 24, got ${width} and ${laneHeight}`,
    );
  const strengths = changeContrast(Float64Array.from(relevance.data), options);
  const most = strengths.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  const color = colorOf(name);
  const left = MARGIN + (channelNames.length > 0 ? LABEL_WIDTH : 0);
  const top = MARGIN + (title === undefined ? 0 : TITLE_HEIGHT);
  const step = (width - MARGIN - left) / Math.max(1, steps);
  const parts: string[] = [];
  if (title !== undefined) {
    parts.push(
      `<text x="${MARGIN}" y="${MARGIN + 16}" font-size="18" font-weight="600" fill="#111827">${escapeXml(title)}</text>`,
    );
  }
  for (let c = 0; c < channels; c++) {
    const lane = top + c * (laneHeight + GAP);
    const values = Array.from({ length: steps }, (_, t) => signal.data[t * channels + c] as number);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const y = (v: number) =>
      lane + laneHeight - 6 - (high > low ? (v - low) / (high - low) : 0.5) * (laneHeight - 12);
    const x = (t: number) => left + (t + 0.5) * step;
    const strength = (t: number) => (most === 0 ? 0 : (strengths[t * channels + c] as number) / most);
    parts.push(
      `<rect x="${px(left)}" y="${px(lane)}" width="${px(step * steps)}" height="${px(laneHeight)}" fill="#f9fafb"/>`,
    );
    if (channelNames[c] !== undefined) {
      parts.push(
        `<text x="${MARGIN}" y="${px(lane + laneHeight / 2 + 4)}" font-size="13" font-weight="600" fill="#374151">${escapeXml(channelNames[c] as string)}</text>`,
      );
    }
    for (let t = 0; t < steps; t++) {
      const s = strength(t);
      if (Math.abs(s) < 0.004) continue;
      parts.push(
        `<rect x="${px(left + t * step)}" y="${px(lane)}" width="${px(step)}" height="${px(laneHeight)}" fill="${color(s)}" opacity="${px(Math.abs(s) * 0.35)}" shape-rendering="crispEdges"/>`,
      );
    }
    for (let t = 1; t < steps; t++) {
      const s = (strength(t - 1) + strength(t)) / 2;
      parts.push(
        `<line x1="${px(x(t - 1))}" y1="${px(y(values[t - 1] as number))}" x2="${px(x(t))}" y2="${px(y(values[t] as number))}" stroke="${color(s)}" stroke-width="1.8" stroke-linecap="round"/>`,
      );
    }
    if (steps === 1)
      parts.push(
        `<circle cx="${px(x(0))}" cy="${px(y(values[0] as number))}" r="3" fill="${color(strength(0))}"/>`,
      );
  }
  const height = top + channels * (laneHeight + GAP) - GAP + MARGIN;
  return svgPage(width, height, title, parts);
}

/** The colours of a line: from gray, where there is no relevance, to the map's ends. */
function colorOf(name: ColorMapName): (strength: number) => string {
  const { stops } = colorMapInfo(name);
  const at = colorMap(name);
  const gray = 156;
  return (strength) => {
    const share = Math.min(1, Math.abs(strength) * 2);
    const end = at(strength >= 0 ? 0.5 + strength / 2 : 0.5 + strength / 2);
    if (stops.length === 2) return `rgb(${end.join(",")})`;
    return `rgb(${end.map((v) => Math.round(gray + (v - gray) * share)).join(",")})`;
  };
}

function sizeOfSeries(who: string, signal: Sample, relevance: Sample): { steps: number; channels: number } {
  const { shape } = signal;
  const [steps = 0, channels = 1] = shape;
  if ((shape.length !== 1 && shape.length !== 2) || steps < 1 || channels < 1) {
    throw new ShapeError(
      `${who}: expected the signal of one sample, of shape [steps, channels] or [steps], got shape [${shape.join(", ")}]`,
    );
  }
  if (String(relevance.shape) !== String(shape)) {
    throw new ShapeError(
      `${who}: expected relevance of the signal's shape [${shape.join(", ")}], got [${relevance.shape.join(", ")}]`,
    );
  }
  checkValues(who, "signal", signal);
  checkValues(who, "relevance", relevance);
  return { steps, channels };
}
