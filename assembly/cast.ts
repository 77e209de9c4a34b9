/**
 * Casts, as TensorFlow's on a CPU. n elements; float32 and int32 take 4 bytes each, bool 1 (0 or 1). src and dst do not
 * overlap.
 */

/** 2^31: from here on, and for NaN, float32 has no int32; TensorFlow on x86 then gives the smallest int32. */
const TOO_LARGE: f32 = 2147483648;

/** dst = src rounded towards zero; -2^31 where that is no int32. */
export function floatToInt(src: usize, dst: usize, n: usize): void {
  const end = src + (n << 2);
  if (ASC_FEATURE_SIMD) {
    const limit = f32x4.splat(TOO_LARGE);
    const lowest = i32x4.splat(i32.MIN_VALUE);
    for (; src + 16 <= end; src += 16, dst += 16) {
      const x = v128.load(src);
      v128.store(dst, v128.bitselect(i32x4.trunc_sat_f32x4_s(x), lowest, f32x4.lt(x, limit)));
    }
  }
  for (; src < end; src += 4, dst += 4) {
    const x = load<f32>(src);
    store<i32>(dst, x >= -TOO_LARGE && x < TOO_LARGE ? <i32>x : i32.MIN_VALUE);
  }
}

/** dst = src, rounded to the nearest float32. */
export function intToFloat(src: usize, dst: usize, n: usize): void {
  const end = src + (n << 2);
  if (ASC_FEATURE_SIMD) {
    for (; src + 16 <= end; src += 16, dst += 16) v128.store(dst, f32x4.convert_i32x4_s(v128.load(src)));
  }
  for (; src < end; src += 4, dst += 4) store<f32>(dst, <f32>load<i32>(src));
}

/** dst = 1 where src is not 0, of either sign; NaN is not 0. */
export function floatToBool(src: usize, dst: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) store<u8>(dst + i, <u8>(load<f32>(src + (i << 2)) != 0));
}

/** dst = 1 where src is not 0. */
export function intToBool(src: usize, dst: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) store<u8>(dst + i, <u8>(load<i32>(src + (i << 2)) != 0));
}

/** dst = 1 or 0 in int32, or the float32 1 or 0 with `one` = the bits of 1.0. */
export function boolToWord(src: usize, dst: usize, n: usize, one: u32): void {
  for (let i: usize = 0; i < n; i++) store<u32>(dst + (i << 2), load<u8>(src + i) != 0 ? one : 0);
}
