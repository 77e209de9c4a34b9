/**
 * A denominator kept away from zero.
 *
 *   z, y  n float32, side by side
 *
 *   y[i] = z[i] + epsilon where z[i] >= 0 (-0 too), else z[i] - epsilon
 */
export function stabilise(z: usize, y: usize, n: usize, epsilon: f32): void {
  const end = y + (n << 2);
  if (ASC_FEATURE_SIMD) {
    const plus = f32x4.splat(epsilon);
    const minus = f32x4.splat(-epsilon);
    const zero = f32x4.splat(0);
    for (; y + 16 <= end; y += 16, z += 16) {
      const v = v128.load(z);
      v128.store(y, f32x4.add(v, v128.bitselect(plus, minus, f32x4.ge(v, zero))));
    }
  }
  for (; y < end; y += 4, z += 4) {
    const v = load<f32>(z);
    store<f32>(y, v >= 0 ? v + epsilon : v - epsilon);
  }
}
