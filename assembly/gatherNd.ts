/**
 * Rows picked by tuples of indices, and the adjoint.
 *
 *   src      [batch, d_0, ..., d_(depth-1), row]     `row` bytes a row, `block` bytes a batch
 *   indices  [batch, count, depth]                   int32
 *   axes     [depth, 2]                              int32: for each axis its size d_k and its stride in bytes
 *   dst      [batch, count, row]
 *
 *   dst[b, j, :] = src[b, indices[b, j, 0], ..., indices[b, j, depth - 1], :]
 *
 * Every index is checked before anything is written: the result is the flat position, in tuples, of the first with an index
 * outside its axis, or -1.
 */
import { addFloats, copyBytes } from "./bytes";

/** Moves bytes: exact for every dtype. */
export function gatherNd(
  src: usize,
  indices: usize,
  axes: usize,
  dst: usize,
  batch: i32,
  count: i32,
  depth: i32,
  block: usize,
  row: usize,
): i32 {
  const bad = firstOutside(indices, axes, batch * count, depth);
  if (bad >= 0) return bad;
  const tuple = (<usize>depth) << 2;
  for (let b = 0; b < batch; b++, src += block) {
    if (row == 4 && depth == 2) {
      const first = load<u32>(axes, 4);
      const second = load<u32>(axes, 12);
      let j = 0;
      if (ASC_FEATURE_SIMD) {
        const firsts = i32x4.splat(first);
        const seconds = i32x4.splat(second);
        for (; j + 4 <= count; j += 4, indices += 32, dst += 16) {
          const a = v128.load(indices);
          const b = v128.load(indices, 16);
          const at = i32x4.add(
            i32x4.mul(v128.shuffle<i32>(a, b, 0, 2, 4, 6), firsts),
            i32x4.mul(v128.shuffle<i32>(a, b, 1, 3, 5, 7), seconds),
          );
          let out = v128.load32_zero(src + <usize>i32x4.extract_lane(at, 0));
          out = v128.load_lane<u32>(src + <usize>i32x4.extract_lane(at, 1), out, 1);
          out = v128.load_lane<u32>(src + <usize>i32x4.extract_lane(at, 2), out, 2);
          v128.store(dst, v128.load_lane<u32>(src + <usize>i32x4.extract_lane(at, 3), out, 3));
        }
      }
      for (; j < count; j++, indices += 8, dst += 4) {
        const at = load<u32>(indices) * first + load<u32>(indices, 4) * second;
        store<u32>(dst, load<u32>(src + <usize>at));
      }
    } else {
      for (let j = 0; j < count; j++, indices += tuple, dst += row) {
        copyBytes(dst, src + offsetOf(indices, axes, depth), row);
      }
    }
  }
  return -1;
}

/**
 * The adjoint: src and dst change places, dst[b, indices[b, j, ...], :] += src[b, j, :] from zero. float32; `row` and
 * `block` in bytes; the terms of a sum are added in the order of the tuples.
 */
export function scatterNdAdd(
  src: usize,
  indices: usize,
  axes: usize,
  dst: usize,
  batch: i32,
  count: i32,
  depth: i32,
  block: usize,
  row: usize,
): i32 {
  const bad = firstOutside(indices, axes, batch * count, depth);
  if (bad >= 0) return bad;
  memory.fill(dst, 0, <usize>batch * block);
  const tuple = (<usize>depth) << 2;
  for (let b = 0; b < batch; b++, dst += block) {
    for (let j = 0; j < count; j++, indices += tuple, src += row) {
      addFloats(dst + offsetOf(indices, axes, depth), src, row >> 2);
    }
  }
  return -1;
}

/** Where a tuple points, in bytes. */
function offsetOf(indices: usize, axes: usize, depth: i32): usize {
  let offset: usize = 0;
  for (let k = 0; k < depth; k++, indices += 4, axes += 8)
    offset += <usize>load<u32>(indices) * <usize>load<u32>(axes, 4);
  return offset;
}

/** Position of the first of n tuples with an index outside its axis, or -1. */
function firstOutside(indices: usize, axes: usize, n: i32, depth: i32): i32 {
  let i = 0;
  if (ASC_FEATURE_SIMD && n > 0 && (depth == 1 || depth == 2 || depth == 4)) {
    // Four indices at a time are whole tuples then, and the limits of their axes the same four for all.
    const limits = limitsOf(axes, depth);
    const tuples = 4 / depth;
    for (; i + tuples <= n; i += tuples, indices += 16) {
      // Unsigned, a negative index is a large one.
      if (v128.any_true(i32x4.ge_u(v128.load(indices), limits))) break;
    }
  }
  for (; i < n; i++) {
    for (let k = 0; k < depth; k++, indices += 4) {
      if (load<u32>(indices) >= load<u32>(axes + ((<usize>k) << 3))) return i;
    }
  }
  return -1;
}

/** The sizes of `depth` axes, repeated to four lanes. */
function limitsOf(axes: usize, depth: i32): v128 {
  const last = <usize>(depth - 1);
  let limits = i32x4.splat(load<i32>(axes));
  limits = i32x4.replace_lane(limits, 1, load<i32>(axes + ((1 & last) << 3)));
  limits = i32x4.replace_lane(limits, 2, load<i32>(axes + ((2 & last) << 3)));
  return i32x4.replace_lane(limits, 3, load<i32>(axes + ((3 & last) << 3)));
}
