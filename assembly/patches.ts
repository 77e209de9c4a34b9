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
import { addFloats, copyBytes, zeroBytes } from "./bytes";

/** dst = patches of src. Moves bytes: exact for every dtype. */
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
): void {
  const inRow = <usize>inW * pixel;
  const image = <usize>inH * inRow;
  const run = <usize>kW * pixel;
  const patch = <usize>kH * run;
  const step = <usize>rateW * pixel;
  for (let b = 0; b < batch; b++, src += image) {
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
          if (rateW == 1) copyBytes(to + before, row, inside);
          else copyApart(to + before, row, stop - skip, pixel, step);
        }
      }
    }
  }
}

/** The first kernel column whose pixel, at x0 + k rate, is not left of the image; at most kW. */
function firstInside(x0: i32, kW: i32, rate: i32): i32 {
  return x0 >= 0 ? 0 : min(kW, (rate - 1 - x0) / rate);
}

/** The first kernel column whose pixel is right of the image; at most kW. */
function firstOutside(x0: i32, kW: i32, rate: i32, inW: i32): i32 {
  return x0 + (kW - 1) * rate < inW ? kW : max(0, (inW - x0 + rate - 1) / rate);
}

/** n pixels that lie `step` bytes apart in src, side by side in dst. */
function copyApart(dst: usize, src: usize, n: i32, pixel: usize, step: usize): void {
  const end = dst + <usize>n * pixel;
  if (pixel == 4) {
    for (; dst < end; dst += 4, src += step) store<u32>(dst, load<u32>(src));
  } else if (ASC_FEATURE_SIMD && pixel == 16) {
    for (; dst < end; dst += 16, src += step) v128.store(dst, v128.load(src));
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
