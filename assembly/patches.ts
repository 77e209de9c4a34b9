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
  for (let b = 0; b < batch; b++, src += image) {
    for (let oy = 0; oy < outH; oy++) {
      const y0 = oy * strideH - padTop;
      for (let ox = 0; ox < outW; ox++) {
        const x0 = ox * strideW - padLeft;
        if (rateW == 1) {
          // Kernel columns [skip, stop) lie inside the image.
          const skip = min(max(0, -x0), kW);
          const stop = max(skip, min(kW, inW - x0));
          const before = <usize>skip * pixel;
          const inside = <usize>(stop - skip) * pixel;
          const from = src + <usize>(x0 + skip) * pixel;
          for (let ky = 0, y = y0; ky < kH; ky++, y += rateH, dst += run) {
            if (<u32>y >= <u32>inH || inside == 0) {
              zeroBytes(dst, run);
            } else if (inside == run) {
              copyBytes(dst, from + <usize>y * inRow, run);
            } else {
              zeroBytes(dst, before);
              copyBytes(dst + before, from + <usize>y * inRow, inside);
              zeroBytes(dst + before + inside, run - before - inside);
            }
          }
        } else {
          for (let ky = 0, y = y0; ky < kH; ky++, y += rateH) {
            const row = src + <usize>y * inRow;
            for (let kx = 0, x = x0; kx < kW; kx++, x += rateW, dst += pixel) {
              if (<u32>y >= <u32>inH || <u32>x >= <u32>inW) zeroBytes(dst, pixel);
              else copyBytes(dst, row + <usize>x * pixel, pixel);
            }
          }
        }
      }
    }
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
