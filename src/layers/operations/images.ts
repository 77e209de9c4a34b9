/** Operations on images and other data with axes of space. */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError } from "../../errors.js";
import { convolve, depthwiseConvolve } from "../convolve.js";
import { perAxis } from "../OwnLayer.js";
import { averagePool, maxPool } from "../pool.js";
import { INTERPOLATIONS, type Interpolation, resizeImages } from "../resample.js";
import { type Arguments, float, type OperationRule, option, rule, tensor } from "./rule.js";

/** Runs on channels-last data: Keras's default, and what `data_format` says otherwise. */
function channelsLast(args: Arguments, x: tf.Tensor, run: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  if (option(args, "data_format", null) !== "channels_first") return run(x);
  const rank = x.rank;
  const space = Array.from({ length: rank - 2 }, (_, i) => i);
  const y = run(tf.transpose(x, [0, ...space.map((i) => i + 2), 1]));
  return tf.transpose(y, [0, y.rank - 1, ...space.map((i) => i + 1)]);
}

function batched(args: Arguments, name: string, rank = 4): tf.Tensor {
  const x = tensor(args, name);
  if (x.rank !== rank) throw new ArgumentError(`expected ${name} of rank ${rank}, got ${x.rank}`);
  return x;
}

type Pool = typeof maxPool;

const pooling = (pool: Pool) =>
  rule("inputs pool_size strides padding data_format", (args) =>
    channelsLast(args, float(tensor(args, "inputs")), (x) => {
      const size = perAxis(args.pool_size as number | number[], x.rank - 2);
      const strides = option<number | number[] | null>(args, "strides", null) ?? size;
      const padding = option(args, "padding", "valid").toLowerCase();
      return pool(x, { size, strides: perAxis(strides, x.rank - 2), padding });
    }),
  );

const convolution = (run: typeof convolve) =>
  rule("inputs kernel strides padding data_format dilation_rate", (args) =>
    channelsLast(args, float(tensor(args, "inputs")), (x) => {
      const rank = x.rank - 2;
      const kernel = float(tensor(args, "kernel"));
      return run(x, kernel, {
        strides: perAxis(option<number | number[]>(args, "strides", 1), rank),
        dilationRate: perAxis(option<number | number[]>(args, "dilation_rate", 1), rank),
        padding: option(args, "padding", "valid").toLowerCase(),
        groups: run === convolve ? (x.shape.at(-1) as number) / (kernel.shape[rank] as number) : 1,
      });
    }),
  );

function resize(args: Arguments): tf.Tensor {
  const interpolation = option(args, "interpolation", "bilinear");
  if (!INTERPOLATIONS.includes(interpolation))
    throw new ArgumentError(`Resize: expected one of ${INTERPOLATIONS.join(", ")}, got ${interpolation}`);
  if (option(args, "fill_mode", "constant") !== "constant")
    throw new ArgumentError("Resize: expected fill_mode constant");
  const [height, width] = args.size as [number, number];
  const images = batched(args, "images");
  const y = channelsLast(args, float(images), (x) =>
    resizeImages(x, height, width, {
      interpolation: interpolation as Interpolation,
      antialias: option(args, "antialias", false),
      cropToAspectRatio: option(args, "crop_to_aspect_ratio", false),
      padToAspectRatio: option(args, "pad_to_aspect_ratio", false),
      fillValue: option(args, "fill_value", 0),
    }),
  );
  return images.dtype === "float32" ? y : tf.cast(y, images.dtype);
}

/** Each patch in one vector, row by row: a convolution with as many filters as it has numbers. */
function patches(args: Arguments): tf.Tensor {
  const [rows, columns] = perAxis(args.size as number | number[], 2) as [number, number];
  return channelsLast(args, float(batched(args, "images")), (x) => {
    const channels = x.shape[3] as number;
    const count = rows * columns * channels;
    const kernel = tf.reshape(tf.eye(count), [rows, columns, channels, count]);
    return convolve(x, kernel, {
      strides: perAxis(option<number | number[] | null>(args, "strides", null) ?? [rows, columns], 2),
      dilationRate: perAxis(option<number | number[]>(args, "dilation_rate", 1), 2),
      padding: option(args, "padding", "valid").toLowerCase(),
    });
  });
}

function grayscale(args: Arguments): tf.Tensor {
  const images = float(batched(args, "images"));
  return channelsLast(args, images, (x) => {
    const weights = tf.tensor1d([0.2989, 0.587, 0.114]);
    return tf.sum(tf.mul(x, weights), -1, true);
  });
}

/** Borders of both sides of an axis: two of the one before, the one after and the size there shall be. */
function borders(
  who: string,
  before: unknown,
  after: unknown,
  target: unknown,
  difference: number | null,
): [number, number] {
  const [a, b] = [before as number | null, after as number | null];
  if (difference === null || target == null) {
    if (a == null || b == null) throw new ArgumentError(`${who}: expected two of both borders and the size`);
    return [a, b];
  }
  if (a == null && b == null) throw new ArgumentError(`${who}: expected one of the borders`);
  return a == null ? [difference - (b as number), b as number] : [a, b ?? difference - a];
}

function cropped(args: Arguments): tf.Tensor {
  return channelsLast(args, batched(args, "images"), (x) => {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const { target_height: height, target_width: width } = args as Record<string, number | null>;
    const [top, bottom] = borders(
      "CropImages",
      args.top_cropping,
      args.bottom_cropping,
      height,
      h - (height ?? 0),
    );
    const [left, right] = borders(
      "CropImages",
      args.left_cropping,
      args.right_cropping,
      width,
      w - (width ?? 0),
    );
    return tf.slice(x, [0, top, left, 0], [n, h - top - bottom, w - left - right, c]);
  });
}

function padded(args: Arguments): tf.Tensor {
  return channelsLast(args, batched(args, "images"), (x) => {
    const [, h, w] = x.shape as [number, number, number, number];
    const { target_height: height, target_width: width } = args as Record<string, number | null>;
    const rows = borders("PadImages", args.top_padding, args.bottom_padding, height, (height ?? 0) - h);
    const columns = borders("PadImages", args.left_padding, args.right_padding, width, (width ?? 0) - w);
    return tf.pad(x, [[0, 0], rows, columns, [0, 0]]);
  });
}

export const images: Readonly<Record<string, OperationRule>> = {
  MaxPool: pooling(maxPool),
  AveragePool: pooling(averagePool),
  Conv: convolution(convolve),
  DepthwiseConv: convolution(depthwiseConvolve),
  Resize: rule(
    "images size interpolation antialias crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value data_format",
    resize,
  ),
  ExtractPatches: rule("images size strides dilation_rate padding data_format", patches),
  RGBToGrayscale: rule("images data_format", grayscale),
  CropImages: rule(
    "images top_cropping left_cropping bottom_cropping right_cropping target_height target_width data_format",
    cropped,
  ),
  PadImages: rule(
    "images top_padding left_padding bottom_padding right_padding target_height target_width data_format",
    padded,
  ),
  DepthToSpace: rule("x block_size data_format", (args) =>
    channelsLast(args, tensor(args), (x) => {
      const [n, h, w, c] = x.shape as [number, number, number, number];
      const by = args.block_size as number;
      const depth = c / (by * by);
      const blocks = tf.transpose(tf.reshape(x, [n, h, w, by, by, depth]), [0, 1, 3, 2, 4, 5]);
      return tf.reshape(blocks, [n, h * by, w * by, depth]);
    }),
  ),
  SpaceToDepth: rule("x block_size data_format", (args) =>
    channelsLast(args, tensor(args), (x) => {
      const [n, h, w, c] = x.shape as [number, number, number, number];
      const by = args.block_size as number;
      const blocks = tf.transpose(tf.reshape(x, [n, h / by, by, w / by, by, c]), [0, 1, 3, 2, 4, 5]);
      return tf.reshape(blocks, [n, h / by, w / by, by * by * c]);
    }),
  ),
};
