import {
  type ColorMapName,
  enlarge,
  type Heatmap,
  heatmap,
  inputImage,
  overlay,
  type RasterImage,
  type Sample,
  seriesSvg,
  tokensSvg,
} from "../report/index.js";
import type { InputKind } from "./inputKind.js";
import type { Vocabulary } from "./vocabulary.js";

/** A picture of pixels, or an SVG. */
export type Picture =
  | { readonly kind: "pixels"; readonly image: RasterImage }
  | { readonly kind: "svg"; readonly svg: string };

export interface PictureOptions {
  readonly kind: InputKind;
  readonly colorMap: ColorMapName;
  readonly percentile?: number;
  readonly gamma?: number;
  /** The heatmap lies over the image, this opaque. */
  readonly overlay?: number;
  readonly range: readonly [number, number];
  readonly words: Vocabulary;
  readonly title?: string;
}

/** What a sample's relevance looks like; null for what has no picture. */
export function relevancePicture(x: Sample, relevance: Sample, options: PictureOptions): Picture | null {
  const { kind, words, title } = options;
  const style = {
    colorMap: options.colorMap,
    ...(options.percentile !== undefined && { percentile: options.percentile }),
    ...(options.gamma !== undefined && { gamma: options.gamma }),
  };
  const titled = title === undefined ? style : { ...style, title };
  if (kind === "none") return null;
  if (kind === "tokens" && relevance.shape[0] === x.data.length && relevance.shape.length <= 2) {
    return { kind: "svg", svg: tokensSvg(Array.from(x.data, words), relevance, titled) };
  }
  if (kind === "series") {
    const signal = asSeries(x);
    const spread = overChannels(asSeries(relevance), signal.shape);
    if (spread !== null) return { kind: "svg", svg: seriesSvg(signal, spread, titled) };
  }
  const shape = drawable(relevance.shape);
  if (shape === null) return null;
  const heat: Heatmap = heatmap({ data: relevance.data, shape }, style);
  const below = options.overlay === undefined ? null : samplePixels(x, options.range);
  return {
    kind: "pixels",
    image: below === null ? heat : overlay(below, heat, { alpha: options.overlay ?? 0.5 }),
  };
}

/** The input itself as pixels, or null where it is no image of one or three channels. */
export function samplePixels({ data, shape }: Sample, range: readonly [number, number]): RasterImage | null {
  const picture = drawable(shape);
  const channels = picture?.[2] ?? 1;
  if (picture === null || (channels !== 1 && channels !== 3)) return null;
  const inside = data.every((v) => v >= range[0] && v <= range[1]);
  return inputImage({ data, shape: picture }, inside ? { range } : {});
}

/** PNGs are enlarged by whole factors to at least this many pixels a side. */
const PNG_SIDE = 224;

export function enlarged(image: RasterImage): RasterImage {
  return enlarge(image, Math.max(1, Math.ceil(PNG_SIDE / Math.max(image.width, image.height))));
}

/** The shape as which an array is drawn: `[h, w, c]`, `[h, w]`, or a row of pixels; null for what has no picture. */
function drawable(shape: readonly number[]): number[] | null {
  if (shape.length === 1) return [1, shape[0] as number];
  return shape.length === 2 || shape.length === 3 ? [...shape] : null;
}

/** `[steps, channels]` of `[1, steps, channels]`, and of `[steps, channels, 1]`, as convolutions in 2D take a series. */
function asSeries({ data, shape }: Sample): Sample {
  if (shape.length !== 3 || !shape.includes(1)) return { data, shape };
  const one = shape[0] === 1 ? 0 : shape.lastIndexOf(1);
  return { data, shape: shape.filter((_, axis) => axis !== one) };
}

/** Relevance of a signal's shape; that of whole steps, `[steps, 1]`, is given to each channel. */
function overChannels(relevance: Sample, shape: readonly number[]): Sample | null {
  const [steps, channels = 1] = shape;
  if (String(relevance.shape) === String(shape)) return relevance;
  if (relevance.shape[0] !== steps || relevance.data.length !== steps) return null;
  const data = Float32Array.from(
    { length: steps * channels },
    (_, i) => relevance.data[Math.floor(i / channels)] as number,
  );
  return { data, shape };
}
