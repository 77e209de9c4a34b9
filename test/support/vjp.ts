import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { extractConv2dPatches, gradients } from "../../src/ops/index.js";
import { bytesOf } from "./arrays.js";
import { withoutLeak } from "./backends.js";
import type { OpCase } from "./recordedOps.js";
import { type RecordedTensor, tensorOf, valuesOf } from "./reference.js";

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
const middle3d = (value: unknown) => (value as number[]).slice(1, 4) as [number, number, number];
const resizing = (attrs: Record<string, unknown>): [Pair, boolean, boolean] => [
  attrs.size as Pair,
  attrs.align_corners as boolean,
  attrs.half_pixel_centers as boolean,
];
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
  conv3d: ([x, filter], attrs) =>
    tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, middle3d(attrs.strides), padding(attrs)),
  conv3d_transpose: ([x, filter], attrs) =>
    tf.conv3dTranspose(
      x as tf.Tensor5D,
      filter as tf.Tensor5D,
      attrs.output_shape as [number, number, number, number, number],
      middle3d(attrs.strides),
      padding(attrs),
    ),
  max_pool3d: ([x], attrs) =>
    tf.maxPool3d(x as tf.Tensor5D, middle3d(attrs.ksize), middle3d(attrs.strides), padding(attrs)),
  avg_pool3d: ([x], attrs) =>
    tf.avgPool3d(x as tf.Tensor5D, middle3d(attrs.ksize), middle3d(attrs.strides), padding(attrs)),
  resize_nearest: ([x], attrs) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, ...resizing(attrs)),
  resize_bilinear: ([x], attrs) => tf.image.resizeBilinear(x as tf.Tensor4D, ...resizing(attrs)),
  max_pool: ([x], attrs) =>
    tf.maxPool(x as tf.Tensor4D, middle(attrs.ksize), middle(attrs.strides), padding(attrs)),
  avg_pool: ([x], attrs) =>
    tf.avgPool(x as tf.Tensor4D, middle(attrs.ksize), middle(attrs.strides), padding(attrs)),
};

/** Throws unless a tensor is the recorded one, as closely as its case says. */
export function assertAlike(c: OpCase, name: string, got: tf.Tensor, want: RecordedTensor): void {
  const dtype = want.dtype === "uint8" ? "int32" : want.dtype;
  assert.equal([got.shape, got.dtype], [want.shape, dtype], `${c.id} ${name}`);
  const values = got.dataSync();
  const wanted = valuesOf(want);
  wanted.forEach((w, i) => {
    const g = values[i] as number;
    const same = c.compare === "close" ? Math.abs(g - w) <= c.atol! + c.rtol! * Math.abs(w) : g === w;
    assert.ok(
      same || g === w || (Number.isNaN(g) && Number.isNaN(w)),
      `${c.id} (${c.kind}) ${name}: element ${i} is ${g}, TensorFlow has ${w}`,
    );
  });
  if (c.compare === "bits" && want.dtype !== "uint8" && !wanted.some(Number.isNaN))
    assert.equal(bytesOf(values as Float32Array), bytesOf(wanted), c.id);
}

/** The recorded inputs of a case. */
export const inputsOf = (c: OpCase): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(c.inputs).map(([name, tensor]) => [name, tensorOf(tensor)]));

/** Runs a recorded graph from what is known already: its inputs, and the xs, which are leaves. */
function evaluate(
  nodes: GraphNode[],
  known: Map<string, tf.Tensor>,
  stopped: string[],
): Map<string, tf.Tensor> {
  const values = new Map(known);
  for (const { name, op, in: names, attrs } of nodes) {
    if (values.has(name)) continue;
    const y = operations[op]!(
      names.map((n) => values.get(n)!),
      attrs,
    );
    values.set(name, stopped.includes(name) ? operations.stop_gradient!([y], {}) : y);
  }
  return values;
}

/** A test for each recorded graph: its values and its vector-Jacobian products, on the current backend. */
export function testVjps(cases: readonly OpCase[]): void {
  for (const c of cases) {
    test(`vector-Jacobian product ${c.id} (${c.kind}) is TensorFlow's`, () => {
      withoutLeak(() =>
        tf.tidy(() => {
          const { nodes, ys, xs, grad_ys, stop_gradients, unconnected_gradients } = c.args as unknown as {
            nodes: GraphNode[];
            ys: string[];
            xs: string[];
            grad_ys: string[] | null;
            stop_gradients: string[];
            unconnected_gradients: "none" | "zero";
          };
          const inputs = new Map(Object.entries(inputsOf(c)));
          const values = evaluate(nodes, inputs, stop_gradients);
          ys.forEach((y, i) => assertAlike(c, `y_${i}`, values.get(y)!, c.outputs![`y_${i}`]!));
          const knownYs = ys.map((y, i) =>
            grad_ys === null ? tf.onesLike(values.get(y)!) : inputs.get(grad_ys[i]!)!,
          );
          // Each x for itself, as tf.gradients does; one that no y depends on has none.
          xs.forEach((x, i) => {
            const want = c.outputs![`grad_${i}`];
            const [got] = gradients(
              (leaf) => {
                const at = evaluate(nodes, new Map([...inputs, [x, leaf!]]), stop_gradients);
                return ys.map((y) => at.get(y)!);
              },
              [values.get(x)!],
              knownYs,
              { unconnected: "zero" },
            );
            if (want === null || want === undefined) {
              assert.is(unconnected_gradients, "none");
              assert.ok(got!.dataSync().every((v) => v === 0));
            } else assertAlike(c, `grad_${i}`, got!, want);
          });
        }),
      );
    });
  }
}
