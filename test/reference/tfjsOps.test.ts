import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installKernels } from "../../src/kernels/index.js";
import { gradients } from "../../src/ops/index.js";
import "../support/backends.js";
import { bytesOf } from "../support/arrays.js";
import { withoutLeak } from "../support/backends.js";
import { type OpCase, recordedOps } from "../support/recordedOps.js";
import { type RecordedTensor, skipWithout, tensorOf, valuesOf } from "../support/reference.js";
import { type GraphNode, operations } from "../support/vjp.js";

const all = recordedOps();
if (all.length === 0) skipWithout("operations recorded with TensorFlow");

await tf.setBackend("wasm");
installKernels();

type Inputs = Record<string, tf.Tensor>;
type Args = Record<string, unknown>;
type Results = Record<string, tf.Tensor | null>;

const pair = (value: unknown) => (value as number[]).slice(1, 3) as [number, number];

/** Attributes of a convolution as tfjs names them. */
function convolution({ strides, dilations = [1, 1, 1, 1], padding, explicit_paddings }: Args) {
  const p = explicit_paddings as number[] | undefined;
  const pad =
    padding === "EXPLICIT"
      ? [0, 2, 4, 6].map((i) => [p![i]!, p![i + 1]!])
      : (padding as string).toLowerCase();
  return { strides: pair(strides), dilations: pair(dilations), pad, dataFormat: "NHWC" };
}

function run(name: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
}

const pooling = ({ ksize, strides, padding }: Args) => ({
  filterSize: pair(ksize),
  strides: pair(strides),
  pad: (padding as string).toLowerCase() as "same" | "valid",
});

const kernels: Record<string, (i: Inputs, a: Args) => Results> = {
  gather: (i, a) => ({
    output: tf.gather(
      i.params!,
      i.indices!,
      (a.axis ?? a.batch_dims ?? 0) as number,
      (a.batch_dims ?? 0) as number,
    ),
  }),
  gather_nd: (i) => ({ output: tf.gatherND(i.params!, i.indices!) }),
  is_finite: (i) => ({ output: tf.isFinite(i.x!) }),
  broadcast_to: (i, a) => ({ output: tf.broadcastTo(i.x!, a.shape as number[]) }),
  conv2d_backprop_input: (i, a) => ({
    grad_input: run(
      "Conv2DBackpropInput",
      { dy: i.grad_output!, filter: i.filter! },
      { ...convolution(a), inputShape: a.input_shape },
    ),
  }),
  conv2d_backprop_filter: (i, a) => ({
    grad_filter: run(
      "Conv2DBackpropFilter",
      { x: i.input!, dy: i.grad_output! },
      { ...convolution(a), filterShape: a.filter_shape },
    ),
  }),
  depthwise_conv2d_backprop_input: (i, a) => ({
    grad_input: run(
      "DepthwiseConv2dNativeBackpropInput",
      { dy: i.grad_output!, filter: i.filter! },
      { ...convolution(a), inputShape: a.input_shape },
    ),
  }),
  depthwise_conv2d_backprop_filter: (i, a) => ({
    grad_filter: run(
      "DepthwiseConv2dNativeBackpropFilter",
      { x: i.input!, dy: i.grad_output! },
      { ...convolution(a), filterShape: a.filter_shape },
    ),
  }),
  max_pool_grad: (i, a) => {
    const { filterSize, strides, pad } = pooling(a);
    const output = tf.maxPool(i.input as tf.Tensor4D, filterSize, strides, pad);
    const inputs = { dy: i.grad_output!, input: i.input!, output };
    return { output, grad_input: run("MaxPoolGrad", inputs, pooling(a)) };
  },
  avg_pool_grad: (i, a) => ({
    grad_input: run(
      "AvgPoolGrad",
      { dy: i.grad_output!, input: tf.zeros(a.input_shape as number[]) },
      pooling(a),
    ),
  }),
  unsorted_segment_sum: (i, a) => ({
    output: tf.unsortedSegmentSum(i.data!, i.segment_ids as tf.Tensor1D, a.num_segments as number),
  }),
};

/** What the public functions of tfjs cannot be asked, or answer before a kernel is asked. */
function beyondTfjs({ op, args, inputs, raises }: OpCase): boolean {
  if (op === "gather_nd") return (args.batch_dims ?? 0) !== 0;
  // int32 and bool are finite with us, where TensorFlow refuses them.
  if (op === "is_finite") return raises !== undefined && inputs.x?.dtype !== "float32";
  // tf.broadcastTo gives x back where an axis of 1 becomes one of 0.
  if (op === "broadcast_to") return (args.shape as number[]).includes(0);
  return false;
}

function assertAlike(c: OpCase, name: string, got: tf.Tensor, want: RecordedTensor): void {
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

const inputsOf = (c: OpCase): Inputs =>
  Object.fromEntries(Object.entries(c.inputs).map(([name, tensor]) => [name, tensorOf(tensor)]));

for (const [op, kernel] of Object.entries(kernels)) {
  const cases = all.filter((c) => c.op === op);
  if (cases.length === 0) continue;
  test(`tfjs on wasm with our kernels meets all ${cases.length} recorded cases of ${op}`, () => {
    for (const c of cases) {
      withoutLeak(() =>
        tf.tidy(() => {
          const inputs = inputsOf(c);
          const outputs = c.outputs ?? c.outputs_if_supported;
          if (beyondTfjs(c)) return;
          if (outputs === undefined) {
            assert.throws(
              () => kernel(inputs, c.args),
              undefined,
              `${c.id} is refused: ${c.raises?.message}`,
            );
            return;
          }
          const results = kernel(inputs, c.args);
          for (const [name, got] of Object.entries(results)) assertAlike(c, name, got!, outputs[name]!);
        }),
      );
    }
  });
}

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

const vjps = all.filter((c) => c.op === "vjp");
for (const c of vjps) {
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

test.run();
