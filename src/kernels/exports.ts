/** What the module of gradients exports (assembly/gradients/index.ts). Pointers are bytes, sizes elements. */
export interface GradientExports {
  multiplyTransposed(a: number, b: number, y: number, m: number, n: number, k: number): void;
  filterGradientScratch(
    inC: number,
    kH: number,
    kW: number,
    sH: number,
    sW: number,
    rH: number,
    rW: number,
    outH: number,
    outW: number,
    outC: number,
  ): number;
  filterGradient(
    x: number,
    dy: number,
    dw: number,
    scratch: number,
    batch: number,
    inH: number,
    inW: number,
    inC: number,
    kH: number,
    kW: number,
    sH: number,
    sW: number,
    rH: number,
    rW: number,
    padTop: number,
    padLeft: number,
    outH: number,
    outW: number,
    outC: number,
  ): void;
  flipFilter(
    src: number,
    dst: number,
    kW: number,
    inC: number,
    outC: number,
    tapsH: number,
    tapsW: number,
    firstH: number,
    firstW: number,
    stepH: number,
    stepW: number,
  ): void;
  /** low and high are inclusive. */
  maskGradient(x: number, dy: number, dx: number, n: number, low: number, high: number): void;
  stabilise(z: number, y: number, n: number, epsilon: number): void;
  depthwiseInputGradient: DepthwiseGradient;
  depthwiseFilterGradient: DepthwiseGradient;
  maxPoolGradient(x: number, dy: number, dx: number, ...pooling: PoolingArguments): void;
  averagePoolGradient(dy: number, dx: number, ...pooling: PoolingArguments): void;
}

/** (dy, w, dx) or (x, dy, dw), then the geometry. */
type DepthwiseGradient = (
  a: number,
  b: number,
  result: number,
  batch: number,
  inH: number,
  inW: number,
  inC: number,
  multiplier: number,
  kH: number,
  kW: number,
  sH: number,
  sW: number,
  rH: number,
  rW: number,
  padTop: number,
  padLeft: number,
  outH: number,
  outW: number,
) => void;

export type PoolingArguments = [
  batch: number,
  inH: number,
  inW: number,
  channels: number,
  kH: number,
  kW: number,
  sH: number,
  sW: number,
  padTop: number,
  padLeft: number,
  outH: number,
  outW: number,
];
