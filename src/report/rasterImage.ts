import { ArgumentError } from "../errors.js";

/** A picture in memory: four bytes a pixel (red, green, blue, opacity), row by row from the top left. */
export interface RasterImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray;
}

/** Throws an ArgumentError unless the picture has a whole size and as many bytes as that takes. */
export function checkImage(who: string, { width, height, pixels }: RasterImage): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new ArgumentError(`${who}: expected a whole width and height from 1, got ${width} x ${height}`);
  }
  if (pixels.length !== width * height * 4) {
    throw new ArgumentError(
      `${who}: a picture of ${width} x ${height} takes ${width * height * 4} bytes, got ${pixels.length}`,
    );
  }
}
