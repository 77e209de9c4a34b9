import { kernelsOn, type WasmBackend, withScratch } from "./backend.js";
import type { windowsOf } from "./geometry.js";

type Sizes = readonly [batch: number, inH: number, inW: number, inC: number];
type FilterWindows = readonly [...ReturnType<typeof windowsOf>, outC: number];

/** Runs the kernel of a convolution's gradient for its filter, on addresses, with the scratch that it needs. */
export function filterGradient(
  backend: WasmBackend,
  x: number,
  dy: number,
  dw: number,
  sizes: Sizes,
  windows: FilterWindows,
): void {
  const [kH, kW, sH, sW, rH, rW, , , outH, outW, outC] = windows;
  const kernels = kernelsOn(backend);
  const bytes = kernels.filterGradientScratch(sizes[3], kH, kW, sH, sW, rH, rW, outH, outW, outC);
  withScratch(backend, bytes, (scratch) => kernels.filterGradient(x, dy, dw, scratch, ...sizes, ...windows));
}

/** y[columns, outColumns] = a[rows, columns]^T . b[rows, outColumns]: the gradient of a filter of one pixel. */
export function multiplyTransposedLeft(
  backend: WasmBackend,
  a: number,
  b: number,
  y: number,
  rows: number,
  columns: number,
  outColumns: number,
): void {
  filterGradient(backend, a, b, y, [1, 1, rows, columns], [1, 1, 1, 1, 1, 1, 0, 0, 1, rows, outColumns]);
}
