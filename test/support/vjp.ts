import * as tf from "@tensorflow/tfjs";
import { extractConv2dPatches } from "../../src/ops/index.js";

/** A node of a recorded graph: an operation of TensorFlow with its attributes. */
export interface GraphNode {
  name: string;
  op: string;
  in: string[];
  attrs: Record<string, unknown>;
}

type Pair = [number, number];
type Axis = number | number[] | undefined;
type Operation = (xs: tf.Tensor[], attrs: Record<string, unknown>) => tf.Tensor;

const middle = (value: unknown): Pair => (value as number[]).slice(1, 3) as Pair;
const padding = (attrs: Record<string, unknown>) =>
  (attrs.padding as string).toLowerCase() as "same" | "valid";
const reduction =
  (reduce: (x: tf.Tensor, axis: Axis, keepDims: boolean) => tf.Tensor): Operation =>
  ([x], { axis, keepdims }) =>
    reduce(x!, (axis as Axis) ?? undefined, keepdims === true);
const unary =
  (fn: (x: tf.Tensor) => tf.Tensor): Operation =>
  ([x]) =>
    fn(x!);
const binary =
  (fn: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Operation =>
  ([a, b]) =>
    fn(a!, b!);
/** softmax along any axis: tfjs has it along the last. */
const along =
  (fn: (x: tf.Tensor) => tf.Tensor): Operation =>
  ([x], { axis = -1 }) => {
    const at = (axis as number) < 0 ? (axis as number) + x!.rank : (axis as number);
    if (at === x!.rank - 1) return fn(x!);
    const perm = x!.shape.map((_, i) => (i === at ? x!.rank - 1 : i === x!.rank - 1 ? at : i));
    return tf.transpose(fn(tf.transpose(x!, perm)), perm);
  };

/** TensorFlow's operations as a user of tfjs writes them. */
export const operations: Record<string, Operation> = {
  add: binary(tf.add),
  sub: binary(tf.sub),
  mul: binary(tf.mul),
  div: binary(tf.div),
  div_no_nan: binary(tf.divNoNan),
  maximum: binary(tf.maximum),
  minimum: binary(tf.minimum),
  pow: binary(tf.pow),
  squared_difference: binary(tf.squaredDifference),
  matmul: ([a, b], { transpose_a, transpose_b }) =>
    tf.matMul(a!, b!, transpose_a === true, transpose_b === true),
  bias_add: binary(tf.add),
  neg: unary(tf.neg),
  abs: unary(tf.abs),
  exp: unary(tf.exp),
  log: unary(tf.log),
  log1p: unary(tf.log1p),
  sqrt: unary(tf.sqrt),
  rsqrt: unary(tf.rsqrt),
  square: unary(tf.square),
  reciprocal: unary(tf.reciprocal),
  sin: unary(tf.sin),
  cos: unary(tf.cos),
  tanh: unary(tf.tanh),
  sigmoid: unary(tf.sigmoid),
  relu: unary(tf.relu),
  relu6: unary(tf.relu6),
  elu: unary(tf.elu),
  selu: unary(tf.selu),
  erf: unary(tf.erf),
  softplus: unary(tf.softplus),
  sign: unary(tf.sign),
  floor: unary(tf.floor),
  identity: unary((x) => tf.clone(x)),
  stop_gradient: unary((x) =>
    tf.customGrad((y) => ({ value: tf.clone(y as tf.Tensor), gradFunc: (dy) => tf.zerosLike(dy) }))(x),
  ),
  leaky_relu: ([x], { alpha }) => tf.leakyRelu(x!, alpha as number),
  cast: ([x], { dtype }) => tf.cast(x!, dtype as tf.DataType),
  softmax: along((x) => tf.softmax(x)),
  log_softmax: along((x) => tf.logSoftmax(x)),
  cumsum: ([x], { axis, exclusive, reverse }) =>
    tf.cumsum(x!, axis as number, exclusive === true, reverse === true),
  reduce_sum: reduction(tf.sum),
  reduce_mean: reduction(tf.mean),
  reduce_max: reduction(tf.max),
  reduce_min: reduction(tf.min),
  reduce_prod: reduction(tf.prod),
  reduce_logsumexp: reduction(tf.logSumExp),
  reshape: ([x], { shape }) => tf.reshape(x!, shape as number[]),
  transpose: ([x], { perm }) => tf.transpose(x!, perm as number[]),
  concat: (xs, { axis }) => tf.concat(xs, axis as number),
  stack: (xs, { axis }) => tf.stack(xs, axis as number),
  slice: ([x], { begin, size }) => tf.slice(x!, begin as number[], size as number[]),
  strided_slice: ([x], { begin, end, strides }) =>
    tf.stridedSlice(x!, begin as number[], end as number[], strides as number[]),
  pad: ([x], { paddings, mode = "CONSTANT" }) =>
    mode === "REFLECT" ? tf.mirrorPad(x!, paddings as Pair[], "reflect") : tf.pad(x!, paddings as Pair[]),
  tile: ([x], { multiples }) => tf.tile(x!, multiples as number[]),
  reverse: ([x], { axis }) => tf.reverse(x!, axis as number[]),
  expand_dims: ([x], { axis }) => tf.expandDims(x!, axis as number),
  squeeze: ([x], { axis }) => tf.squeeze(x!, axis as number[] | undefined),
  broadcast_to: ([x], { shape }) => tf.broadcastTo(x!, shape as number[]),
  gather: ([x, i], { axis = 0, batch_dims = 0 }) => tf.gather(x!, i!, axis as number, batch_dims as number),
  gather_nd: ([x, i]) => tf.gatherND(x!, i!),
  where: ([q, x, y]) => tf.where(q!, x!, y!),
  clip_by_value: ([x], { min, max }) => tf.clipByValue(x!, min as number, max as number),
  unsorted_segment_sum: ([x, i], { num_segments }) =>
    tf.unsortedSegmentSum(x!, i as tf.Tensor1D, num_segments as number),
  extract_patches: ([x], { sizes, strides, rates, padding: pad }) =>
    extractConv2dPatches(x!, middle(sizes), middle(strides), middle(rates), pad as string),
  conv2d: ([x, w], attrs) =>
    tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, middle(attrs.strides), padding(attrs)),
  depthwise_conv2d: ([x, w], attrs) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, middle(attrs.strides), padding(attrs)),
  conv2d_transpose: ([x, w], attrs) =>
    tf.conv2dTranspose(
      x as tf.Tensor4D,
      w as tf.Tensor4D,
      attrs.output_shape as [number, number, number, number],
      middle(attrs.strides),
      padding(attrs),
    ),
  max_pool: ([x], attrs) =>
    tf.maxPool(x as tf.Tensor4D, middle(attrs.ksize), middle(attrs.strides), padding(attrs)),
  avg_pool: ([x], attrs) =>
    tf.avgPool(x as tf.Tensor4D, middle(attrs.ksize), middle(attrs.strides), padding(attrs)),
};
