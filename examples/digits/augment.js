import { SIDE } from "./data.js";

/** The most by which a digit is turned (radians), scaled, slanted (parts of one) and shifted (pixels). */
const TURN = 0.2;
const SCALE = 0.12;
const SLANT = 0.15;
const SHIFT = 2;

const CENTRE = (SIDE - 1) / 2;

/**
 * Writes the digit, slightly turned, scaled, slanted and shifted, into `target`. Some 900 digits a class are
 * too few to learn what may vary in handwriting; bent anew each epoch, they show it.
 *
 * @param {Float32Array} digit
 * @param {Float32Array} target
 * @param {() => number} random
 */
export function bend(digit, target, random) {
  /** @param {number} most */
  const within = (most) => (2 * random() - 1) * most;
  const angle = within(TURN);
  const slant = within(SLANT);
  const [scaleX, scaleY] = [1 + within(SCALE), 1 + within(SCALE)];
  const [shiftX, shiftY] = [within(SHIFT), within(SHIFT)];

  // From target to source: where each new pixel comes from.
  const [xx, xy] = [Math.cos(angle) / scaleX, (slant - Math.sin(angle)) / scaleY];
  const [yx, yy] = [Math.sin(angle) / scaleX, Math.cos(angle) / scaleY];
  let i = 0;
  for (let row = 0; row < SIDE; row++) {
    const dy = row - CENTRE - shiftY;
    for (let column = 0; column < SIDE; column++) {
      const dx = column - CENTRE - shiftX;
      target[i++] = sample(digit, CENTRE + xx * dx + xy * dy, CENTRE + yx * dx + yy * dy);
    }
  }
}

/**
 * The bilinear mean of the four pixels around (x, y).
 *
 * @param {Float32Array} digit
 * @param {number} x
 * @param {number} y
 */
function sample(digit, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [x - left, y - top];
  return (
    (1 - bottom) * ((1 - right) * pixel(digit, left, top) + right * pixel(digit, left + 1, top)) +
    bottom * ((1 - right) * pixel(digit, left, top + 1) + right * pixel(digit, left + 1, top + 1))
  );
}

/**
 * The pixel, and paper beyond the edges.
 *
 * @param {Float32Array} digit
 * @param {number} x
 * @param {number} y
 */
function pixel(digit, x, y) {
  return x < 0 || x >= SIDE ? 0 : (digit[y * SIDE + x] ?? 0);
}
