/**
 * Moving, clearing and adding short runs of memory. The movers here inline their loops: at a few dozen bytes a run,
 * which is what a row of a patch is, a call of `memory.copy` costs more than the copy.
 */

/** Runs of at least this many bytes are left to the engine's own memory.copy and memory.fill. */
const BULK: usize = 2048;

/** dst[0 .. n) = src[0 .. n), in bytes. The ranges do not overlap; no byte outside them is touched. */
export function copyBytes(dst: usize, src: usize, n: usize): void {
  if (n >= BULK) {
    memory.copy(dst, src, n);
    return;
  }
  if (ASC_FEATURE_SIMD) {
    if (n >= 16) {
      // The last vector overlaps the one before it, which saves a loop over single bytes.
      const last = n - 16;
      let i: usize = 0;
      for (; i + 64 <= n; i += 64) {
        const a = v128.load(src + i);
        const b = v128.load(src + i, 16);
        const c = v128.load(src + i, 32);
        const d = v128.load(src + i, 48);
        v128.store(dst + i, a);
        v128.store(dst + i, b, 16);
        v128.store(dst + i, c, 32);
        v128.store(dst + i, d, 48);
      }
      for (; i < last; i += 16) v128.store(dst + i, v128.load(src + i));
      v128.store(dst + last, v128.load(src + last));
      return;
    }
  }
  if (n >= 8) {
    const last = n - 8;
    for (let i: usize = 0; i < last; i += 8) store<u64>(dst + i, load<u64>(src + i));
    store<u64>(dst + last, load<u64>(src + last));
  } else if (n >= 4) {
    const last = n - 4;
    const head = load<u32>(src);
    store<u32>(dst + last, load<u32>(src + last));
    store<u32>(dst, head);
  } else {
    for (let i: usize = 0; i < n; i++) store<u8>(dst + i, load<u8>(src + i));
  }
}

/** dst[0 .. 16) = src[0 .. 16), in bytes: a pixel of four floats. */
export function copySixteen(dst: usize, src: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(dst, v128.load(src));
  } else {
    store<u64>(dst, load<u64>(src));
    store<u64>(dst, load<u64>(src, 8), 8);
  }
}

/** dst[0 .. n) = 0, in bytes. */
export function zeroBytes(dst: usize, n: usize): void {
  if (n >= BULK) {
    memory.fill(dst, 0, n);
    return;
  }
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const zero = i64x2.splat(0);
    for (; i + 16 <= n; i += 16) v128.store(dst + i, zero);
  }
  for (; i + 4 <= n; i += 4) store<u32>(dst + i, 0);
  for (; i < n; i++) store<u8>(dst + i, 0);
}

/** dst[i] += src[i] for n float32, in order. */
export function addFloats(dst: usize, src: usize, n: usize): void {
  const end = src + (n << 2);
  if (ASC_FEATURE_SIMD) {
    for (; src + 16 <= end; src += 16, dst += 16) {
      v128.store(dst, f32x4.add(v128.load(dst), v128.load(src)));
    }
  }
  for (; src < end; src += 4, dst += 4) store<f32>(dst, load<f32>(dst) + load<f32>(src));
}

/** dst[i] += src[i] for n int32, modulo 2^32. */
export function addInts(dst: usize, src: usize, n: usize): void {
  const end = src + (n << 2);
  if (ASC_FEATURE_SIMD) {
    for (; src + 16 <= end; src += 16, dst += 16) {
      v128.store(dst, i32x4.add(v128.load(dst), v128.load(src)));
    }
  }
  for (; src < end; src += 4, dst += 4) store<i32>(dst, load<i32>(dst) + load<i32>(src));
}
