/**
 * Products of matrices with one side transposed, which is what gradients are made of, without transposing anything.
 * float32; the terms of a sum are added in float32, in four partial sums where they lie side by side.
 */

/** Rows of `a` that are gone through for one pass over `b` take at most this many bytes: half of a common second cache. */
const PASS: i32 = 1 << 20;

/**
 * y = a . b^T
 *
 *   a  [m, k]      b  [n, k]      y  [m, n]
 *
 *   y[i, j] = sum over p of a[i, p] b[j, p]
 *
 * Rows of both are read as they lie: two of a against four of b at a time.
 */
export function multiplyTransposed(a: usize, b: usize, y: usize, m: i32, n: i32, k: i32): void {
  const row = (<usize>k) << 2;
  const pass = max(2, PASS / max(1, k << 2));
  for (let start = 0; start < m; start += pass) {
    const stop = min(m, start + pass);
    let j = 0;
    if (ASC_FEATURE_SIMD) {
      for (; j + 4 <= n; j += 4) {
        const from = b + <usize>j * row;
        let i = start;
        for (; i + 2 <= stop; i += 2)
          twoByFour(a + <usize>i * row, from, y + ((<usize>i * <usize>n + <usize>j) << 2), k, n);
        if (i < stop) oneByFour(a + <usize>i * row, from, y + ((<usize>i * <usize>n + <usize>j) << 2), k);
      }
    }
    for (; j < n; j++) {
      for (let i = start; i < stop; i++) {
        store<f32>(
          y + ((<usize>i * <usize>n + <usize>j) << 2),
          dot(a + <usize>i * row, b + <usize>j * row, k),
        );
      }
    }
  }
}

function twoByFour(a: usize, b: usize, y: usize, k: i32, n: i32): void {
  const row = (<usize>k) << 2;
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c02 = c00;
  let c03 = c00;
  let c10 = c00;
  let c11 = c00;
  let c12 = c00;
  let c13 = c00;
  let left = k;
  for (; left > 0; left -= 4, a += 16, b += 16) {
    const a0 = four(a, left);
    const a1 = four(a + row, left);
    let v = four(b, left);
    c00 = f32x4.add(c00, f32x4.mul(a0, v));
    c10 = f32x4.add(c10, f32x4.mul(a1, v));
    v = four(b + row, left);
    c01 = f32x4.add(c01, f32x4.mul(a0, v));
    c11 = f32x4.add(c11, f32x4.mul(a1, v));
    v = four(b + (row << 1), left);
    c02 = f32x4.add(c02, f32x4.mul(a0, v));
    c12 = f32x4.add(c12, f32x4.mul(a1, v));
    v = four(b + row * 3, left);
    c03 = f32x4.add(c03, f32x4.mul(a0, v));
    c13 = f32x4.add(c13, f32x4.mul(a1, v));
  }
  v128.store(y, sums(c00, c01, c02, c03));
  v128.store(y + ((<usize>n) << 2), sums(c10, c11, c12, c13));
}

function oneByFour(a: usize, b: usize, y: usize, k: i32): void {
  const row = (<usize>k) << 2;
  let c0 = f32x4.splat(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  for (let left = k; left > 0; left -= 4, a += 16, b += 16) {
    const v = four(a, left);
    c0 = f32x4.add(c0, f32x4.mul(v, four(b, left)));
    c1 = f32x4.add(c1, f32x4.mul(v, four(b + row, left)));
    c2 = f32x4.add(c2, f32x4.mul(v, four(b + (row << 1), left)));
    c3 = f32x4.add(c3, f32x4.mul(v, four(b + row * 3, left)));
  }
  v128.store(y, sums(c0, c1, c2, c3));
}

function dot(a: usize, b: usize, k: i32): f32 {
  if (ASC_FEATURE_SIMD) {
    let sum = f32x4.splat(0);
    for (let left = k; left > 0; left -= 4, a += 16, b += 16)
      sum = f32x4.add(sum, f32x4.mul(four(a, left), four(b, left)));
    return f32x4.extract_lane(sums(sum, sum, sum, sum), 0);
  }
  let sum: f32 = 0;
  for (let p = 0; p < k; p++, a += 4, b += 4) sum += load<f32>(a) * load<f32>(b);
  return sum;
}

/** The first `left` of four floats at p, and zeros: nothing is read beyond them. */
export function four(p: usize, left: i32): v128 {
  if (left >= 4) return v128.load(p);
  let v = v128.load32_zero(p);
  if (left > 1) v = v128.load_lane<u32>(p + 4, v, 1);
  if (left > 2) v = v128.load_lane<u32>(p + 8, v, 2);
  return v;
}

/** The sums of the lanes of four vectors, side by side. */
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3));
}
