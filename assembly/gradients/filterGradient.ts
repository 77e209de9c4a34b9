/**
 * The gradient of a convolution for its filter.
 *
 *   x   [batch, inH, inW, inC]      dy  [batch, outH, outW, outC]      dw  [kH, kW, inC, outC]      float32
 *
 *   dw[i, j, c, o] = sum over n, y, x of  x[n, y sH - padTop + i rH, x sW - padLeft + j rW, c] dy[n, y, x, o]
 *
 * With one pixel a filter and stride 1 this is the product x^T . dy of two matrices.
 *
 * It is worked on in chunks of at most CHUNK pixels of dy. A chunk and the part of x under it are first laid out in scratch
 * in panels, so that the inner loop reads two streams of memory and keeps a tile of 4 x 8 sums in registers:
 *
 *   panels of x   [inC / 4, spanH, spanW, 4]      zeros where the image or its channels end
 *   panels of dy  [outC / 8, rows, columns, 8]    zeros where the channels end
 *   one tile      [4, 8]                          for sums at the edge of dw
 *
 * The terms of a sum are added in float32, in the order of the pixels.
 */
import { four } from "./matmul";

/** Pixels of dy at a time: their panel of 8 channels and what lies under it fill half of a common first cache. */
const CHUNK: i32 = 512;

/** Bytes of scratch that filterGradient needs. */
export function filterGradientScratch(
  inC: i32,
  kH: i32,
  kW: i32,
  sH: i32,
  sW: i32,
  rH: i32,
  rW: i32,
  outH: i32,
  outW: i32,
  outC: i32,
): usize {
  const columns = columnsOf(outW);
  const rows = rowsOf(outH, columns);
  const image = <usize>blocks(inC, 4) * <usize>span(rows, sH, kH, rH) * <usize>span(columns, sW, kW, rW) * 16;
  return image + <usize>blocks(outC, 8) * <usize>rows * <usize>columns * 32 + 128;
}

export function filterGradient(
  x: usize,
  dy: usize,
  dw: usize,
  scratch: usize,
  batch: i32,
  inH: i32,
  inW: i32,
  inC: i32,
  kH: i32,
  kW: i32,
  sH: i32,
  sW: i32,
  rH: i32,
  rW: i32,
  padTop: i32,
  padLeft: i32,
  outH: i32,
  outW: i32,
  outC: i32,
): void {
  memory.fill(dw, 0, (<usize>kH * <usize>kW * <usize>inC * <usize>outC) << 2);
  const columns = columnsOf(outW);
  const rows = rowsOf(outH, columns);
  const tile = scratch;
  const imagePanels = scratch + 128;
  for (let n = 0; n < batch; n++) {
    const image = x + ((<usize>n * <usize>inH * <usize>inW * <usize>inC) << 2);
    for (let top = 0; top < outH; top += rows) {
      const height = min(rows, outH - top);
      const spanH = span(height, sH, kH, rH);
      for (let left = 0; left < outW; left += columns) {
        const width = min(columns, outW - left);
        const spanW = span(width, sW, kW, rW);
        packImage(image, imagePanels, top * sH - padTop, left * sW - padLeft, spanH, spanW, inH, inW, inC);
        const panel = <usize>spanH * <usize>spanW * 16;
        const dyPanels = imagePanels + <usize>blocks(inC, 4) * panel;
        const first = (n * outH + top) * outW + left;
        packGradient(dy + ((<usize>first * <usize>outC) << 2), dyPanels, height, width, outW, outC);
        const dyPanel = <usize>height * <usize>width * 32;
        for (let o = 0, yp = dyPanels; o < outC; o += 8, yp += dyPanel) {
          for (let c = 0, xp = imagePanels; c < inC; c += 4, xp += panel) {
            for (let i = 0; i < kH; i++) {
              for (let j = 0; j < kW; j++) {
                const from = xp + <usize>(i * rH * spanW + j * rW) * 16;
                const to = dw + ((<usize>((i * kW + j) * inC + c) * <usize>outC + <usize>o) << 2);
                const xRow = <usize>(sH * spanW) * 16;
                const xStep = (<usize>sW) << 4;
                if (c + 4 <= inC && o + 8 <= outC) {
                  accumulate(from, yp, to, (<usize>outC) << 2, height, width, xRow, xStep);
                } else {
                  memory.fill(tile, 0, 128);
                  accumulate(from, yp, tile, 32, height, width, xRow, xStep);
                  addPart(tile, to, min(4, inC - c), min(8, outC - o), outC);
                }
              }
            }
          }
        }
      }
    }
  }
}

/** dst[c, o] += sum over the chunk's pixels of xp[pixel, c] yp[pixel, o], c < 4, o < 8; `row` bytes a row of dst. */
function accumulate(
  xp: usize,
  yp: usize,
  dst: usize,
  row: usize,
  height: i32,
  width: i32,
  xRow: usize,
  xStep: usize,
): void {
  if (ASC_FEATURE_SIMD) {
    const second = dst + row;
    const third = second + row;
    const fourth = third + row;
    let a0 = v128.load(dst);
    let a1 = v128.load(dst, 16);
    let b0 = v128.load(second);
    let b1 = v128.load(second, 16);
    let c0 = v128.load(third);
    let c1 = v128.load(third, 16);
    let d0 = v128.load(fourth);
    let d1 = v128.load(fourth, 16);
    for (let y = 0; y < height; y++, xp += xRow) {
      const end = yp + ((<usize>width) << 5);
      for (let p = xp; yp < end; yp += 32, p += xStep) {
        const y0 = v128.load(yp);
        const y1 = v128.load(yp, 16);
        let v = v128.load_splat<f32>(p);
        a0 = f32x4.add(a0, f32x4.mul(v, y0));
        a1 = f32x4.add(a1, f32x4.mul(v, y1));
        v = v128.load_splat<f32>(p, 4);
        b0 = f32x4.add(b0, f32x4.mul(v, y0));
        b1 = f32x4.add(b1, f32x4.mul(v, y1));
        v = v128.load_splat<f32>(p, 8);
        c0 = f32x4.add(c0, f32x4.mul(v, y0));
        c1 = f32x4.add(c1, f32x4.mul(v, y1));
        v = v128.load_splat<f32>(p, 12);
        d0 = f32x4.add(d0, f32x4.mul(v, y0));
        d1 = f32x4.add(d1, f32x4.mul(v, y1));
      }
    }
    v128.store(dst, a0);
    v128.store(dst, a1, 16);
    v128.store(second, b0);
    v128.store(second, b1, 16);
    v128.store(third, c0);
    v128.store(third, c1, 16);
    v128.store(fourth, d0);
    v128.store(fourth, d1, 16);
  } else {
    for (let c: usize = 0; c < 16; c += 4, dst += row) {
      for (let o: usize = 0; o < 32; o += 16) {
        let s0 = load<f32>(dst + o);
        let s1 = load<f32>(dst + o, 4);
        let s2 = load<f32>(dst + o, 8);
        let s3 = load<f32>(dst + o, 12);
        let q = yp + o;
        for (let y = 0, start = xp + c; y < height; y++, start += xRow) {
          for (let i = 0, p = start; i < width; i++, p += xStep, q += 32) {
            const v = load<f32>(p);
            s0 += v * load<f32>(q);
            s1 += v * load<f32>(q, 4);
            s2 += v * load<f32>(q, 8);
            s3 += v * load<f32>(q, 12);
          }
        }
        store<f32>(dst + o, s0);
        store<f32>(dst + o, s1, 4);
        store<f32>(dst + o, s2, 8);
        store<f32>(dst + o, s3, 12);
      }
    }
  }
}

/** The first rows and columns of a tile [4, 8], added to dw where its channels end. */
function addPart(tile: usize, dst: usize, rows: i32, columns: i32, outC: i32): void {
  for (let c = 0; c < rows; c++, tile += 32, dst += (<usize>outC) << 2) {
    for (let o: usize = 0; o < (<usize>columns) << 2; o += 4)
      store<f32>(dst + o, load<f32>(dst + o) + load<f32>(tile + o));
  }
}

function packImage(
  image: usize,
  panels: usize,
  top: i32,
  left: i32,
  spanH: i32,
  spanW: i32,
  inH: i32,
  inW: i32,
  inC: i32,
): void {
  const panel = <usize>spanH * <usize>spanW * 16;
  for (let i = 0; i < spanH; i++) {
    for (let j = 0; j < spanW; j++, panels += 16) {
      const y = top + i;
      const x = left + j;
      const inside = y >= 0 && y < inH && x >= 0 && x < inW;
      let from = image + ((<usize>(y * inW + x) * <usize>inC) << 2);
      let to = panels;
      for (let c = 0; c < inC; c += 4, from += 16, to += panel) copyFour(to, from, inside ? inC - c : 0);
    }
  }
}

function packGradient(dy: usize, panels: usize, height: i32, width: i32, outW: i32, outC: i32): void {
  const panel = <usize>height * <usize>width * 32;
  for (let i = 0; i < height; i++, dy += (<usize>outW * <usize>outC) << 2) {
    let from = dy;
    for (let j = 0; j < width; j++, panels += 32) {
      let to = panels;
      for (let o = 0; o < outC; o += 8, to += panel) {
        copyFour(to, from + ((<usize>o) << 2), outC - o);
        copyFour(to + 16, from + ((<usize>o) << 2) + 16, outC - o - 4);
      }
      from += (<usize>outC) << 2;
    }
  }
}

/** The first `count` of four floats, and zeros. */
function copyFour(dst: usize, src: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(dst, count > 0 ? four(src, count) : f32x4.splat(0));
  } else {
    for (let i = 0; i < 4; i++) {
      const at = (<usize>i) << 2;
      store<u32>(dst + at, i < count ? load<u32>(src + at) : 0);
    }
  }
}

/** How far windows reach: `count` of them, `size` wide, in the input. */
function span(count: i32, stride: i32, size: i32, rate: i32): i32 {
  return (count - 1) * stride + (size - 1) * rate + 1;
}

function columnsOf(outW: i32): i32 {
  return max(1, min(outW, CHUNK));
}

function rowsOf(outH: i32, columns: i32): i32 {
  return max(1, min(outH, CHUNK / columns));
}

function blocks(n: i32, size: i32): i32 {
  return (n + size - 1) / size;
}
