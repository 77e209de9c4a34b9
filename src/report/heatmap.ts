import { ArgumentError } from "../errors.js";
import { type ColorMapName, colorTable, TABLE_ZERO } from "./colorMaps.js";
import { type ContrastOptions, changeContrast } from "./contrast.js";
import type { RasterImage } from "./rasterImage.js";
import { checkSample, type Sample, type SampleSize } from "./sample.js";

export interface HeatmapOptions extends ContrastOptions {
  /** Default `"bwr"`: blue is negative, white zero, red positive. */
  colorMap?: ColorMapName;
  /**
   * What becomes of a pixel's channels: their sum (the default, which keeps the total of the relevance), or the value of
   * largest magnitude with its sign.
   */
  reduce?: "sum" | "maxAbs";
}

export interface Heatmap extends RasterImage {
  /** The magnitude that has the colour map's full colours: the largest of the picture, or the percentile asked for. */
  readonly maxAbs: number;
}

/**
 * Draws one sample's relevance, as the field does: r[y, x] = sum over c of relevance[y, x, c], its colour that of
 * r / max |r|, so that zero has the middle colour and the largest magnitude an end. Relevance that is zero everywhere has
 * the middle colour everywhere. `percentile` and `gamma` change the contrast before.
 *
 * @param relevance float32 `[h, w, c]` or `[h, w]`, without batch dimension
 * @returns h rows of w opaque pixels
 * @throws ShapeError, NonFiniteError, and ArgumentError for options that there are not
 * @example heatmap({ data: new Float32Array([-1, 0, 1]), shape: [1, 3] })  // a blue, a white and a red pixel
 */
export function heatmap(relevance: Sample, options: HeatmapOptions = {}): Heatmap {
  const { colorMap = "bwr", reduce = "sum" } = options;
  const size = checkSample("heatmap", "relevance", relevance);
  const table = colorTable(colorMap);
  const values = changeContrast(reduceChannels(relevance.data, size, reduce), options);
  const maxAbs = values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);

  const pixels = new Uint8ClampedArray(values.length * 4);
  values.forEach((v, i) => {
    const entry = maxAbs === 0 ? TABLE_ZERO : TABLE_ZERO + Math.round((v / maxAbs) * 127);
    pixels.set(table.subarray(entry * 3, entry * 3 + 3), i * 4);
    pixels[i * 4 + 3] = 255;
  });
  return { width: size.width, height: size.height, pixels, maxAbs };
}

/** One float64 a pixel; sums of float32 cannot overflow there. */
function reduceChannels(
  data: Float32Array,
  { height, width, channels }: SampleSize,
  reduce: "sum" | "maxAbs",
): Float64Array {
  const combine = combiners[reduce];
  if (combine === undefined) {
    throw new ArgumentError(`heatmap: expected reduce to be "sum" or "maxAbs", got "${reduce}"`);
  }
  const values = new Float64Array(height * width);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    values[pixel] = combine(values[pixel] as number, data[i] as number);
  }
  return values;
}

const combiners = {
  sum: (a: number, b: number) => a + b,
  maxAbs: (a: number, b: number) => (Math.abs(b) > Math.abs(a) ? b : a),
};
