/**
 * Broadcasting along one axis, and its adjoint. A broadcast along several is one call after the other.
 *
 *   narrow  [outer, row]
 *   wide    [outer, times, row]
 */
import { addFloats, copyBytes } from "./bytes";

/** Copies grow by doubling up to this many bytes, which the first cache holds with ease. */
const CHUNK: usize = 4096;

/** wide[o, t, :] = narrow[o, :]; `row` in bytes. Moves bytes: exact for every dtype. */
export function repeat(narrow: usize, wide: usize, outer: i32, times: i32, row: usize): void {
  const run = <usize>times * row;
  for (let o = 0; o < outer; o++, narrow += row, wide += run) {
    if (row == 4) {
      fillWords(wide, load<u32>(narrow), times);
    } else if (row == 1) {
      memory.fill(wide, load<u8>(narrow), run);
    } else {
      copyBytes(wide, narrow, min(row, run));
      // Ever larger copies of the beginning, then one chunk again and again.
      let done = row;
      while (done < run && done < CHUNK) {
        const more = min(done, run - done);
        copyBytes(wide + done, wide, more);
        done += more;
      }
      const chunk = done;
      for (; done < run; done += chunk) copyBytes(wide + done, wide, min(chunk, run - done));
    }
  }
}

function fillWords(dst: usize, value: u32, n: i32): void {
  const end = dst + ((<usize>n) << 2);
  if (ASC_FEATURE_SIMD) {
    const four = i32x4.splat(value);
    for (; dst + 64 <= end; dst += 64) {
      v128.store(dst, four);
      v128.store(dst, four, 16);
      v128.store(dst, four, 32);
      v128.store(dst, four, 48);
    }
    for (; dst + 16 <= end; dst += 16) v128.store(dst, four);
  }
  for (; dst < end; dst += 4) store<u32>(dst, value);
}

/**
 * The adjoint: narrow[o, :] = sum over t of wide[o, t, :]; float32, `row` in elements. Rows of one element are summed in
 * float64 and rounded once; longer rows are added one after the other in float32.
 */
export function sumRows(wide: usize, narrow: usize, outer: i32, times: i32, row: usize): void {
  const bytes = row << 2;
  for (let o = 0; o < outer; o++, narrow += bytes) {
    if (row == 1) {
      const end = wide + ((<usize>times) << 2);
      let sum: f64 = 0;
      if (ASC_FEATURE_SIMD) {
        let lanes = f64x2.splat(0);
        for (; wide + 8 <= end; wide += 8) {
          lanes = f64x2.add(lanes, f64x2.promote_low_f32x4(v128.load64_zero(wide)));
        }
        sum = f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
      }
      for (; wide < end; wide += 4) sum += <f64>load<f32>(wide);
      store<f32>(narrow, <f32>sum);
    } else {
      memory.fill(narrow, 0, bytes);
      for (let t = 0; t < times; t++, wide += bytes) addFloats(narrow, wide, row);
    }
  }
}
