import { InputFormatError } from "../../errors.js";
import { messageOf } from "../../text.js";

/** Three bytes a pixel, row by row. */
export interface DecodedImage {
  readonly height: number;
  readonly width: number;
  readonly rgb: Uint8Array;
}

/**
 * Decodes an image with sharp, an optional dependency: upright, on white, in sRGB of 8 bits, resized where a size is given.
 */
export async function readImage(
  file: Uint8Array,
  size: { height: number | null; width: number | null },
): Promise<DecodedImage> {
  const sharp = await importSharp();
  const decoder = sharp(file, { autoOrient: true }).flatten({ background: "#ffffff" }).toColourspace("srgb");
  // Linear interpolation has no overshoot; JPEG's own shrinking would shift the picture a little.
  decoder.resize(size.width, size.height, { fit: "fill", kernel: "linear", fastShrinkOnLoad: false });
  const { data, info } = await decoder.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const { height, width, channels } = info;
  const rgb =
    channels === 3
      ? data
      : Uint8Array.from({ length: height * width * 3 }, (_, i) => data[Math.floor(i / 3)] as number);
  return { height, width, rgb };
}

async function importSharp(): Promise<typeof import("sharp")["default"]> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    const reason = messageOf(cause);
    throw new InputFormatError(
      `reading images takes the optional package sharp, which cannot be loaded; "npm install sharp" installs it, ` +
        `and .npy and .json files need no such thing (${reason})`,
      { cause },
    );
  }
}
