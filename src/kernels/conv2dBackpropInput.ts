import type * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../core/ndarray.js";
import { patchesShape, windowArguments } from "../core/patches.js";
import { addressOf, bytesOn, kernelsOn, output, type WasmBackend, withTable } from "./backend.js";
import { withDerived } from "./derived.js";
import { asWindows, type ConvolutionAttributes, convolution, type Geometry } from "./geometry.js";
import { attributes, runStock, runStockSafely, wasmKernel } from "./stock.js";

type Attributes = ConvolutionAttributes & { inputShape: number[] };

/** Up to this many channels a convolution back to the image wastes more than patches cost: it makes 8 at a time. */
const FEW_CHANNELS = 4;

/**
 * The gradient of tf.conv2d for its input, by the backend's own forward convolution:
 *
 *     dx[n, h, w, c] = sum over i, j, o of  dy[n, y, x, o] filter[i, j, c, o]  with  y sH - padTop + i rH = h, x likewise
 *
 * The pixels of dx that lie at one place within the stride take a stride-1 convolution of dy with the filter's pixels that
 * reach them, flipped and transposed (kept while the filter lives). An image of few channels is folded from patches instead.
 */
export const conv2dBackpropInput = wasmKernel<"dy" | "filter", Attributes>(
  "Conv2DBackpropInput",
  (inputs, attrs, backend) => {
    const { dy, filter } = inputs;
    if (attrs.dataFormat === "NCHW")
      return runStock("Conv2DBackpropInput", { inputs, attrs: attributes(attrs), backend });
    if (sizeOf(dy.shape) === 0 || sizeOf(filter.shape) === 0 || sizeOf(attrs.inputShape) === 0)
      return output(backend, attrs.inputShape, "float32", (to) => clear(backend, to, attrs.inputShape));
    const g = convolution(attrs.inputShape, filter.shape, attrs);
    if (g.inChannels <= FEW_CHANNELS && g.filterHeight * g.filterWidth > 1)
      return byPatches(backend, dy, filter, g);
    return byConvolution(backend, dy, filter, g);
  },
);

/** dy . filter^T are the gradients of the patches, which are then added up where they overlap. One image at a time. */
function byPatches(
  backend: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  g: Geometry,
): tf.TensorInfo {
  const windows = asWindows(g);
  const columns = g.filterHeight * g.filterWidth * g.inChannels;
  const rows = g.outHeight * g.outWidth;
  const image = g.inHeight * g.inWidth * g.inChannels * 4;
  return output(backend, g.inShape, "float32", (to) => {
    const patches = output(backend, patchesShape(1, g.inChannels, windows), "float32", () => {});
    try {
      const kernels = kernelsOn(backend);
      const [from, w, between] = [dy, filter, patches].map((tensor) => addressOf(backend, tensor)) as [
        number,
        number,
        number,
      ];
      const sizes = [1, g.inHeight, g.inWidth, g.inChannels] as const;
      for (let n = 0; n < g.batchSize; n++) {
        const gradient = from + n * rows * g.outChannels * 4;
        kernels.multiplyTransposed(gradient, w, between, rows, columns, g.outChannels);
        kernels.foldPatches(between, to + n * image, ...sizes, ...windowArguments(windows));
      }
    } finally {
      backend.disposeData(patches.dataId);
    }
  });
}

/**
 * Of one axis, the pixels at one place within the stride: h = start, start + stride, ..., `count` of them. The filter's
 * pixels first, first + step, ... reach them, `taps` in all, as a convolution of that dilation. The convolution begins so
 * many pixels before dy (`before`; where that is negative, its first pixels are too early).
 */
interface Phase {
  start: number;
  count: number;
  first: number;
  step: number;
  taps: number;
  dilation: number;
  before: number;
}

/** The places within the stride of one axis. */
function phasesOf(size: number, kernel: number, stride: number, rate: number, pad: number): Phase[] {
  const common = greatestCommonDivisor(stride, rate);
  return Array.from({ length: Math.min(stride, size) }, (_, start): Phase => {
    const place = (start + pad) % stride;
    const count = Math.ceil((size - start) / stride);
    const step = stride / common;
    const dilation = rate / common;
    let first = 0;
    while (first < step && (first * rate) % stride !== place) first++;
    if (first === step || first >= kernel) return { start, count, first, step, taps: 0, dilation, before: 0 };
    const taps = Math.ceil((kernel - first) / step);
    const offset = (start + pad - first * rate) / stride;
    return { start, count, first, step, taps, dilation, before: (taps - 1) * dilation - offset };
  });
}

function byConvolution(
  backend: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  g: Geometry,
): tf.TensorInfo {
  const { padInfo } = g;
  const rows = phasesOf(g.inHeight, g.filterHeight, g.strideHeight, g.dilationHeight, padInfo.top);
  const columns = phasesOf(g.inWidth, g.filterWidth, g.strideWidth, g.dilationWidth, padInfo.left);
  const pairs = rows.flatMap((row) => columns.map((column) => [row, column] as const));
  const [row, column] = pairs[0] as (typeof pairs)[number];
  if (pairs.length === 1 && row.taps * column.taps > 0 && row.before >= 0 && column.before >= 0) {
    const whole = convolve(backend, dy, filter, g, row, column);
    const [, height, width] = whole.shape;
    if (height === g.inHeight && width === g.inWidth) return { ...whole, shape: g.inShape };
    try {
      return output(backend, g.inShape, "float32", (to) => place(backend, whole, to, g, row, column));
    } finally {
      backend.disposeData(whole.dataId);
    }
  }
  return output(backend, g.inShape, "float32", (to) => {
    if (pairs.some(([r, c]) => r.taps * c.taps === 0)) clear(backend, to, g.inShape);
    for (const [r, c] of pairs) {
      if (r.taps * c.taps === 0) continue;
      const piece = convolve(backend, dy, filter, g, r, c);
      try {
        place(backend, piece, to, g, r, c);
      } finally {
        backend.disposeData(piece.dataId);
      }
    }
  });
}

/** The stride-1 convolution of dy for one phase; too large where dy reaches beyond what the phase needs. */
function convolve(
  backend: WasmBackend,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  g: Geometry,
  row: Phase,
  column: Phase,
): tf.TensorInfo {
  const key = `${filter.shape} ${[row, column].map(({ first, step, taps }) => [first, step, taps])}`;
  const { inChannels, outChannels } = g;
  const flipped = () =>
    output(backend, [row.taps, column.taps, outChannels, inChannels], "float32", (to) =>
      kernelsOn(backend).flipFilter(
        addressOf(backend, filter),
        to,
        g.filterWidth,
        inChannels,
        outChannels,
        row.taps,
        column.taps,
        row.first,
        column.first,
        row.step,
        column.step,
      ),
    );
  const vertical = padding(row, g.outHeight);
  const horizontal = padding(column, g.outWidth);
  const attrs = {
    strides: [1, 1],
    dilations: [row.dilation, column.dilation],
    pad: [[0, 0], vertical.pad, horizontal.pad, [0, 0]],
    dataFormat: "NHWC",
  };
  const shape = [g.batchSize, vertical.size, horizontal.size, inChannels];
  return withDerived(backend, filter, key, flipped, (w) =>
    runStockSafely("Conv2D", { inputs: { x: dy, filter: w }, attrs: attributes(attrs), backend }, shape),
  );
}

/** The padding of dy along an axis, and how many pixels come of it. */
function padding(
  { before, taps, dilation, count }: Phase,
  size: number,
): { pad: [number, number]; size: number } {
  const reach = (taps - 1) * dilation;
  const early = Math.max(0, -before);
  const top = Math.max(0, before);
  const bottom = Math.max(0, early + count - (size + top - reach));
  return { pad: [top, bottom], size: size + top + bottom - reach };
}

/** Puts a phase's pixels where they belong in dx. */
function place(
  backend: WasmBackend,
  piece: tf.TensorInfo,
  to: number,
  g: Geometry,
  row: Phase,
  column: Phase,
): void {
  const [, height, width] = piece.shape as [number, number, number, number];
  const pixel = g.inChannels * 4;
  const [inRow, pieceRow] = [g.inWidth * pixel, width * pixel];
  const axes = [
    [g.batchSize, height * pieceRow, g.inHeight * inRow],
    [row.count, pieceRow, g.strideHeight * inRow],
    [column.count, pixel, g.strideWidth * pixel],
  ];
  const early = Math.max(0, -row.before) * pieceRow + Math.max(0, -column.before) * pixel;
  const from = addressOf(backend, piece) + early;
  const first = to + row.start * inRow + column.start * pixel;
  withTable(backend, Int32Array.from(axes.flat()), (table) =>
    kernelsOn(backend).moveRows(from, first, table, axes.length, pixel),
  );
}

function clear(backend: WasmBackend, address: number, shape: readonly number[]): void {
  bytesOn(backend, address, sizeOf(shape) * 4).fill(0);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
