import * as tf from "@tensorflow/tfjs";
import { gradientOf, stockGradient } from "./registry.js";

interface Conv3dAttributes {
  strides: number | [number, number, number];
  pad: "same" | "valid";
}

/**
 * The gradient of a convolution over three axes, by forward convolutions: the WASM backend's kernels for it are wrong. Other
 * backends keep tfjs's.
 */
export const volumes: readonly tf.GradConfig[] = [
  gradientOf<Conv3dAttributes>("Conv3D", { inputsToSave: ["x", "filter"] }, (dy, saved, attributes) => {
    if (tf.getBackend() !== "wasm") return stockGradient("Conv3D", dy, saved, attributes);
    const [x, filter] = saved as [tf.Tensor5D, tf.Tensor5D];
    const windows = layWindows(x, filter, dy, attributes);
    return {
      x: () => tf.tidy(() => inputGradient(x, filter, dy, windows)),
      filter: () => tf.tidy(() => filterGradient(x, dy, windows)),
    };
  }),
];

/** Of each axis of space: its stride, the padding before, and how much of the padded input windows reach. */
interface Windows {
  readonly strides: readonly number[];
  readonly before: readonly number[];
  readonly reach: readonly number[];
}

function layWindows(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor, attributes: Conv3dAttributes): Windows {
  const { strides: given, pad } = attributes;
  const strides = typeof given === "number" ? [given, given, given] : given;
  const reach = strides.map(
    (stride, i) => ((dy.shape[i + 1] as number) - 1) * stride + (filter.shape[i] as number),
  );
  const before = reach.map((length, i) =>
    pad === "same" ? Math.floor(Math.max(0, length - (x.shape[i + 1] as number)) / 2) : 0,
  );
  return { strides, before, reach };
}

/** dy with zeros between, convolved with the filter turned round; what lies on the padding is cut away. */
function inputGradient(x: tf.Tensor5D, filter: tf.Tensor5D, dy: tf.Tensor, windows: Windows): tf.Tensor {
  const { before, reach } = windows;
  const edges = filter.shape.slice(0, 3).map((k): [number, number] => [k - 1, k - 1]);
  const wide = tf.pad(spread(dy, windows.strides), [[0, 0], ...edges, [0, 0]]) as tf.Tensor5D;
  const turned = tf.transpose(tf.reverse(filter, [0, 1, 2]), [0, 1, 2, 4, 3]);
  const full = tf.conv3d(wide, turned, 1, "valid");
  const space = x.shape.slice(1, 4);
  const after = space.map((n, i): [number, number] => [
    0,
    Math.max(0, (before[i] as number) + n - (reach[i] as number)),
  ]);
  return tf.slice(tf.pad(full, [[0, 0], ...after, [0, 0]]), [0, ...before, 0], x.shape);
}

/** The input convolved with dy, the batch in the place of the channels. */
function filterGradient(x: tf.Tensor5D, dy: tf.Tensor, { strides, before, reach }: Windows): tf.Tensor {
  const borders = before.map((n, i): [number, number] => [
    n,
    Math.max(0, (reach[i] as number) - n - (x.shape[i + 1] as number)),
  ]);
  const padded = tf.pad(x, [[0, 0], ...borders, [0, 0]]);
  const read = tf.slice(padded, [0, 0, 0, 0, 0], [x.shape[0], ...reach, x.shape[4]]);
  const images = tf.transpose(read, [4, 1, 2, 3, 0]) as tf.Tensor5D;
  const kernel = tf.transpose(spread(dy, strides), [1, 2, 3, 0, 4]) as tf.Tensor5D;
  return tf.transpose(tf.conv3d(images, kernel, 1, "valid"), [1, 2, 3, 0, 4]);
}

/** x with `strides[i] - 1` zeros between its elements along each axis of space. */
function spread(x: tf.Tensor, strides: readonly number[]): tf.Tensor {
  let y = x;
  for (const [i, step] of strides.entries()) {
    const axis = i + 1;
    const size = y.shape[axis] as number;
    if (step === 1 || size === 1) continue;
    const rows = y.shape.slice(0, axis).reduce((a, b) => a * b, 1);
    const columns = y.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const apart = tf.pad(tf.reshape(y, [rows, size, 1, columns]), [
      [0, 0],
      [0, 0],
      [0, step - 1],
      [0, 0],
    ]);
    const length = (size - 1) * step + 1;
    const cut = tf.slice(tf.reshape(apart, [rows, size * step, columns]), [0, 0, 0], [rows, length, columns]);
    y = tf.reshape(cut, [...y.shape.slice(0, axis), length, ...y.shape.slice(axis + 1)]);
  }
  return y;
}
