/**
 * The gradients of pooling.
 *
 *   x, dx  [batch, inH, inW, channels]      dy  [batch, outH, outW, channels]      float32
 *
 * Windows end where the image ends: what padding adds counts for nothing.
 */

/**
 * dx[first maximum of the window of y] += dy[y]. Of equal maxima the first in (row, column) order takes all, as in
 * TensorFlow; so does a NaN that comes first.
 */
export function maxPoolGradient(
  x: usize,
  dy: usize,
  dx: usize,
  batch: i32,
  inH: i32,
  inW: i32,
  channels: i32,
  kH: i32,
  kW: i32,
  sH: i32,
  sW: i32,
  padTop: i32,
  padLeft: i32,
  outH: i32,
  outW: i32,
): void {
  const pixel = (<usize>channels) << 2;
  const image = <usize>inH * <usize>inW * pixel;
  memory.fill(dx, 0, <usize>batch * image);
  for (let n = 0; n < batch; n++, x += image, dx += image) {
    for (let y = 0; y < outH; y++) {
      const top = max(0, y * sH - padTop);
      const rows = min(inH, y * sH - padTop + kH) - top;
      for (let z = 0; z < outW; z++, dy += pixel) {
        const left = max(0, z * sW - padLeft);
        const columns = min(inW, z * sW - padLeft + kW) - left;
        if (rows <= 0 || columns <= 0) continue;
        const corner = <usize>(top * inW + left) * pixel;
        toMaxima(x + corner, dy, dx + corner, rows, columns, <usize>inW * pixel, pixel);
      }
    }
  }
}

/** One window: dy's channels to the first maxima of x's. */
function toMaxima(x: usize, dy: usize, dx: usize, rows: i32, columns: i32, row: usize, pixel: usize): void {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; c + 16 <= pixel; c += 16) {
      let best = v128.load(x + c);
      let offset = i32x4.splat(0);
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const at = <usize>i * row + <usize>j * pixel;
          const v = v128.load(x + at + c);
          const larger = f32x4.gt(v, best);
          best = v128.bitselect(v, best, larger);
          offset = v128.bitselect(i32x4.splat(<i32>at), offset, larger);
        }
      }
      const to = dx + c;
      const from = dy + c;
      add(to + <usize>i32x4.extract_lane(offset, 0), load<f32>(from));
      add(to + <usize>i32x4.extract_lane(offset, 1) + 4, load<f32>(from, 4));
      add(to + <usize>i32x4.extract_lane(offset, 2) + 8, load<f32>(from, 8));
      add(to + <usize>i32x4.extract_lane(offset, 3) + 12, load<f32>(from, 12));
    }
  }
  for (; c < pixel; c += 4) {
    let best = load<f32>(x + c);
    let offset: usize = 0;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const at = <usize>i * row + <usize>j * pixel;
        const v = load<f32>(x + at + c);
        if (v > best) {
          best = v;
          offset = at;
        }
      }
    }
    add(dx + offset + c, load<f32>(dy + c));
  }
}

function add(p: usize, value: f32): void {
  store<f32>(p, load<f32>(p) + value);
}

/** dx[every pixel of the window of y] += dy[y] / how many pixels of the image the window has. */
export function averagePoolGradient(
  dy: usize,
  dx: usize,
  batch: i32,
  inH: i32,
  inW: i32,
  channels: i32,
  kH: i32,
  kW: i32,
  sH: i32,
  sW: i32,
  padTop: i32,
  padLeft: i32,
  outH: i32,
  outW: i32,
): void {
  const pixel = (<usize>channels) << 2;
  const image = <usize>inH * <usize>inW * pixel;
  memory.fill(dx, 0, <usize>batch * image);
  for (let n = 0; n < batch; n++, dx += image) {
    for (let y = 0; y < outH; y++) {
      const top = max(0, y * sH - padTop);
      const rows = min(inH, y * sH - padTop + kH) - top;
      for (let z = 0; z < outW; z++, dy += pixel) {
        const left = max(0, z * sW - padLeft);
        const columns = min(inW, z * sW - padLeft + kW) - left;
        if (rows <= 0 || columns <= 0) continue;
        const share: f32 = <f32>1 / <f32>(rows * columns);
        for (let i = 0; i < rows; i++) {
          const to = dx + <usize>((top + i) * inW + left) * pixel;
          for (let j = 0; j < columns; j++) addScaled(to + <usize>j * pixel, dy, share, channels);
        }
      }
    }
  }
}

/** dst[c] += src[c] factor for n floats. */
function addScaled(dst: usize, src: usize, factor: f32, n: i32): void {
  const end = dst + ((<usize>n) << 2);
  if (ASC_FEATURE_SIMD) {
    const factors = f32x4.splat(factor);
    for (; dst + 16 <= end; dst += 16, src += 16)
      v128.store(dst, f32x4.add(v128.load(dst), f32x4.mul(v128.load(src), factors)));
  }
  for (; dst < end; dst += 4, src += 4) store<f32>(dst, load<f32>(dst) + load<f32>(src) * factor);
}
