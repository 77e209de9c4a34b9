/**
 * The gradient of a function that is the identity between two bounds and flat outside, as relu and clipping are.
 *
 *   x, dy, dx  n float32, side by side
 *
 *   dx[i] = dy[i] where low <= x[i] <= high, else 0 (so too where x[i] is NaN)
 */
export function maskGradient(x: usize, dy: usize, dx: usize, n: usize, low: f32, high: f32): void {
  const end = dx + (n << 2);
  if (ASC_FEATURE_SIMD) {
    const lows = f32x4.splat(low);
    const highs = f32x4.splat(high);
    for (; dx + 16 <= end; dx += 16, x += 16, dy += 16) {
      const v = v128.load(x);
      const inside = v128.and(f32x4.ge(v, lows), f32x4.le(v, highs));
      v128.store(dx, v128.and(v128.load(dy), inside));
    }
  }
  for (; dx < end; dx += 4, x += 4, dy += 4) {
    const v = load<f32>(x);
    store<f32>(dx, v >= low && v <= high ? load<f32>(dy) : 0);
  }
}
