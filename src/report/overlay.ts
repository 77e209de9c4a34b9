import { ArgumentError } from "../errors.js";
import { checkImage, type RasterImage } from "./rasterImage.js";

export interface OverlayOptions {
  /** How opaque the heatmap is, 0 to 1. Default 0.5. */
  alpha?: number;
}

/**
 * A heatmap over the picture it explains: alpha heatmap + (1 - alpha) picture. A heatmap of another size is stretched to the
 * picture's, smoothly.
 *
 * @throws ArgumentError for an alpha outside [0, 1], or a picture that does not have as many bytes as its size takes
 * @example overlay(inputImage(x), heatmap(relevance), { alpha: 0.6 })
 */
export function overlay(
  image: RasterImage,
  heatmap: RasterImage,
  { alpha = 0.5 }: OverlayOptions = {},
): RasterImage {
  checkImage("overlay", image);
  checkImage("overlay", heatmap);
  if (!(alpha >= 0 && alpha <= 1))
    throw new ArgumentError(`overlay: expected alpha from 0 to 1, got ${alpha}`);
  const { width, height } = image;
  const pixels = Uint8ClampedArray.from(image.pixels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) {
        const over = sampled(
          heatmap,
          ((x + 0.5) / width) * heatmap.width,
          ((y + 0.5) / height) * heatmap.height,
          c,
        );
        pixels[at + c] = alpha * over + (1 - alpha) * (image.pixels[at + c] as number);
      }
    }
  }
  return { width, height, pixels };
}

/** A picture's channel at a point, between the four nearest pixels linearly; pixel (0, 0) has its middle at (0.5, 0.5). */
function sampled({ width, height, pixels }: RasterImage, x: number, y: number, channel: number): number {
  const at = (i: number, j: number) =>
    pixels[(clamp(j, height - 1) * width + clamp(i, width - 1)) * 4 + channel] as number;
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const [right, down] = [x - 0.5 - left, y - 0.5 - top];
  const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
  const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
  return upper * (1 - down) + lower * down;
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
