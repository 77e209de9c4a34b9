import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { init, installKernels, uninstallKernels } from "../src/kernels/index.js";
import { extractConv2dPatches } from "../src/ops/index.js";
import { type Measured, measure, memoryCopy } from "./harness.js";
import { slicesAndConcat } from "./tfjs.js";

/** An operation through tfjs's public functions, or through its engine where it has none for it. */
interface Operation {
  name: string;
  make: () => { run: () => tf.Tensor; stock?: () => tf.Tensor; inputs: tf.Tensor[] };
}

type Shape4D = [number, number, number, number];

const indices = (shape: number[], limit: number, seed = 7) =>
  tf.cast(tf.randomUniform(shape, 0, limit, "float32", seed), "int32");

function convolution(size: number, inC: number, outC: number, k: number, stride: number): Operation[] {
  const xShape: Shape4D = [1, size, size, inC];
  const filterShape: Shape4D = [k, k, inC, outC];
  const make = (gradient: "input" | "filter") => () => {
    const x = tf.randomNormal<tf.Rank.R4>(xShape);
    const filter = tf.randomNormal<tf.Rank.R4>(filterShape);
    const dy = tf.onesLike(tf.conv2d(x, filter, stride, "same"));
    const attrs = { strides: [stride, stride], pad: "same", dataFormat: "NHWC", dilations: 1 };
    const call = (kernel: string, inputs: tf.NamedTensorMap, extra: object) => (): tf.Tensor =>
      tf.engine().runKernel(kernel, inputs, { ...attrs, ...extra });
    const run =
      gradient === "input"
        ? call("Conv2DBackpropInput", { dy, filter }, { inputShape: xShape })
        : call("Conv2DBackpropFilter", { x, dy }, { filterShape });
    const forward = () => tf.conv2d(x, filter, stride, "same");
    // Stock wasm has no gradient for the filter: the forward convolution stands in its place.
    return { run, inputs: [x, filter, dy], ...(gradient === "filter" ? { stock: forward } : {}) };
  };
  const name = `${size}x${size}x${inC}, ${k}x${k} -> ${outC}, stride ${stride}`;
  return [
    { name: `Conv2DBackpropInput ${name}`, make: make("input") },
    { name: `Conv2DBackpropFilter ${name} (stock: forward)`, make: make("filter") },
  ];
}

const pools = [
  { name: "maxPool", forward: tf.maxPool<tf.Tensor4D>, kernel: "MaxPoolGrad" },
  { name: "avgPool", forward: tf.avgPool<tf.Tensor4D>, kernel: "AvgPoolGrad" },
];

const operations: Operation[] = [
  {
    name: "gather, 20,000 rows of 256 from 10,000",
    make: () => {
      const inputs = [tf.ones([10_000, 256]), indices([20_000], 10_000)] as const;
      return { run: () => tf.gather(...inputs), inputs: [...inputs] };
    },
  },
  {
    name: "gather axis 1, 512 of 10,000x256",
    make: () => {
      const [x, at] = [tf.ones([10_000, 256]), indices([512], 256)];
      return { run: () => tf.gather(x, at, 1), inputs: [x, at] };
    },
  },
  {
    name: "gatherND, 10^6 of 10,000x256",
    make: () => {
      const x = tf.ones([10_000, 256]);
      const at = tf.tidy(() => tf.stack([indices([1_000_000], 10_000), indices([1_000_000], 256, 8)], 1));
      return { run: () => tf.gatherND(x, at), inputs: [x, at] };
    },
  },
  {
    name: "broadcastTo [1,256] to [10000,256]",
    make: () => {
      const x = tf.ones([1, 256]);
      return { run: () => tf.broadcastTo(x, [10_000, 256]), inputs: [x] };
    },
  },
  {
    name: "isFinite of 2,560,000",
    make: () => {
      const x = tf.ones([10_000, 256]);
      return { run: () => tf.isFinite(x), inputs: [x] };
    },
  },
  {
    name: "patches 1x224x224x64, 3x3 (stock: slices and concat)",
    make: () => {
      const shape: Shape4D = [1, 224, 224, 64];
      const x = tf.ones<tf.Rank.R4>(shape);
      const run = () => extractConv2dPatches(x, [3, 3], [1, 1], [1, 1], "same");
      return { run, stock: slicesAndConcat({ shape, kernel: 3, stride: 1, rate: 1 })(), inputs: [x] };
    },
  },
  {
    name: "transpose NCHW to NHWC 8x64x56x56",
    make: () => {
      const x = tf.ones([8, 64, 56, 56]);
      return { run: () => tf.transpose(x, [0, 2, 3, 1]), inputs: [x] };
    },
  },
  ...pools.flatMap(({ name: pool, forward, kernel }) =>
    (
      [
        [2, 2],
        [3, 2],
        [3, 1],
      ] as const
    ).map(
      ([k, stride]): Operation => ({
        name: `${pool} gradient 1x112x112x64, ${k}x${k}, stride ${stride}`,
        make: () => {
          const input = tf.randomNormal<tf.Rank.R4>([1, 112, 112, 64]);
          const output = forward(input, k, stride, "same");
          const dy = tf.onesLike(output);
          const attrs = { filterSize: k, strides: stride, pad: "same" };
          const run = (): tf.Tensor => tf.engine().runKernel(kernel, { dy, input, output }, attrs);
          return { run, inputs: [input, output, dy] };
        },
      }),
    ),
  ),
  {
    name: "matMul(dy, W, false, true): dense gradient 1x4096, W 25088x4096",
    make: () => {
      const [dy, w] = [tf.ones<tf.Rank.R2>([1, 4096]), tf.ones<tf.Rank.R2>([25_088, 4096])];
      return { run: () => tf.matMul(dy, w, false, true), inputs: [dy, w] };
    },
  },
  {
    name: "the same, against its forward pass (stock: forward)",
    make: () => {
      const [dy, w] = [tf.ones<tf.Rank.R2>([1, 4096]), tf.ones<tf.Rank.R2>([25_088, 4096])];
      const x = tf.ones<tf.Rank.R2>([1, 25_088]);
      return { run: () => tf.matMul(dy, w, false, true), stock: () => tf.matMul(x, w), inputs: [dy, w, x] };
    },
  },
  ...convolution(56, 64, 64, 3, 1),
  ...convolution(56, 256, 256, 3, 1),
  ...convolution(28, 512, 512, 3, 1),
  ...convolution(56, 64, 128, 3, 2),
  ...convolution(56, 64, 128, 1, 1),
  ...convolution(56, 64, 128, 1, 2),
  ...convolution(28, 64, 64, 5, 1),
  ...convolution(224, 3, 64, 7, 2),
  {
    name: "one call on 16 floats: isFinite",
    make: () => {
      const x = tf.ones([16]);
      return { run: () => tf.isFinite(x), inputs: [x] };
    },
  },
  {
    name: "one call on 16 floats: gather",
    make: () => {
      const [x, at] = [tf.ones([4, 4]), tf.tensor1d([1, 2], "int32")];
      return { run: () => tf.gather(x, at), inputs: [x, at] };
    },
  },
];

/** Our kernels inside tfjs's WASM backend and its own, through the same calls, beside a copy of the result's bytes. */
export default async function tfjsKernels(): Promise<Measured[]> {
  await init();
  const results: Measured[] = [];
  for (const { name, make } of operations) {
    installKernels();
    const { run, stock = run, inputs } = make();
    const probe = run();
    const bytes = probe.size * (probe.dtype === "bool" ? 1 : 4);
    probe.dispose();
    const memory = new WebAssembly.Memory({ initial: Math.ceil((2 * bytes) / 65536) + 1 });
    // Untouched memory is read from one zero page.
    new Uint8Array(memory.buffer).fill(1);
    const copy = await memoryCopy(memory);
    results.push(
      ...(await measure({
        name,
        contenders: [
          { name: "ours", prepare: installKernels, run: () => run().dispose() },
          { name: "stock", prepare: uninstallKernels, run: () => stock().dispose() },
          { name: "memory.copy", run: () => copy(1024 + bytes, 1024, bytes) },
        ],
      })),
    );
    tf.dispose(inputs);
  }
  return results;
}
