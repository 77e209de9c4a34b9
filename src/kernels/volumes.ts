import * as tf from "@tensorflow/tfjs";
import { show, sizeOf } from "../core/ndarray.js";
import type { Windows } from "../core/windows.js";
import { ShapeError } from "../errors.js";
import { bytesOn, output, type WasmBackend } from "./backend.js";
import { conv2dBackpropFilter } from "./conv2dBackpropFilter.js";
import { conv2dBackpropInput } from "./conv2dBackpropInput.js";
import { extractPatches } from "./extractPatches.js";
import { foldPatchesConfig } from "./foldPatches.js";
import { avgPoolGrad, maxPoolGrad } from "./pooling.js";
import { attributes, runStockSafely, wasmKernel } from "./stock.js";
import { transpose } from "./transpose.js";

type Info = tf.TensorInfo;
type Shape5D = [number, number, number, number, number];
type Triple = [number, number, number];
type Padding = "valid" | "same" | number;

interface ConvolutionAttributes {
  strides: Triple | number;
  pad: Padding;
  dilations?: Triple | number;
}

interface PoolingAttributes extends ConvolutionAttributes {
  filterSize: Triple | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
}

type Geometry = tf.backend_util.Conv3DInfo;

/**
 * tf.conv3d, by the backend's convolution of planes, each with those that the window reads before and behind it as further
 * channels. tfjs takes dilations for 1, and where a filter is smaller than its stride shifts the volume for "same".
 */
const conv3d = wasmKernel<"x" | "filter", ConvolutionAttributes>(
  "Conv3D",
  ({ x, filter }, attrs, backend) => {
    const g = convolution(x.shape, filter.shape, attrs);
    if ([x.shape, filter.shape, g.outShape].some((shape) => sizeOf(shape) === 0))
      return zeros(backend, g.outShape);
    return withTemporaries(backend, (temporary) => {
      const planes = temporary(stackedPlanes(backend, x, g));
      const turned = temporary(run(backend, transpose, { x: filter }, { perm: [1, 2, 0, 3, 4] }));
      const stacked = { ...turned, shape: stackedFilter(g) };
      const inputs = { x: planes, filter: stacked };
      const attrs2d = attributes({ ...planesOf(g), dataFormat: "NHWC" });
      const y = runStockSafely("Conv2D", { inputs, attrs: attrs2d, backend }, g.outShape);
      return { ...y, shape: g.outShape };
    });
  },
);

/**
 * The gradient of tf.conv3d for its input, and tf.conv3dTranspose: of planes, whose gradients hold those of the planes that a
 * window reads before and behind them as channels, and are then added up along the depth.
 */
const conv3dBackpropInput = wasmKernel<"dy" | "filter", ConvolutionAttributes & { inputShape: Shape5D }>(
  "Conv3DBackpropInputV2",
  ({ dy, filter }, { inputShape, ...attrs }, backend) => {
    if ([dy.shape, filter.shape, inputShape].some((shape) => sizeOf(shape) === 0))
      return zeros(backend, inputShape);
    const g = convolution(inputShape, filter.shape, attrs);
    const { batchSize: n, inDepth: d, inHeight: h, inWidth: w, inChannels: c } = g;
    const { filterDepth: kd, outDepth: od } = g;
    return withTemporaries(backend, (temporary) => {
      const turned = temporary(run(backend, transpose, { x: filter }, { perm: [1, 2, 0, 3, 4] }));
      const stacked = { ...turned, shape: stackedFilter(g) };
      const planes = { ...dy, shape: [n * od, g.outHeight, g.outWidth, g.outChannels] };
      const inPlanes = { ...planesOf(g), inputShape: [n * od, h, w, kd * c] };
      const dPlanes = temporary(run(backend, conv2dBackpropInput, { dy: planes, filter: stacked }, inPlanes));
      const apart = { ...dPlanes, shape: [n * od, h * w, kd, c] };
      const patches = temporary(run(backend, transpose, { x: apart }, { perm: [0, 2, 1, 3] }));
      const columns = { ...patches, shape: [n, od, 1, kd * h * w * c] };
      const folding = { imageShape: [n, d, 1, h * w * c], windows: alongDepth(g) };
      return { ...run(backend, foldPatchesConfig, { patches: columns }, folding), shape: inputShape };
    });
  },
);

/** The gradient of tf.conv3d for its filter, of planes likewise. */
const conv3dBackpropFilter = wasmKernel<"x" | "dy", ConvolutionAttributes & { filterShape: Shape5D }>(
  "Conv3DBackpropFilterV2",
  ({ x, dy }, { filterShape, ...attrs }, backend) => {
    if ([x.shape, dy.shape, filterShape].some((shape) => sizeOf(shape) === 0))
      return zeros(backend, filterShape);
    const g = convolution(x.shape, filterShape, attrs);
    const { filterDepth: kd, filterHeight: kh, filterWidth: kw, inChannels: c } = g;
    return withTemporaries(backend, (temporary) => {
      const planes = temporary(stackedPlanes(backend, x, g));
      const dPlanes = { ...dy, shape: [g.batchSize * g.outDepth, g.outHeight, g.outWidth, g.outChannels] };
      const inPlanes = { ...planesOf(g), filterShape: stackedFilter(g) };
      const turned = temporary(run(backend, conv2dBackpropFilter, { x: planes, dy: dPlanes }, inPlanes));
      const parts = { ...turned, shape: [kh, kw, kd, c, g.outChannels] };
      return run(backend, transpose, { x: parts }, { perm: [2, 0, 1, 3, 4] });
    });
  },
);

/** tf.maxPool3d and tf.avgPool3d: over planes, then along the depth. tfjs's WASM backend takes no maximum below zero. */
const [maxPool3d, avgPool3d] = (["MaxPool", "AvgPool"] as const).map((name) =>
  wasmKernel<"x", PoolingAttributes>(`${name}3D`, ({ x }, attrs, backend) => {
    const g = pooling(x.shape, attrs);
    if (sizeOf(g.outShape) === 0) return zeros(backend, g.outShape);
    return withTemporaries(backend, (temporary) => {
      const planes = temporary(pooledPlanes(backend, name, x, g));
      const inputs = { x: { ...planes, shape: g.columns } };
      const y = runStockSafely(name, { inputs, attrs: attributes(g.depth), backend }, g.outShape);
      return { ...y, shape: g.outShape };
    });
  }),
) as [tf.KernelConfig, tf.KernelConfig];

/**
 * The gradient of tf.maxPool3d; of equal maxima the first in (depth, row, column) order takes all, as in two dimensions.
 * (TensorFlow gives all of it to each of them in three.)
 */
const maxPool3dGrad = wasmKernel<"dy" | "input", PoolingAttributes>(
  "MaxPool3DGrad",
  ({ dy, input }, attrs, backend) => {
    const g = pooling(input.shape, attrs);
    return withTemporaries(backend, (temporary) => {
      const largest = temporary(pooledPlanes(backend, "MaxPool", input, g));
      const inputs = { dy: { ...dy, shape: g.outColumns }, input: { ...largest, shape: g.columns } };
      const along = temporary(run(backend, maxPoolGrad, inputs, g.depth));
      const planes = { dy: { ...along, shape: g.outPlanes }, input: { ...input, shape: g.inPlanes } };
      return { ...run(backend, maxPoolGrad, planes, g.plane), shape: input.shape };
    });
  },
);

/** The gradient of tf.avgPool3d: each window divides by the pixels that it has of the volume, as the forward pass does. */
const avgPool3dGrad = wasmKernel<"dy" | "input", PoolingAttributes>(
  "AvgPool3DGrad",
  ({ dy, input }, attrs, backend) => {
    const g = pooling(input.shape, attrs);
    return withTemporaries(backend, (temporary) => {
      const inputs = { dy: { ...dy, shape: g.outColumns }, input: { ...input, shape: g.columns } };
      const along = temporary(run(backend, avgPoolGrad, inputs, g.depth));
      const planes = { dy: { ...along, shape: g.outPlanes }, input: { ...input, shape: g.inPlanes } };
      return { ...run(backend, avgPoolGrad, planes, g.plane), shape: input.shape };
    });
  },
);

/** Three-dimensional convolution and pooling, and their gradients. */
export const volumes: readonly tf.KernelConfig[] = [
  conv3d,
  conv3dBackpropInput,
  conv3dBackpropFilter,
  maxPool3d,
  avgPool3d,
  maxPool3dGrad,
  avgPool3dGrad,
];

function run(
  backend: WasmBackend,
  config: tf.KernelConfig,
  inputs: Record<string, Info>,
  attrs: object,
): Info {
  return config.kernelFunc({ inputs, attrs: attributes(attrs), backend }) as Info;
}

/** Frees what `make` says is temporary, also where it fails. */
function withTemporaries(backend: WasmBackend, make: (temporary: (info: Info) => Info) => Info): Info {
  const infos: Info[] = [];
  try {
    return make((info) => {
      infos.push(info);
      return info;
    });
  } finally {
    for (const { dataId } of infos) backend.disposeData(dataId);
  }
}

function zeros(backend: WasmBackend, shape: readonly number[]): Info {
  return output(backend, shape, "float32", (to) => bytesOn(backend, to, sizeOf(shape) * 4).fill(0));
}

function convolution(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dilations = 1 }: ConvolutionAttributes,
): Geometry {
  const [input, filter] = [inputShape as Shape5D, filterShape as Shape5D];
  return unshifted("conv3d", tf.backend_util.computeConv3DInfo(input, filter, strides, dilations, pad));
}

/** Where a window is smaller than its stride, tfjs makes the padding of "same" negative. */
function unshifted(who: string, g: Geometry): Geometry {
  if (g.outDepth < 0 || g.outHeight < 0 || g.outWidth < 0) {
    throw new ShapeError(
      `${who}: expected windows of at most the padded volume's size, got windows of ` +
        `${show([g.effectiveFilterDepth, g.effectiveFilterHeight, g.effectiveFilterWidth])} over a volume of ` +
        show([g.inDepth, g.inHeight, g.inWidth]),
    );
  }
  const { type, ...sides } = g.padInfo;
  const padInfo = Object.fromEntries(Object.entries(sides).map(([side, n]) => [side, Math.max(n, 0)]));
  return { ...g, padInfo: { ...padInfo, type } as Geometry["padInfo"] };
}

/** `[n od, h, w, kd c]`: for each plane of the output the planes that its window reads, side by side. */
function stackedPlanes(backend: WasmBackend, x: Info, g: Geometry): Info {
  const { batchSize: n, inDepth: d, inHeight: h, inWidth: w, inChannels: c } = g;
  const { filterDepth: kd, outDepth: od } = g;
  const patches = extractPatches(backend, { ...x, shape: [n, d, 1, h * w * c] }, alongDepth(g));
  try {
    const apart = { ...patches, shape: [n * od, kd, h * w, c] };
    const stacked = run(backend, transpose, { x: apart }, { perm: [0, 2, 1, 3] });
    return { ...stacked, shape: [n * od, h, w, kd * c] };
  } finally {
    backend.disposeData(patches.dataId);
  }
}

function stackedFilter(g: Geometry): number[] {
  return [g.filterHeight, g.filterWidth, g.filterDepth * g.inChannels, g.outChannels];
}

/** The attributes of the convolution of planes. */
function planesOf(g: Geometry): object {
  const { top, bottom, left, right } = g.padInfo;
  return {
    strides: [g.strideHeight, g.strideWidth],
    dilations: [g.dilationHeight, g.dilationWidth],
    pad: written([top, bottom], [left, right]),
  };
}

function alongDepth(g: Geometry): Windows {
  return {
    kernel: [g.filterDepth, 1],
    strides: [g.strideDepth, 1],
    rates: [g.dilationDepth, 1],
    pad: [g.padInfo.front, 0],
    out: [g.outDepth, 1],
  };
}

function written(rows: [number, number], columns: [number, number]): tf.backend_util.ExplicitPadding {
  return [[0, 0], rows, columns, [0, 0]];
}

/** Pooling of a volume as pooling of its planes, and then along its depth. */
function pooling(
  inputShape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: PoolingAttributes,
) {
  const g = unshifted(
    "pool3d",
    tf.backend_util.computePool3DInfo(inputShape as Shape5D, filterSize, strides, 1, pad, dimRoundingMode),
  );
  const { batchSize: n, inDepth: d, inHeight: h, inWidth: w, inChannels: c } = g;
  const { outDepth: od, outHeight: oh, outWidth: ow } = g;
  const { front, back, top, bottom, left, right } = g.padInfo;
  return {
    outShape: g.outShape,
    inPlanes: [n * d, h, w, c],
    outPlanes: [n * d, oh, ow, c],
    columns: [n, d, oh * ow, c],
    outColumns: [n, od, oh * ow, c],
    plane: {
      filterSize: [g.filterHeight, g.filterWidth],
      strides: [g.strideHeight, g.strideWidth],
      pad: written([top, bottom], [left, right]),
    },
    depth: {
      filterSize: [g.filterDepth, 1],
      strides: [g.strideDepth, 1],
      pad: written([front, back], [0, 0]),
    },
  };
}

function pooledPlanes(
  backend: WasmBackend,
  name: "MaxPool" | "AvgPool",
  x: Info,
  g: ReturnType<typeof pooling>,
): Info {
  const inputs = { x: { ...x, shape: g.inPlanes } };
  return runStockSafely(name, { inputs, attrs: attributes(g.plane), backend }, g.outPlanes);
}
