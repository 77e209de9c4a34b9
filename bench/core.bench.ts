import * as tf from "@tensorflow/tfjs";
import scalar from "#wasm/scalar";
import simd from "#wasm/simd";
import type { KernelExports } from "../src/core/exports.js";
import { inlinedModule } from "../src/core/module.js";
import { scratchBytes, windowArguments } from "../src/core/patches.js";
import { layWindows } from "../src/core/windows.js";
import { type Measured, measure, memoryCopy } from "./harness.js";
import { type OnnxOperation, onOnnx } from "./onnx.js";
import { onTfjs, slicesAndConcat, slicesPadAndAdd, type TfjsOperation } from "./tfjs.js";

/** One kernel call on memory where its data lies: `run(kernels, src, extra, dst)`. */
interface KernelCase {
  name: string;
  inBytes: number;
  outBytes: number;
  /** Bytes that memory.copy moves for comparison. Default: the output's. */
  copyBytes?: number;
  /** The indices, tables or scratch that lie behind the input. */
  extra?: Int32Array;
  /** The same in stock tfjs. */
  tfjs: TfjsOperation;
  /** The same in ONNX, where it has the operation. */
  onnx?: OnnxOperation;
  run: (kernels: KernelExports, src: number, extra: number, dst: number) => unknown;
}

function patchesCase(
  shape: readonly [number, number, number, number],
  k: number,
  stride: number,
  rate: number,
  fold = false,
): KernelCase {
  const [n, h, w, c] = shape;
  const windows = layWindows("bench", h, w, {
    kernelShape: [k, k],
    strides: [stride, stride],
    rates: [rate, rate],
    padding: "same",
  });
  const imageBytes = n * h * w * c * 4;
  const patchBytes = n * windows.out[0] * windows.out[1] * k * k * c * 4;
  const name = `${fold ? "foldPatches" : "extractPatches"} ${shape.join("x")}, ${k}x${k}, stride ${stride}, rate ${rate}, SAME`;
  const args = windowArguments(windows);
  const options = { shape, kernel: k, stride, rate };
  if (fold) {
    return {
      name,
      inBytes: patchBytes,
      outBytes: imageBytes,
      copyBytes: patchBytes,
      tfjs: slicesPadAndAdd(options),
      run: (kernels, src, _extra, dst) => kernels.foldPatches(src, dst, n, h, w, c, ...args),
    };
  }
  const scratch = scratchBytes(h, w, c * 4, windows);
  return {
    name,
    inBytes: imageBytes,
    outBytes: patchBytes,
    extra: new Int32Array(scratch / 4),
    tfjs: slicesAndConcat(options),
    run: (kernels, src, extra, dst) =>
      kernels.extractPatches(src, dst, n, h, w, c * 4, ...args, scratch > 0 ? extra : 0),
  };
}

/** n int32 below `limit`, in no order. */
function scattered(n: number, limit: number): Int32Array {
  let state = 12345;
  return Int32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state % limit;
  });
}

/** Inputs of ONNX models. */
const floats = (shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { type: "float32" as const, shape, data: new Float32Array(size).fill(1) };
};
const ints = (data: Int32Array) => ({ type: "int32" as const, shape: [data.length], data });
const longs = (values: number[], shape: number[]) => ({
  type: "int64" as const,
  shape,
  data: BigInt64Array.from(values, BigInt),
});

const MILLION = 1_000_000;
const TABLE = 10_000 * 256 * 4;
const pairs = scattered(2 * MILLION, 10_000);
for (let i = 1; i < pairs.length; i += 2) pairs[i] = (pairs[i] as number) % 256;

const CASES: KernelCase[] = [
  patchesCase([1, 224, 224, 64], 3, 1, 1),
  patchesCase([1, 224, 224, 3], 3, 1, 1),
  patchesCase([8, 32, 32, 1], 5, 2, 2),
  patchesCase([8, 32, 32, 4], 5, 2, 2),
  patchesCase([1, 224, 224, 64], 3, 1, 1, true),
  {
    name: "gather 20,000 rows of 256 floats from 10,000",
    inBytes: TABLE,
    outBytes: 2 * TABLE,
    extra: scattered(20_000, 10_000),
    tfjs: () => {
      const [x, indices] = [tf.ones([10_000, 256]), tf.tensor1d(scattered(20_000, 10_000), "int32")];
      return () => tf.gather(x, indices);
    },
    onnx: {
      nodes: [{ op: "Gather", inputs: ["x", "i"], output: "y", attributes: { axis: 0 } }],
      inputs: { x: floats([10_000, 256]), i: ints(scattered(20_000, 10_000)) },
      output: { type: "float32", shape: [20_000, 256] },
    },
    run: (kernels, src, indices, dst) => kernels.gather(src, indices, dst, 1, 1, 10_000, 20_000, 1024),
  },
  {
    name: "gather axis 1, 10,000x256 with 512 indices",
    inBytes: TABLE,
    outBytes: 2 * TABLE,
    extra: scattered(512, 256),
    tfjs: () => {
      const [x, indices] = [tf.ones([10_000, 256]), tf.tensor1d(scattered(512, 256), "int32")];
      return () => tf.gather(x, indices, 1);
    },
    onnx: {
      nodes: [{ op: "Gather", inputs: ["x", "i"], output: "y", attributes: { axis: 1 } }],
      inputs: { x: floats([10_000, 256]), i: ints(scattered(512, 256)) },
      output: { type: "float32", shape: [10_000, 512] },
    },
    run: (kernels, src, indices, dst) => kernels.gather(src, indices, dst, 1, 10_000, 256, 512, 4),
  },
  {
    name: "gatherNd 1,000,000 scalars from 10,000x256",
    inBytes: TABLE,
    outBytes: 4 * MILLION,
    extra: Int32Array.from([10_000, 1024, 256, 4, ...pairs]),
    tfjs: () => {
      const [x, indices] = [tf.ones([10_000, 256]), tf.tensor2d(pairs, [MILLION, 2], "int32")];
      return () => tf.gatherND(x, indices);
    },
    onnx: {
      nodes: [{ op: "GatherND", inputs: ["x", "i"], output: "y" }],
      inputs: { x: floats([10_000, 256]), i: longs([...pairs], [MILLION, 2]) },
      output: { type: "float32", shape: [MILLION] },
    },
    run: (kernels, src, extra, dst) => kernels.gatherNd(src, extra + 16, extra, dst, 1, MILLION, 2, TABLE, 4),
  },
  {
    name: "broadcastTo [1,256] to [10000,256]",
    inBytes: 1024,
    outBytes: TABLE,
    tfjs: () => {
      const x = tf.ones([1, 256]);
      return () => tf.broadcastTo(x, [10_000, 256]);
    },
    onnx: {
      nodes: [{ op: "Expand", inputs: ["x", "s"], output: "y" }],
      inputs: { x: floats([1, 256]), s: longs([10_000, 256], [2]) },
      output: { type: "float32", shape: [10_000, 256] },
    },
    run: (kernels, src, _extra, dst) => kernels.repeat(src, dst, 1, 10_000, 1024),
  },
  {
    name: "broadcastTo [10000,1] to [10000,256]",
    inBytes: 40_000,
    outBytes: TABLE,
    tfjs: () => {
      const x = tf.ones([10_000, 1]);
      return () => tf.broadcastTo(x, [10_000, 256]);
    },
    onnx: {
      nodes: [{ op: "Expand", inputs: ["x", "s"], output: "y" }],
      inputs: { x: floats([10_000, 1]), s: longs([10_000, 256], [2]) },
      output: { type: "float32", shape: [10_000, 256] },
    },
    run: (kernels, src, _extra, dst) => kernels.repeat(src, dst, 10_000, 256, 4),
  },
  {
    name: "isFinite mask of 2,560,000 floats",
    inBytes: TABLE,
    outBytes: TABLE / 4,
    copyBytes: TABLE,
    tfjs: () => {
      const x = tf.ones([10_000, 256]);
      return () => tf.isFinite(x);
    },
    onnx: {
      nodes: [
        { op: "IsInf", inputs: ["x"], output: "inf" },
        { op: "IsNaN", inputs: ["x"], output: "nan" },
        { op: "Or", inputs: ["inf", "nan"], output: "not" },
        { op: "Not", inputs: ["not"], output: "y" },
      ],
      inputs: { x: floats([10_000, 256]) },
      output: { type: "bool", shape: [10_000, 256] },
    },
    run: (kernels, src, _extra, dst) => kernels.finiteMask(src, dst, TABLE / 4, 1),
  },
  {
    name: "transpose NCHW to NHWC 8x64x56x56",
    inBytes: 8 * 64 * 3136 * 4,
    outBytes: 8 * 64 * 3136 * 4,
    extra: Int32Array.of(8, 64 * 3136 * 4, 64 * 3136 * 4),
    tfjs: () => {
      const x = tf.ones([8, 64, 56, 56]);
      return () => tf.transpose(x, [0, 2, 3, 1]);
    },
    onnx: {
      nodes: [{ op: "Transpose", inputs: ["x"], output: "y", attributes: { perm: [0, 2, 3, 1] } }],
      inputs: { x: floats([8, 64, 56, 56]) },
      output: { type: "float32", shape: [8, 56, 56, 64] },
    },
    run: (kernels, src, table, dst) =>
      kernels.transposePlanes(src, dst, table, 1, 64, 3136, 3136 * 4, 64 * 4, 4),
  },
];

/**
 * The kernels of the core alone, data in place, against memory.copy of the bytes that must move, and against the same in
 * tfjs. bench/native_tensorflow.py has the same cases in native TensorFlow.
 */
export default async function core(): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const c of CASES) results.push(...(await measureKernel(c)));
  return results;
}

async function measureKernel({
  name,
  inBytes,
  outBytes,
  copyBytes = outBytes,
  extra,
  tfjs,
  onnx,
  run,
}: KernelCase): Promise<Measured[]> {
  const place = (bytes: number) => Math.ceil(bytes / 64) * 64;
  const src = 64;
  const table = src + place(inBytes);
  const dst = table + place(extra?.byteLength ?? 0);
  const from = dst + place(outBytes);
  const to = from + place(copyBytes);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((to + copyBytes) / 65536) + 1 });
  // Memory that was never written is one page of zeros, which is read faster than any memory is.
  new Uint8Array(memory.buffer).fill(1);
  if (extra) new Int32Array(memory.buffer, table, extra.length).set(extra);
  const copy = await memoryCopy(memory);
  const kernel = async (base64: string) => {
    const { instance } = await WebAssembly.instantiate(inlinedModule(base64), { env: { memory } });
    const kernels = instance.exports as unknown as KernelExports;
    return () => run(kernels, src, table, dst);
  };
  const contenders = [
    { name: "memory.copy in WASM", run: () => copy(to, from, copyBytes) },
    { name: "simd", run: await kernel(simd) },
    { name: "scalar", run: await kernel(scalar) },
    ...(await onTfjs(tfjs)),
    ...(onnx ? await onOnnx(onnx) : []),
  ];
  return measure({ name, contenders });
}
