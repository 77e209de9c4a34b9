/**
 * Transposition: planes whose two axes change places, or rows that move as they are, within any number of further axes.
 *
 *   axes  [rank, 3]  int32: for each further axis its size, its stride in src and its stride in dst, in bytes
 *
 * Moves bytes: exact for every dtype.
 */
import { copyBytes } from "./bytes";

/** Side of the square that is turned at a time: its rows and columns fit the first cache. */
const TILE: i32 = 16;

/** Rows of `row` bytes to where the axes say. */
export function moveRows(src: usize, dst: usize, axes: usize, rank: i32, row: usize): void {
  const n = planesOf(axes, rank);
  for (let i = 0; i < n; i++)
    copyBytes(dst + offsetOf(axes, rank, i, 8), src + offsetOf(axes, rank, i, 4), row);
}

/**
 * For each plane: dst[x, y] = src[y, x], y < rows, x < columns. `srcRow` and `dstRow` are the bytes from a row to the next
 * in src and dst; `size` is the bytes of an element, 4 or 1.
 */
export function transposePlanes(
  src: usize,
  dst: usize,
  axes: usize,
  rank: i32,
  rows: i32,
  columns: i32,
  srcRow: usize,
  dstRow: usize,
  size: i32,
): void {
  const n = planesOf(axes, rank);
  for (let i = 0; i < n; i++) {
    const from = src + offsetOf(axes, rank, i, 4);
    const to = dst + offsetOf(axes, rank, i, 8);
    if (size == 4) turnWords(from, to, rows, columns, srcRow, dstRow);
    else turnBytes(from, to, rows, columns, srcRow, dstRow);
  }
}

function turnWords(src: usize, dst: usize, rows: i32, columns: i32, srcRow: usize, dstRow: usize): void {
  for (let y0 = 0; y0 < rows; y0 += TILE) {
    const y1 = min(y0 + TILE, rows);
    for (let x0 = 0; x0 < columns; x0 += TILE) {
      const x1 = min(x0 + TILE, columns);
      let y = y0;
      if (ASC_FEATURE_SIMD) {
        for (; y + 4 <= y1; y += 4) {
          let x = x0;
          for (; x + 4 <= x1; x += 4) {
            turnFour(
              src + <usize>y * srcRow + ((<usize>x) << 2),
              dst + <usize>x * dstRow + ((<usize>y) << 2),
              srcRow,
              dstRow,
            );
          }
          for (; x < x1; x++) {
            for (let k = y; k < y + 4; k++) moveWord(src, dst, k, x, srcRow, dstRow);
          }
        }
      }
      for (; y < y1; y++) {
        for (let x = x0; x < x1; x++) moveWord(src, dst, y, x, srcRow, dstRow);
      }
    }
  }
}

/** Four by four words: rows a, b, c, d become columns. */
function turnFour(src: usize, dst: usize, srcRow: usize, dstRow: usize): void {
  const a = v128.load(src);
  const b = v128.load(src + srcRow);
  const c = v128.load(src + (srcRow << 1));
  const d = v128.load(src + srcRow * 3);
  const ab01 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const ab23 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd01 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const cd23 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(dst, v128.shuffle<i64>(ab01, cd01, 0, 2));
  v128.store(dst + dstRow, v128.shuffle<i64>(ab01, cd01, 1, 3));
  v128.store(dst + (dstRow << 1), v128.shuffle<i64>(ab23, cd23, 0, 2));
  v128.store(dst + dstRow * 3, v128.shuffle<i64>(ab23, cd23, 1, 3));
}

function moveWord(src: usize, dst: usize, y: i32, x: i32, srcRow: usize, dstRow: usize): void {
  store<u32>(
    dst + <usize>x * dstRow + ((<usize>y) << 2),
    load<u32>(src + <usize>y * srcRow + ((<usize>x) << 2)),
  );
}

function turnBytes(src: usize, dst: usize, rows: i32, columns: i32, srcRow: usize, dstRow: usize): void {
  for (let y0 = 0; y0 < rows; y0 += TILE) {
    const y1 = min(y0 + TILE, rows);
    for (let x0 = 0; x0 < columns; x0 += TILE) {
      const x1 = min(x0 + TILE, columns);
      for (let y = y0; y < y1; y++) {
        for (let x = x0; x < x1; x++) {
          store<u8>(dst + <usize>x * dstRow + <usize>y, load<u8>(src + <usize>y * srcRow + <usize>x));
        }
      }
    }
  }
}

/** How many combinations the further axes have. */
function planesOf(axes: usize, rank: i32): i32 {
  let n = 1;
  for (let k = 0; k < rank; k++) n *= load<i32>(axes + <usize>k * 12);
  return n;
}

/** Where combination i of the further axes lies: in src (`which` = 4) or dst (8), the last axis counting fastest. */
function offsetOf(axes: usize, rank: i32, i: i32, which: usize): usize {
  let offset: usize = 0;
  for (let k = rank - 1; k >= 0; k--) {
    const axis = axes + <usize>k * 12;
    const size = load<i32>(axis);
    offset += <usize>(i % size) * <usize>load<u32>(axis + which);
    i /= size;
  }
  return offset;
}
