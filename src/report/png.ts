import { encode } from "fast-png";
import { ArgumentError } from "../errors.js";
import { checkImage, type RasterImage } from "./rasterImage.js";

/**
 * A picture as a PNG file, 8 bits a channel, with opacity.
 *
 * @throws ArgumentError if the picture does not have as many bytes as its size takes
 * @example await writeFileAtomic("heatmap.png", encodePng(heatmap(relevance)))
 */
export function encodePng(image: RasterImage): Uint8Array {
  checkImage("encodePng", image);
  const { width, height, pixels } = image;
  return encode({ width, height, data: pixels, channels: 4, depth: 8 });
}

/** A picture as a `data:` URI of a PNG, for the `src` of an image. */
export function pngDataUri(image: RasterImage): string {
  const bytes = encodePng(image);
  let binary = "";
  // Chunks, because a call cannot take arbitrarily many arguments.
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `data:image/png;base64,${btoa(binary)}`;
}

/**
 * A picture with each pixel drawn as factor x factor pixels.
 *
 * @param factor a whole number from 1
 * @throws ArgumentError for another factor, or a picture that does not have as many bytes as its size takes
 * @example enlarge(heatmap(relevance), 8)
 */
export function enlarge(image: RasterImage, factor: number): RasterImage {
  checkImage("enlarge", image);
  if (!Number.isInteger(factor) || factor < 1) {
    throw new ArgumentError(`enlarge: expected factor to be a whole number from 1, got ${factor}`);
  }
  const width = image.width * factor;
  const height = image.height * factor;
  const from = new Uint32Array(Uint8Array.from(image.pixels).buffer);
  const to = new Uint32Array(width * height);
  for (let y = 0; y < image.height; y++) {
    const top = y * factor * width;
    for (let x = 0; x < image.width; x++) {
      const start = top + x * factor;
      to.fill(from[y * image.width + x] as number, start, start + factor);
    }
    for (let copy = 1; copy < factor; copy++) to.copyWithin(top + copy * width, top, top + width);
  }
  return { width, height, pixels: new Uint8ClampedArray(to.buffer) };
}
