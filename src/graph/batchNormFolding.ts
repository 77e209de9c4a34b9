import * as tf from "@tensorflow/tfjs";
import { type Layer, weightOf } from "../layers/internals.js";

/** y = scale x + offset, one number a channel: what batch normalisation does in inference. */
export interface Affine {
  readonly scale: tf.Tensor1D;
  readonly offset: tf.Tensor1D;
}

/** The weights of a linear layer, as it names them when it is built; the bias zero where it has none. */
export type LinearWeights = Readonly<Record<string, tf.Tensor>> & { readonly bias: tf.Tensor };

/** How batch normalisation is worked into the weights of one class of layers. Runs in a tidy. */
interface Folding {
  /** The fields of the weights and the names by which the layer asks for them, the bias apart. */
  readonly weights: Readonly<Record<string, string>>;
  /** Of the layer's output. */
  after(weights: LinearWeights, affine: Affine): LinearWeights;
  /** Of its input. Exact where every output sees the whole kernel: where nothing is padded, or nothing is to be added. */
  before(weights: LinearWeights, affine: Affine): LinearWeights;
}

/** A row a channel of the last axis but one: `[c]` to `[c, 1]`. */
const column = (x: tf.Tensor) => tf.reshape(x, [-1, 1]);

/** Sums over all axes but the last `kept` ones. */
function sumLeading(x: tf.Tensor, kept: number): tf.Tensor {
  return tf.sum(x, [...Array(x.rank - kept).keys()]);
}

function shifted({ bias }: LinearWeights, { scale, offset }: Affine): tf.Tensor {
  return tf.add(tf.mul(bias, scale), offset);
}

/** Kernels `[..., in, out]`. */
const convolution: Folding = {
  weights: { kernel: "kernel" },
  after: (w, affine) => ({ kernel: tf.mul(w.kernel as tf.Tensor, affine.scale), bias: shifted(w, affine) }),
  before: (w, { scale, offset }) => ({
    kernel: tf.mul(w.kernel as tf.Tensor, column(scale)),
    bias: tf.add(w.bias, sumLeading(tf.mul(w.kernel as tf.Tensor, column(offset)), 1)),
  }),
};

/** Kernels `[..., out, in]`. */
const transposed: Folding = {
  weights: { kernel: "kernel" },
  after: (w, affine) => ({
    kernel: tf.mul(w.kernel as tf.Tensor, column(affine.scale)),
    bias: shifted(w, affine),
  }),
  before: (w, { scale, offset }) => ({
    kernel: tf.mul(w.kernel as tf.Tensor, scale),
    bias: tf.add(w.bias, sumLeading(tf.sum(tf.mul(w.kernel as tf.Tensor, offset), -1), 1)),
  }),
};

/** Kernels `[kh, kw, c, m]`; output c m + j is of channel c. */
const depthwise: Folding = {
  weights: { kernel: "depthwise_kernel" },
  after: (w, affine) => {
    const kernel = w.kernel as tf.Tensor;
    return {
      kernel: tf.mul(kernel, tf.reshape(affine.scale, kernel.shape.slice(2))),
      bias: shifted(w, affine),
    };
  },
  before: (w, { scale, offset }) => ({
    kernel: tf.mul(w.kernel as tf.Tensor, column(scale)),
    bias: tf.add(w.bias, tf.reshape(sumLeading(tf.mul(w.kernel as tf.Tensor, column(offset)), 2), [-1])),
  }),
};

/** A depthwise kernel `[kh, kw, c, m]`, then a pointwise one `[1, 1, c m, out]`. */
const separable: Folding = {
  weights: { depthwise: "depthwise_kernel", pointwise: "pointwise_kernel" },
  after: (w, affine) => ({
    depthwise: tf.clone(w.depthwise as tf.Tensor),
    pointwise: tf.mul(w.pointwise as tf.Tensor, affine.scale),
    bias: shifted(w, affine),
  }),
  before: (w, { scale, offset }) => {
    const [deep, pointwise] = [w.depthwise as tf.Tensor, w.pointwise as tf.Tensor];
    const between = tf.reshape(sumLeading(tf.mul(deep, column(offset)), 2), [1, -1]) as tf.Tensor2D;
    const matrix = tf.reshape(pointwise, [between.shape[1], -1]) as tf.Tensor2D;
    return {
      depthwise: tf.mul(deep, column(scale)),
      pointwise: tf.clone(pointwise),
      bias: tf.add(w.bias, tf.reshape(tf.matMul(between, matrix), [-1])),
    };
  },
};

/** By class name, of the classes themselves: what extends them may compute something else. */
export const foldings: Readonly<Record<string, Folding>> = {
  Dense: convolution,
  Conv1D: convolution,
  Conv2D: convolution,
  Conv3D: convolution,
  Conv2DTranspose: transposed,
  Conv3DTranspose: transposed,
  DepthwiseConv2D: depthwise,
  SeparableConv2D: separable,
};

/** The field of a layer that holds the weight that it asks for by a name. */
const FIELDS: Readonly<Record<string, string>> = {
  kernel: "kernel",
  depthwise_kernel: "depthwiseKernel",
  pointwise_kernel: "pointwiseKernel",
};

/** scale = gamma / sqrt(variance + epsilon), offset = beta - scale mean. */
export function affineOf(normalization: Layer): Affine {
  const { epsilon } = normalization.getConfig();
  const read = (field: string) => weightOf(normalization, field);
  const deviation = tf.sqrt(tf.add(read("movingVariance") as tf.Tensor, epsilon as number));
  const scale = tf.div(read("gamma") ?? 1, deviation) as tf.Tensor1D;
  const offset = tf.sub(read("beta") ?? 0, tf.mul(scale, read("movingMean") as tf.Tensor)) as tf.Tensor1D;
  return { scale, offset };
}

/** A layer's weights, with as many zeros for a bias as it has outputs where it has none. */
export function linearWeights(layer: Layer, outputs: number): LinearWeights {
  const { weights } = foldings[layer.getClassName()] as Folding;
  const read = Object.entries(weights).map(([key, asked]) => [key, weightOf(layer, FIELDS[asked] as string)]);
  return { ...Object.fromEntries(read), bias: weightOf(layer, "bias") ?? tf.zeros([outputs]) };
}
