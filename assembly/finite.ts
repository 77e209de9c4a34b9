/**
 * Finiteness of float32. A number is NaN or infinite exactly when all bits of its exponent are set, whatever its sign
 * and payload, so every test here is one of integers and raises no floating-point question.
 *
 *   src  n float32, side by side        dst  n bytes
 */

const EXPONENT: u32 = 0x7f800000;
/** All bits but the sign. */
const MAGNITUDE: u32 = 0x7fffffff;

function notFinite(p: usize): bool {
  return (load<u32>(p) & EXPONENT) == EXPONENT;
}

/** 0xffffffff in each of the four lanes at p that is not finite. */
function notFinite4(p: usize): v128 {
  const exponent = i32x4.splat(EXPONENT);
  return i32x4.eq(v128.and(v128.load(p), exponent), exponent);
}

/** dst[i] = 1 where src[i] is finite (`finite` = 1), or where it is not (`finite` = 0); else 0. */
export function finiteMask(src: usize, dst: usize, n: usize, finite: u32): void {
  const end = dst + n;
  if (ASC_FEATURE_SIMD) {
    const flip = i8x16.splat(<i8>finite);
    const one = i8x16.splat(1);
    for (; dst + 16 <= end; dst += 16, src += 64) {
      // 32-bit lanes of 0 or -1 stay 0 or -1 when narrowed with saturation.
      const low = i16x8.narrow_i32x4_s(notFinite4(src), notFinite4(src + 16));
      const high = i16x8.narrow_i32x4_s(notFinite4(src + 32), notFinite4(src + 48));
      v128.store(dst, v128.xor(v128.and(i8x16.narrow_i16x8_s(low, high), one), flip));
    }
  }
  for (; dst < end; dst++, src += 4) store<u8>(dst, <u8>(<u32>notFinite(src) ^ finite));
}

/** dst[i] = 1 where src[i] is NaN, or (`infinite` = 1) where it is an infinity of either sign; else 0. */
export function nonFiniteMask(src: usize, dst: usize, n: usize, infinite: u32): void {
  const end = dst + n;
  if (ASC_FEATURE_SIMD) {
    const one = i8x16.splat(1);
    for (; dst + 16 <= end; dst += 16, src += 64) {
      const low = i16x8.narrow_i32x4_s(kind4(src, infinite), kind4(src + 16, infinite));
      const high = i16x8.narrow_i32x4_s(kind4(src + 32, infinite), kind4(src + 48, infinite));
      v128.store(dst, v128.and(i8x16.narrow_i16x8_s(low, high), one));
    }
  }
  for (; dst < end; dst++, src += 4) {
    const magnitude = load<u32>(src) & MAGNITUDE;
    store<u8>(dst, <u8>(infinite ? magnitude == EXPONENT : magnitude > EXPONENT));
  }
}

/** 0xffffffff in each of the four lanes at p that is an infinity, or that is NaN. */
function kind4(p: usize, infinite: u32): v128 {
  const magnitude = v128.and(v128.load(p), i32x4.splat(MAGNITUDE));
  const exponent = i32x4.splat(EXPONENT);
  return infinite ? i32x4.eq(magnitude, exponent) : i32x4.gt_s(magnitude, exponent);
}

/** Position of the first element that is not finite, or -1. Stops there. */
export function firstNonFinite(src: usize, n: usize): i32 {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 16 <= n; i += 16) {
      const p = src + (i << 2);
      const any = v128.or(
        v128.or(notFinite4(p), notFinite4(p + 16)),
        v128.or(notFinite4(p + 32), notFinite4(p + 48)),
      );
      if (v128.any_true(any)) break;
    }
  }
  for (; i < n; i++) {
    if (notFinite(src + (i << 2))) return <i32>i;
  }
  return -1;
}

/** How many elements are not finite. */
export function countNonFinite(src: usize, n: usize): i32 {
  const end = src + (n << 2);
  let count: i32 = 0;
  if (ASC_FEATURE_SIMD) {
    // A lane of -1 a hit: subtracting counts up.
    let lanes = i32x4.splat(0);
    for (; src + 16 <= end; src += 16) lanes = i32x4.sub(lanes, notFinite4(src));
    count =
      i32x4.extract_lane(lanes, 0) +
      i32x4.extract_lane(lanes, 1) +
      i32x4.extract_lane(lanes, 2) +
      i32x4.extract_lane(lanes, 3);
  }
  for (; src < end; src += 4) count += <i32>notFinite(src);
  return count;
}
