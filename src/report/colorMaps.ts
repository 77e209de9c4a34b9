import { interpolateRgb, piecewise } from "d3-interpolate";
import { ArgumentError } from "../errors.js";

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** A colour for each t from 0 (most negative) over 0.5 (zero) to 1 (most positive). */
export type ColorMap = (t: number) => Rgb;

export type ColorMapName = keyof typeof COLOR_MAPS;

/** What a colour map is made of, and how a legend calls its ends and its middle. */
export interface ColorMapInfo {
  /** Colours at equal distances over [0, 1], as #rrggbb. */
  readonly stops: readonly string[];
  readonly negative: string;
  readonly zero: string;
  readonly positive: string;
}

const COLOR_MAPS = {
  /** Blue, white, red: the usual one for relevance. */
  bwr: {
    stops: ["#0000ff", "#ffffff", "#ff0000"],
    negative: "blue",
    zero: "white",
    positive: "red",
  },
  /** As matplotlib's: bwr with darker ends. */
  seismic: {
    stops: ["#00004c", "#0000ff", "#ffffff", "#ff0000", "#7f0000"],
    negative: "blue",
    zero: "white",
    positive: "red",
  },
  gray: {
    stops: ["#000000", "#ffffff"],
    negative: "black",
    zero: "gray",
    positive: "white",
  },
  /** As zennit's: cold to hot through black. */
  coldnhot: {
    stops: ["#00ffff", "#0000ff", "#000000", "#ff0000", "#ffff00"],
    negative: "blue and cyan",
    zero: "black",
    positive: "red and yellow",
  },
  /** Positive relevance alone, and negative alone, in zennit's colours. */
  hot: {
    stops: ["#000000", "#000000", "#000000", "#000000", "#ff0000", "#ffff00", "#ffffff"],
    negative: "black",
    zero: "black",
    positive: "red, yellow and white",
  },
  cold: {
    stops: ["#ffffff", "#00ffff", "#0000ff", "#000000", "#000000", "#000000", "#000000"],
    negative: "white, cyan and blue",
    zero: "black",
    positive: "black",
  },
  wred: { stops: ["#ffffff", "#ffffff", "#ff0000"], negative: "white", zero: "white", positive: "red" },
  wblue: { stops: ["#0000ff", "#ffffff", "#ffffff"], negative: "blue", zero: "white", positive: "white" },
  france: { stops: ["#0000cc", "#ffffff", "#cc0000"], negative: "blue", zero: "white", positive: "red" },
} as const satisfies Record<string, ColorMapInfo>;

/** The names of the colour maps, the default first. */
export const colorMapNames = Object.keys(COLOR_MAPS) as ColorMapName[];

/**
 * @throws ArgumentError for a name that there is not
 * @example colorMapInfo("bwr").positive  // "red"
 */
export function colorMapInfo(name: ColorMapName): ColorMapInfo {
  if (!Object.hasOwn(COLOR_MAPS, name)) {
    throw new ArgumentError(
      `colorMap: there is no colour map "${name}"; there are ${colorMapNames.join(", ")}`,
    );
  }
  return COLOR_MAPS[name];
}

/**
 * A colour map as a function, linear in RGB between its stops. Values outside of [0, 1] have the colour of the nearer end.
 *
 * @throws ArgumentError for a name that there is not; the function throws one for NaN
 * @example colorMap("bwr")(0.75)  // [255, 128, 128]
 */
export function colorMap(name: ColorMapName): ColorMap {
  const at = piecewise(interpolateRgb, [...colorMapInfo(name).stops]);
  return (t) => {
    if (Number.isNaN(t)) throw new ArgumentError(`colorMap: expected a number from 0 to 1, got ${t}`);
    const [r, g, b] = at(Math.min(1, Math.max(0, t)))
      .match(/\d+/g)!
      .map(Number);
    return [r as number, g as number, b as number];
  };
}

/** Which entry of a colour table is zero. */
export const TABLE_ZERO = 128;

/**
 * A colour map as a table of 256 colours, three bytes each. Entry 128 is the middle of the map, 1 and 255 are its ends, so
 * that zero has a colour of its own and both signs have as many; entry 0 is as entry 1.
 *
 * @throws ArgumentError for a name that there is not
 * @example colorTable("bwr").slice(128 * 3, 129 * 3)  // [255, 255, 255]
 */
export function colorTable(name: ColorMapName): Uint8Array {
  const at = colorMap(name);
  return Uint8Array.from(Array.from({ length: 256 }, (_, i) => at((i - 1) / 254)).flat());
}
