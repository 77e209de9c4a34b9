import { checkImage, type RasterImage } from "./rasterImage.js";

/** What we use of an HTMLCanvasElement or an OffscreenCanvas. */
export interface CanvasLike {
  width: number;
  height: number;
  getContext(kind: "2d"): { putImageData(image: ImageData, x: number, y: number): void } | null;
}

/**
 * Draws a picture on a canvas of the browser, which takes its size.
 *
 * @throws ArgumentError if the picture does not have as many bytes as its size takes
 * @example drawOnCanvas(document.querySelector("canvas"), heatmap(relevance))
 */
export function drawOnCanvas(canvas: CanvasLike, image: RasterImage): void {
  checkImage("drawOnCanvas", image);
  canvas.width = image.width;
  canvas.height = image.height;
  const data = new ImageData(Uint8ClampedArray.from(image.pixels), image.width, image.height);
  canvas.getContext("2d")?.putImageData(data, 0, 0);
}
