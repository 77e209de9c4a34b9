import { ArgumentError, ShapeError } from "../errors.js";
import type { RasterImage } from "./rasterImage.js";
import { checkSample, type Sample } from "./sample.js";

export interface InputImageOptions {
  /** The values that are drawn as 0 and 255; what lies outside is clipped. Default: the smallest and largest there are. */
  range?: readonly [number, number];
}

/**
 * Draws one input sample: 255 (x - lo) / (hi - lo), `[h, w]` and `[h, w, 1]` in gray, `[h, w, 3]` in colour. Without a
 * range, a sample of one value everywhere is black.
 *
 * @param input float32 `[h, w]`, `[h, w, 1]` or `[h, w, 3]`, without batch dimension
 * @returns h rows of w opaque pixels
 * @throws ShapeError, NonFiniteError, and ArgumentError for a range that is empty or not finite
 * @example inputImage({ data: new Float32Array([0, 1]), shape: [1, 2] })  // a black and a white pixel
 */
export function inputImage(input: Sample, options: InputImageOptions = {}): RasterImage {
  const { height, width, channels } = checkSample("inputImage", "input", input);
  if (channels !== 1 && channels !== 3) {
    throw new ShapeError(`inputImage: expected 1 or 3 channels, got ${channels}`);
  }
  const [lo, hi] = options.range ?? extent(input.data);
  if (options.range !== undefined && !(Number.isFinite(hi - lo) && lo < hi)) {
    throw new ArgumentError(`inputImage: expected a range [lo, hi] with lo < hi, got [${lo}, ${hi}]`);
  }
  const scale = hi > lo ? 255 / (hi - lo) : 0;

  const pixels = new Uint8ClampedArray(height * width * 4);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) {
      const value = input.data[i * channels + (channels === 3 ? c : 0)] as number;
      pixels[i * 4 + c] = (value - lo) * scale;
    }
    pixels[i * 4 + 3] = 255;
  }
  return { width, height, pixels };
}

function extent(data: Float32Array): [number, number] {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const v of data) {
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  return [lo, hi];
}
