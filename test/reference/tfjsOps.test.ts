import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installKernels } from "../../src/kernels/index.js";
import "../support/backends.js";
import { withoutLeak } from "../support/backends.js";
import { type OpCase, recordedOps } from "../support/recordedOps.js";
import { skipWithout } from "../support/reference.js";
import { assertAlike, inputsOf, testVjps } from "../support/vjp.js";

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

testVjps(all.filter((c) => c.op === "vjp"));

test.run();
