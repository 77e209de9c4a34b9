/** What every kernel module exports (assembly/index.ts). Pointers and sizes are bytes unless a name says otherwise. */
export interface KernelExports {
  extractPatches(
    src: number,
    dst: number,
    batch: number,
    inH: number,
    inW: number,
    pixelBytes: number,
    kH: number,
    kW: number,
    strideH: number,
    strideW: number,
    rateH: number,
    rateW: number,
    padTop: number,
    padLeft: number,
    outH: number,
    outW: number,
  ): void;
  foldPatches(
    src: number,
    dst: number,
    batch: number,
    inH: number,
    inW: number,
    channels: number,
    kH: number,
    kW: number,
    strideH: number,
    strideW: number,
    rateH: number,
    rateW: number,
    padTop: number,
    padLeft: number,
    outH: number,
    outW: number,
  ): void;
  /** n elements; finite is 1 for "is finite", 0 for "is not". */
  finiteMask(src: number, dst: number, n: number, finite: number): void;
  firstNonFinite(src: number, n: number): number;
  countNonFinite(src: number, n: number): number;
}

/** The names above, for checking a module that a caller brings. */
export const KERNEL_NAMES = [
  "extractPatches",
  "foldPatches",
  "finiteMask",
  "firstNonFinite",
  "countNonFinite",
] as const satisfies readonly (keyof KernelExports)[];
