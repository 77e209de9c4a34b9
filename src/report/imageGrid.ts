import { ArgumentError } from "../errors.js";
import { checkImage, type RasterImage } from "./rasterImage.js";

export interface ImageGridOptions {
  /** Default: as many as make the grid about square. */
  columns?: number;
  /** Pixels between pictures. Default 2. */
  gap?: number;
}

/**
 * Pictures of one size side by side in one, row by row; between them, and where the last row ends early, it is transparent.
 *
 * @throws ArgumentError for no pictures, pictures of different sizes, or columns and gaps that are no whole numbers
 * @example encodePng(imageGrid(samples.map((r) => heatmap(r)), { columns: 8 }))
 */
export function imageGrid(images: readonly RasterImage[], options: ImageGridOptions = {}): RasterImage {
  const who = "imageGrid";
  const [first] = images;
  if (first === undefined) throw new ArgumentError(`${who}: expected at least one picture, got none`);
  const { columns = Math.ceil(Math.sqrt(images.length)), gap = 2 } = options;
  if (!Number.isInteger(columns) || columns < 1)
    throw new ArgumentError(`${who}: expected columns to be a whole number from 1, got ${columns}`);
  if (!Number.isInteger(gap) || gap < 0)
    throw new ArgumentError(`${who}: expected gap to be a whole number from 0, got ${gap}`);
  images.forEach((image, i) => {
    checkImage(who, image);
    if (image.width !== first.width || image.height !== first.height) {
      throw new ArgumentError(
        `${who}: expected pictures of ${first.width} x ${first.height}, as the first has, got ${image.width} x ${image.height} at ${i}`,
      );
    }
  });
  const rows = Math.ceil(images.length / columns);
  const used = Math.min(columns, images.length);
  const width = used * (first.width + gap) - gap;
  const height = rows * (first.height + gap) - gap;
  const pixels = new Uint8ClampedArray(width * height * 4);
  images.forEach((image, i) => {
    const left = (i % columns) * (first.width + gap);
    const top = Math.floor(i / columns) * (first.height + gap);
    for (let y = 0; y < first.height; y++) {
      const row = image.pixels.subarray(y * first.width * 4, (y + 1) * first.width * 4);
      pixels.set(row, ((top + y) * width + left) * 4);
    }
  });
  return { width, height, pixels };
}
