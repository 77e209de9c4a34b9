/**
 * The filter that turns the gradient of a convolution's output back into one of its input, for those pixels of the input
 * that lie at one place within the stride.
 *
 *   src  [kH, kW, inC, outC]      dst  [tapsH, tapsW, outC, inC]      4 bytes an element
 *
 *   dst[i, j, o, c] = src[firstH + (tapsH - 1 - i) stepH, firstW + (tapsW - 1 - j) stepW, c, o]
 *
 * Moves bytes. With first 0 and step 1 it is the whole filter, flipped and transposed.
 */
import { transposePlanes } from "../transpose";

export function flipFilter(
  src: usize,
  dst: usize,
  kW: i32,
  inC: i32,
  outC: i32,
  tapsH: i32,
  tapsW: i32,
  firstH: i32,
  firstW: i32,
  stepH: i32,
  stepW: i32,
): void {
  const plane = (<usize>inC * <usize>outC) << 2;
  for (let i = tapsH - 1; i >= 0; i--) {
    for (let j = tapsW - 1; j >= 0; j--, dst += plane) {
      const from = src + <usize>((firstH + i * stepH) * kW + firstW + j * stepW) * plane;
      transposePlanes(from, dst, 0, 0, inC, outC, (<usize>outC) << 2, (<usize>inC) << 2, 4);
    }
  }
}
