/**
 * Rows picked by index, and the adjoint.
 *
 *   src      [batch, outer, size, row]      `row` bytes a row
 *   indices  [batch, count]                 int32
 *   dst      [batch, outer, count, row]
 *
 *   dst[b, o, j, :] = src[b, o, indices[b, j], :]
 *
 * Every index is checked before anything is written: the result is the flat position of the first one outside [0, size),
 * or -1.
 */
import { addFloats, addInts, copyBytes } from "./bytes";

/** Moves bytes: exact for every dtype. */
export function gather(
  src: usize,
  indices: usize,
  dst: usize,
  batch: i32,
  outer: i32,
  size: i32,
  count: i32,
  row: usize,
): i32 {
  const bad = firstOutside(indices, batch * count, size);
  if (bad >= 0) return bad;
  const block = <usize>size * row;
  for (let b = 0; b < batch; b++, indices += (<usize>count) << 2) {
    if (row == 4) {
      gatherWords(src, indices, dst, outer, block, count);
      src += <usize>outer * block;
      dst += (<usize>outer * <usize>count) << 2;
      continue;
    }
    const end = indices + ((<usize>count) << 2);
    for (let o = 0; o < outer; o++, src += block) {
      if (row == 1) {
        for (let p = indices; p < end; p += 4, dst++) store<u8>(dst, load<u8>(src + <usize>load<u32>(p)));
      } else {
        for (let p = indices; p < end; p += 4, dst += row)
          copyBytes(dst, src + <usize>load<u32>(p) * row, row);
      }
    }
  }
  return -1;
}

/** Rows of one word: four blocks of src at a time, so that an index is read once for four words. */
function gatherWords(src: usize, indices: usize, dst: usize, outer: i32, block: usize, count: i32): void {
  const end = indices + ((<usize>count) << 2);
  const stride = (<usize>count) << 2;
  let o = 0;
  for (; o + 4 <= outer; o += 4, src += block << 2, dst += stride << 2) {
    for (let p = indices, q = dst; p < end; p += 4, q += 4) {
      const from = src + ((<usize>load<u32>(p)) << 2);
      const to = q + stride;
      store<u32>(q, load<u32>(from));
      store<u32>(to, load<u32>(from + block));
      store<u32>(to + stride, load<u32>(from + (block << 1)));
      store<u32>(to + (stride << 1), load<u32>(from + block * 3));
    }
  }
  for (; o < outer; o++, src += block) {
    for (let p = indices; p < end; p += 4, dst += 4)
      store<u32>(dst, load<u32>(src + ((<usize>load<u32>(p)) << 2)));
  }
}

/**
 * The adjoint: src and dst change places, dst[b, o, indices[b, j], :] += src[b, o, j, :] from zero. `row` in
 * elements, float32 or (`ints`) int32; the terms of a sum are added in the order of the indices. With `dropNegative` rows of negative index count for
 * nothing, which is what a segment sum does; else they are outside.
 */
export function scatterAdd(
  src: usize,
  indices: usize,
  dst: usize,
  batch: i32,
  outer: i32,
  size: i32,
  count: i32,
  row: usize,
  dropNegative: i32,
  ints: i32,
): i32 {
  const bad = dropNegative
    ? firstAbove(indices, batch * count, size)
    : firstOutside(indices, batch * count, size);
  if (bad >= 0) return bad;
  const bytes = row << 2;
  const block = <usize>size * bytes;
  memory.fill(dst, 0, <usize>batch * <usize>outer * block);
  for (let b = 0; b < batch; b++, indices += (<usize>count) << 2) {
    const end = indices + ((<usize>count) << 2);
    for (let o = 0; o < outer; o++, dst += block) {
      for (let p = indices; p < end; p += 4, src += bytes) {
        const index = load<i32>(p);
        if (index < 0) continue;
        const to = dst + <usize>index * bytes;
        if (ints) addInts(to, src, row);
        else if (row == 1) store<f32>(to, load<f32>(to) + load<f32>(src));
        else addFloats(to, src, row);
      }
    }
  }
  return -1;
}

/** Position of the first of n int32 outside [0, size), or -1. */
function firstOutside(indices: usize, n: i32, size: i32): i32 {
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const limit = i32x4.splat(size);
    // Unsigned, a negative index is a large one.
    for (; i + 4 <= n; i += 4) {
      if (v128.any_true(i32x4.ge_u(v128.load(indices + ((<usize>i) << 2)), limit))) break;
    }
  }
  for (; i < n; i++) {
    if (load<u32>(indices + ((<usize>i) << 2)) >= <u32>size) return i;
  }
  return -1;
}

/** Position of the first of n int32 that is `size` or more, or -1. */
function firstAbove(indices: usize, n: i32, size: i32): i32 {
  for (let i = 0; i < n; i++) {
    if (load<i32>(indices + ((<usize>i) << 2)) >= size) return i;
  }
  return -1;
}
