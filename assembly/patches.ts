/**
 * The patches of a convolution and their adjoint.
 *
 *   image    [batch, inH, inW, channels]                      row-major, `pixel` bytes a pixel (channels * element)
 *   patches  [batch, outH, outW, kH, kW, channels]            row-major, no gaps
 *
 *   patches[b, oy, ox, ky, kx, :] = image[b, oy * strideH - padTop + ky * rateH, ox * strideW - padLeft + kx * rateW, :]
 *
 * and 0 where that lies outside the image. With rateW = 1 the kW pixels of one kernel row lie side by side in the
 * image, so that a patch is kH runs; otherwise it is kH * kW single pixels.
 *
 * Sizes and positions are in pixels unless a name says bytes. The caller has checked that no size passes 2^31 - 1.
 */
import { addFloats, copyBytes, copySixteen, zeroBytes } from "./bytes";

/**
 * Runs of at least this many bytes are left to the engine's memory.copy, sooner than elsewhere: patches are written far more
 * than they are read, and the system's copy does not first read what it is about to overwrite.
 */
const LONG_RUN: usize = 512;

/**
 * dst = patches of src. Moves bytes: exact for every dtype.
 *
 * `scratch` is 0, or room for one image with all its padding, (outH - 1) strideH + (kH - 1) rateH + 1 rows of as many
 * pixels in the other direction: each image is then laid into it first, so that no window needs a look at its border.
 */
export function extractPatches(
  src: usize,
  dst: usize,
  batch: i32,
  inH: i32,
  inW: i32,
  pixel: usize,
  kH: i32,
  kW: i32,
  strideH: i32,
  strideW: i32,
  rateH: i32,
  rateW: i32,
  padTop: i32,
  padLeft: i32,
  outH: i32,
  outW: i32,
  scratch: usize,
): void {
  const height = (outH - 1) * strideH + (kH - 1) * rateH + 1;
  const width = (outW - 1) * strideW + (kW - 1) * rateW + 1;
  const image = <usize>inH * <usize>inW * pixel;
  const patches = <usize>outH * <usize>outW * <usize>kH * <usize>kW * pixel;
  if (patches == 0) return;
  const inside = padTop == 0 && padLeft == 0 && height <= inH && width <= inW;
  for (let b = 0; b < batch; b++, src += image, dst += patches) {
    if (inside) {
      patchesInside(src, dst, inW, pixel, kH, kW, strideH, strideW, rateH, rateW, outH, outW);
    } else if (scratch != 0) {
      padImage(src, scratch, inH, inW, pixel, padTop, padLeft, height, width);
      patchesInside(scratch, dst, width, pixel, kH, kW, strideH, strideW, rateH, rateW, outH, outW);
    } else {
      patchesAcross(
        src,
        dst,
        inH,
        inW,
        pixel,
        kH,
        kW,
        strideH,
        strideW,
        rateH,
        rateW,
        padTop,
        padLeft,
        outH,
        outW,
      );
    }
  }
}

/** The patches of one image of which no window leaves it. */
function patchesInside(
  src: usize,
  dst: usize,
  inW: i32,
  pixel: usize,
  kH: i32,
  kW: i32,
  strideH: i32,
  strideW: i32,
  rateH: i32,
  rateW: i32,
  outH: i32,
  outW: i32,
): void {
  const inRow = <usize>inW * pixel;
  const down = <usize>rateH * inRow;
  const across = <usize>strideW * pixel;
  const step = <usize>rateW * pixel;
  const run = <usize>kW * pixel;
  const patch = <usize>kH * run;
  for (let oy = 0; oy < outH; oy++, src += <usize>strideH * inRow) {
    let from = src;
    for (let ox = 0; ox < outW; ox++, from += across) {
      let row = from;
      const end = dst + patch;
      if (ASC_FEATURE_SIMD && pixel == 4 && rateW == 2 && kW >= 4 && kW <= 8) {
        // Two vectors, which overlap where a run is shorter.
        const last = run - 16;
        for (; dst < end; dst += run, row += down) {
          v128.store(dst, evenWords(row));
          v128.store(dst + last, evenWords(row + (last << 1)));
        }
      } else if (pixel == 16 && rateW != 1) {
        for (; dst < end; row += down) {
          for (let next = dst + run, from = row; dst < next; dst += 16, from += step) {
            copySixteen(dst, from);
          }
        }
      } else if (rateW != 1) {
        for (; dst < end; dst += run, row += down) copyApart(dst, row, kW, pixel, step);
      } else if (ASC_FEATURE_SIMD && run >= 16 && run <= 64) {
        // Four vectors, of which later ones overlap where a run is shorter, cost less than a question.
        const last = run - 16;
        const second = min<usize>(16, last);
        const third = min<usize>(32, last);
        for (; dst < end; dst += run, row += down) {
          v128.store(dst, v128.load(row));
          v128.store(dst + second, v128.load(row + second));
          v128.store(dst + third, v128.load(row + third));
          v128.store(dst + last, v128.load(row + last));
        }
      } else {
        for (; dst < end; dst += run, row += down) copyRun(dst, row, run);
      }
    }
  }
}

/** An image of inH x inW pixels in the middle of height x width zeros; what does not fit there is left out. */
function padImage(
  src: usize,
  dst: usize,
  inH: i32,
  inW: i32,
  pixel: usize,
  padTop: i32,
  padLeft: i32,
  height: i32,
  width: i32,
): void {
  const row = <usize>width * pixel;
  memory.fill(dst, 0, <usize>height * row);
  const kept = <usize>max(0, min(inW, width - padLeft)) * pixel;
  const rows = min(inH, height - padTop);
  dst += <usize>padTop * row + <usize>padLeft * pixel;
  for (let y = 0; y < rows; y++, dst += row, src += <usize>inW * pixel) copyBytes(dst, src, kept);
}

/** The patches of one image whose windows may leave it: there they are 0. */
function patchesAcross(
  src: usize,
  dst: usize,
  inH: i32,
  inW: i32,
  pixel: usize,
  kH: i32,
  kW: i32,
  strideH: i32,
  strideW: i32,
  rateH: i32,
  rateW: i32,
  padTop: i32,
  padLeft: i32,
  outH: i32,
  outW: i32,
): void {
  const inRow = <usize>inW * pixel;
  const run = <usize>kW * pixel;
  const patch = <usize>kH * run;
  const step = <usize>rateW * pixel;
  for (let oy = 0; oy < outH; oy++) {
    const y0 = oy * strideH - padTop;
    for (let ox = 0; ox < outW; ox++, dst += patch) {
      const x0 = ox * strideW - padLeft;
      const skip = firstInside(x0, kW, rateW);
      const stop = max(skip, firstOutside(x0, kW, rateW, inW));
      const before = <usize>skip * pixel;
      const inside = <usize>(stop - skip) * pixel;
      const from = src + <usize>(x0 + skip * rateW) * pixel;
      let to = dst;
      for (let ky = 0, y = y0; ky < kH; ky++, y += rateH, to += run) {
        if (<u32>y >= <u32>inH || inside == 0) {
          zeroBytes(to, run);
          continue;
        }
        if (inside != run) {
          zeroBytes(to, before);
          zeroBytes(to + before + inside, run - before - inside);
        }
        const row = from + <usize>y * inRow;
        if (rateW == 1) copyRun(to + before, row, inside);
        else copyApart(to + before, row, stop - skip, pixel, step);
      }
    }
  }
}

function copyRun(dst: usize, src: usize, n: usize): void {
  if (n >= LONG_RUN) memory.copy(dst, src, n);
  else copyBytes(dst, src, n);
}

/** The first kernel column whose pixel, at x0 + k rate, is not left of the image; at most kW. */
function firstInside(x0: i32, kW: i32, rate: i32): i32 {
  return x0 >= 0 ? 0 : min(kW, (rate - 1 - x0) / rate);
}

/** The first kernel column whose pixel is right of the image; at most kW. */
function firstOutside(x0: i32, kW: i32, rate: i32, inW: i32): i32 {
  return x0 + (kW - 1) * rate < inW ? kW : max(0, (inW - x0 + rate - 1) / rate);
}

/** Words 0, 2, 4 and 6 from p on; what lies behind the last is not read. */
function evenWords(p: usize): v128 {
  return v128.shuffle<i32>(v128.load(p), v128.load(p, 12), 0, 2, 5, 7);
}

/** n pixels that lie `step` bytes apart in src, side by side in dst. Reads nothing between and behind them. */
function copyApart(dst: usize, src: usize, n: i32, pixel: usize, step: usize): void {
  const end = dst + <usize>n * pixel;
  if (pixel == 4) {
    for (; dst < end; dst += 4, src += step) store<u32>(dst, load<u32>(src));
  } else if (pixel == 16) {
    for (; dst < end; dst += 16, src += step) copySixteen(dst, src);
  } else {
    for (; dst < end; dst += pixel, src += step) copyBytes(dst, src, pixel);
  }
}

/**
 * The adjoint (col2im): dst = the sum, at each image element, of the patch elements that were read from it. float32.
 * The terms of one sum are added one by one in the order of the patches, so that simd and scalar agree to the bit.
 */
export function foldPatches(
  src: usize,
  dst: usize,
  batch: i32,
  inH: i32,
  inW: i32,
  channels: usize,
  kH: i32,
  kW: i32,
  strideH: i32,
  strideW: i32,
  rateH: i32,
  rateW: i32,
  padTop: i32,
  padLeft: i32,
  outH: i32,
  outW: i32,
): void {
  const pixel = channels << 2;
  const inRow = <usize>inW * pixel;
  const image = <usize>inH * inRow;
  const run = <usize>kW * pixel;
  memory.fill(dst, 0, <usize>batch * image);
  for (let b = 0; b < batch; b++, dst += image) {
    for (let oy = 0; oy < outH; oy++) {
      const y0 = oy * strideH - padTop;
      for (let ox = 0; ox < outW; ox++) {
        const x0 = ox * strideW - padLeft;
        for (let ky = 0, y = y0; ky < kH; ky++, y += rateH, src += run) {
          if (<u32>y >= <u32>inH) continue;
          const row = dst + <usize>y * inRow;
          if (rateW == 1) {
            const skip = min(max(0, -x0), kW);
            const stop = max(skip, min(kW, inW - x0));
            addFloats(
              row + <usize>(x0 + skip) * pixel,
              src + <usize>skip * pixel,
              <usize>(stop - skip) * channels,
            );
          } else {
            for (let kx = 0, x = x0; kx < kW; kx++, x += rateW) {
              if (<u32>x < <u32>inW) addFloats(row + <usize>x * pixel, src + <usize>kx * pixel, channels);
            }
          }
        }
      }
    }
  }
}
