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
    /** Address of `scratchBytes` bytes, or 0. */
    scratch?: number,
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
  /** infinite is 1 for "is an infinity", 0 for "is NaN". */
  nonFiniteMask(src: number, dst: number, n: number, infinite: number): void;
  firstNonFinite(src: number, n: number): number;
  countNonFinite(src: number, n: number): number;
  gather(
    src: number,
    indices: number,
    dst: number,
    batch: number,
    outer: number,
    size: number,
    count: number,
    rowBytes: number,
  ): number;
  scatterAdd(
    src: number,
    indices: number,
    dst: number,
    batch: number,
    outer: number,
    size: number,
    count: number,
    row: number,
    dropNegative: number,
    ints: number,
  ): number;
  gatherNd(
    src: number,
    indices: number,
    axes: number,
    dst: number,
    batch: number,
    count: number,
    depth: number,
    block: number,
    row: number,
  ): number;
  scatterNdAdd(
    src: number,
    indices: number,
    axes: number,
    dst: number,
    batch: number,
    count: number,
    depth: number,
    block: number,
    row: number,
  ): number;
  repeat(narrow: number, wide: number, outer: number, times: number, rowBytes: number): void;
  sumRows(wide: number, narrow: number, outer: number, times: number, row: number): void;
  moveRows(src: number, dst: number, axes: number, rank: number, rowBytes: number): void;
  transposePlanes(
    src: number,
    dst: number,
    axes: number,
    rank: number,
    rows: number,
    columns: number,
    srcRow: number,
    dstRow: number,
    elementBytes: number,
  ): void;
  floatToInt(src: number, dst: number, n: number): void;
  intToFloat(src: number, dst: number, n: number): void;
  floatToBool(src: number, dst: number, n: number): void;
  intToBool(src: number, dst: number, n: number): void;
  boolToWord(src: number, dst: number, n: number, one: number): void;
}

/** The names above, for checking a module that a caller brings. */
export const KERNEL_NAMES = [
  "extractPatches",
  "foldPatches",
  "finiteMask",
  "nonFiniteMask",
  "firstNonFinite",
  "countNonFinite",
  "gather",
  "scatterAdd",
  "gatherNd",
  "scatterNdAdd",
  "repeat",
  "sumRows",
  "moveRows",
  "transposePlanes",
  "floatToInt",
  "intToFloat",
  "floatToBool",
  "intToBool",
  "boolToWord",
] as const satisfies readonly (keyof KernelExports)[];
