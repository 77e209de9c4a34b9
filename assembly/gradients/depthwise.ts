/**
 * The two gradients of a depthwise convolution. Channel c of the input makes the channels c m ... c m + m - 1 of the
 * output, m being the multiplier.
 *
 *   x, dx  [batch, inH, inW, inC]      dy  [batch, outH, outW, inC m]      w, dw  [kH, kW, inC, m]      float32
 *
 * The terms of a sum are added in float32, in the order of the filter's pixels (dx) or of the image's (dw).
 */

/** dx[n, h, w, c] = sum over i, j, q of  dy[n, y, x, c m + q] w[i, j, c, q]  with  y sH - padTop + i rH = h, x likewise. */
export function depthwiseInputGradient(
  dy: usize,
  w: usize,
  dx: usize,
  batch: i32,
  inH: i32,
  inW: i32,
  inC: i32,
  multiplier: i32,
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
): void {
  const pixel = (<usize>inC) << 2;
  const outPixel = pixel * <usize>multiplier;
  memory.fill(dx, 0, <usize>batch * <usize>inH * <usize>inW * pixel);
  for (let n = 0; n < batch; n++, dx += <usize>inH * <usize>inW * pixel) {
    for (let y = 0; y < outH; y++, dy += <usize>outW * outPixel) {
      for (let i = 0; i < kH; i++) {
        const row = y * sH - padTop + i * rH;
        if (row < 0 || row >= inH) continue;
        for (let j = 0; j < kW; j++) {
          const shift = j * rW - padLeft;
          const first = firstInside(shift, sW);
          const last = lastInside(shift, sW, inW, outW);
          const tap = w + <usize>(i * kW + j) * outPixel;
          let to = dx + <usize>(row * inW + first * sW + shift) * pixel;
          let from = dy + <usize>first * outPixel;
          for (let x = first; x <= last; x++, to += <usize>sW * pixel, from += outPixel) {
            if (multiplier == 1) addProducts(to, from, tap, inC);
            else addDots(to, from, tap, inC, multiplier);
          }
        }
      }
    }
  }
}

/** dw[i, j, c, q] = sum over n, y, x of  x[n, y sH - padTop + i rH, x sW - padLeft + j rW, c] dy[n, y, x, c m + q] */
export function depthwiseFilterGradient(
  x: usize,
  dy: usize,
  dw: usize,
  batch: i32,
  inH: i32,
  inW: i32,
  inC: i32,
  multiplier: i32,
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
): void {
  const pixel = (<usize>inC) << 2;
  const outPixel = pixel * <usize>multiplier;
  memory.fill(dw, 0, <usize>kH * <usize>kW * outPixel);
  for (let n = 0; n < batch; n++, x += <usize>inH * <usize>inW * pixel) {
    for (let y = 0; y < outH; y++, dy += <usize>outW * outPixel) {
      for (let i = 0; i < kH; i++) {
        const row = y * sH - padTop + i * rH;
        if (row < 0 || row >= inH) continue;
        for (let j = 0; j < kW; j++) {
          const shift = j * rW - padLeft;
          const first = firstInside(shift, sW);
          const last = lastInside(shift, sW, inW, outW);
          if (last < first) continue;
          const from = x + <usize>(row * inW + first * sW + shift) * pixel;
          const beside = dy + <usize>first * outPixel;
          const tap = dw + <usize>(i * kW + j) * outPixel;
          const step = <usize>sW * pixel;
          if (multiplier == 1) addRowProducts(tap, from, beside, last - first + 1, step, pixel);
          else addOuter(tap, from, beside, last - first + 1, step, inC, multiplier);
        }
      }
    }
  }
}

/** The first and last column of the output whose window's pixel at `shift` lies inside the input. */
function firstInside(shift: i32, stride: i32): i32 {
  return shift >= 0 ? 0 : (stride - 1 - shift) / stride;
}

function lastInside(shift: i32, stride: i32, inW: i32, outW: i32): i32 {
  return inW - 1 < shift ? -1 : min(outW - 1, (inW - 1 - shift) / stride);
}

/** dst[c] += a[c] b[c] for n floats. */
function addProducts(dst: usize, a: usize, b: usize, n: i32): void {
  const end = dst + ((<usize>n) << 2);
  if (ASC_FEATURE_SIMD) {
    for (; dst + 16 <= end; dst += 16, a += 16, b += 16)
      v128.store(dst, f32x4.add(v128.load(dst), f32x4.mul(v128.load(a), v128.load(b))));
  }
  for (; dst < end; dst += 4, a += 4, b += 4) store<f32>(dst, load<f32>(dst) + load<f32>(a) * load<f32>(b));
}

/** dst[c] += sum over q of a[c m + q] b[c m + q]. */
function addDots(dst: usize, a: usize, b: usize, channels: i32, m: i32): void {
  for (let c = 0; c < channels; c++, dst += 4) {
    let sum: f32 = 0;
    for (let q = 0; q < m; q++, a += 4, b += 4) sum += load<f32>(a) * load<f32>(b);
    store<f32>(dst, load<f32>(dst) + sum);
  }
}

/** dst[c] += sum over the pixels of a row of a[pixel, c] b[pixel, c]; `step` bytes between pixels of a, `pixel` of b. */
function addRowProducts(dst: usize, a: usize, b: usize, count: i32, step: usize, pixel: usize): void {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    // Sixteen channels at a time are one line of cache.
    for (; c + 64 <= pixel; c += 64) {
      let s0 = v128.load(dst + c);
      let s1 = v128.load(dst + c, 16);
      let s2 = v128.load(dst + c, 32);
      let s3 = v128.load(dst + c, 48);
      let p = a + c;
      let q = b + c;
      for (let x = 0; x < count; x++, p += step, q += pixel) {
        s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(q)));
        s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(q, 16)));
        s2 = f32x4.add(s2, f32x4.mul(v128.load(p, 32), v128.load(q, 32)));
        s3 = f32x4.add(s3, f32x4.mul(v128.load(p, 48), v128.load(q, 48)));
      }
      v128.store(dst + c, s0);
      v128.store(dst + c, s1, 16);
      v128.store(dst + c, s2, 32);
      v128.store(dst + c, s3, 48);
    }
    for (; c + 16 <= pixel; c += 16) {
      let sum = v128.load(dst + c);
      let p = a + c;
      let q = b + c;
      for (let x = 0; x < count; x++, p += step, q += pixel)
        sum = f32x4.add(sum, f32x4.mul(v128.load(p), v128.load(q)));
      v128.store(dst + c, sum);
    }
  }
  for (; c < pixel; c += 4) {
    let sum = load<f32>(dst + c);
    let p = a + c;
    let q = b + c;
    for (let x = 0; x < count; x++, p += step, q += pixel) sum += load<f32>(p) * load<f32>(q);
    store<f32>(dst + c, sum);
  }
}

/** dst[c, q] += sum over the pixels of a row of a[pixel, c] b[pixel, c m + q]. */
function addOuter(dst: usize, a: usize, b: usize, count: i32, step: usize, channels: i32, m: i32): void {
  for (let x = 0; x < count; x++, a += step) {
    let to = dst;
    for (let c = 0; c < channels; c++) {
      const v = load<f32>(a + ((<usize>c) << 2));
      for (let q = 0; q < m; q++, to += 4, b += 4) store<f32>(to, load<f32>(to) + v * load<f32>(b));
    }
  }
}
