import { ArgumentError, ShapeError } from "../errors.js";
import { show } from "./ndarray.js";

/** How a convolution, a pooling or a patch extraction slides over an image. */
export interface WindowOptions {
  /** Height and width of the window. */
  kernelShape: readonly [number, number];
  /** Steps between windows. Default `[1, 1]`. */
  strides?: readonly [number, number];
  /** Dilation: steps between the pixels that one window reads. Default `[1, 1]`. */
  rates?: readonly [number, number];
  /** `"same"` or `"valid"`, in any letter case, as TensorFlow defines them. Default `"valid"`. */
  padding?: string;
}

/** The windows of one image size, each pair as (rows, columns). */
export interface Windows {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly rates: readonly [number, number];
  /** Zeros above the first row and left of the first column. */
  readonly pad: readonly [number, number];
  /** How many windows. */
  readonly out: readonly [number, number];
}

/**
 * Lays windows over an image of height x width. With k' = (k - 1) rate + 1:
 *
 *     same:  out = ceil(in / stride), padding max((out - 1) stride + k' - in, 0), the smaller half of it before
 *     valid: out = (in - k' + stride) / stride without remainder, no padding
 *
 * @param tooLarge what a window that is larger than the image gives with `valid`: no windows, or (as TensorFlow does
 *   where the formula is negative) a ShapeError
 */
export function layWindows(
  who: string,
  height: number,
  width: number,
  options: WindowOptions,
  tooLarge: "error" | "empty" = "error",
): Windows {
  const kernel = readPair(who, "kernelShape", options.kernelShape);
  const strides = readPair(who, "strides", options.strides ?? [1, 1]);
  const rates = readPair(who, "rates", options.rates ?? [1, 1]);
  const padding = String(options.padding ?? "valid").toLowerCase();
  if (padding !== "same" && padding !== "valid") {
    throw new ArgumentError(
      `${who}: expected padding "same" or "valid", got ${JSON.stringify(options.padding)}`,
    );
  }
  const axis = (size: number, k: number, stride: number, rate: number): [out: number, pad: number] => {
    const span = (k - 1) * rate + 1;
    if (padding === "same") {
      const out = Math.ceil(size / stride);
      return [out, Math.floor(Math.max((out - 1) * stride + span - size, 0) / 2)];
    }
    const out = Math.trunc((size - span + stride) / stride);
    if (out < 0 && tooLarge === "error") {
      throw new ShapeError(
        `${who}: a window of ${show(kernel)} at rates ${show(rates)} does not fit into the image [${height}, ${width}]`,
      );
    }
    return [Math.max(out, 0), 0];
  };
  const [outH, top] = axis(height, kernel[0], strides[0], rates[0]);
  const [outW, left] = axis(width, kernel[1], strides[1], rates[1]);
  return { kernel, strides, rates, pad: [top, left], out: [outH, outW] };
}

function readPair(who: string, name: string, value: readonly number[]): [number, number] {
  const ok = Array.isArray(value) && value.length === 2 && value.every((n) => Number.isInteger(n) && n >= 1);
  if (!ok || value.some((n) => n > 2 ** 24)) {
    throw new ArgumentError(`${who}: expected ${name} to be two whole numbers from 1, got ${show(value)}`);
  }
  return [value[0] as number, value[1] as number];
}
