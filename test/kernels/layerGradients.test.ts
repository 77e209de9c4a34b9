import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installKernels } from "../../src/kernels/index.js";
import { randomArray } from "../support/arrays.js";
import { withoutLeak } from "../support/backends.js";
import { type Geometry, geometries } from "../support/geometries.js";

await tf.setBackend("wasm");
installKernels();

type Shape4D = [number, number, number, number];
const tensor = (shape: readonly number[], seed: number) =>
  tf.tensor(randomArray([...shape], "float32", seed).data, [...shape]);

/** Sums of some hundred products in another order: float32 rounding, relative to the largest. */
function close(got: tf.Tensor, want: Float64Array, what: string): void {
  const values = got.dataSync();
  const scale = want.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  want.forEach((w, i) =>
    assert.ok(Math.abs(w - values[i]!) <= 1e-5 * scale, `${what}: ${i} is ${values[i]}, expected ${w}`),
  );
}

const tfjsGeometry = (g: Geometry, depthwise: boolean) =>
  tf.backend_util.computeConv2DInfo(
    [g.batch, ...g.size, g.inC],
    [...g.kernel, g.inC, depthwise ? (g.outC % 3) + 1 : g.outC],
    g.strides,
    g.dilations,
    g.pad,
    typeof g.pad === "string" ? undefined : "floor",
    depthwise,
  );

/** Both gradients of a convolution, straight from its definition, in float64. */
function slowGradients(g: Geometry, depthwise: boolean, x: Float32Array, w: Float32Array, dy: Float32Array) {
  const info = tfjsGeometry(g, depthwise);
  const [h, width] = g.size;
  const multiplier = depthwise ? info.outChannels / g.inC : 1;
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(w.length);
  const [outH, outW, outC] = [info.outHeight, info.outWidth, info.outChannels];
  for (let n = 0; n < g.batch; n++)
    for (let y = 0; y < outH; y++)
      for (let z = 0; z < outW; z++)
        for (let i = 0; i < g.kernel[0]; i++)
          for (let j = 0; j < g.kernel[1]; j++) {
            const row = y * g.strides[0] - info.padInfo.top + i * g.dilations[0];
            const column = z * g.strides[1] - info.padInfo.left + j * g.dilations[1];
            if (row < 0 || row >= h || column < 0 || column >= width) continue;
            for (let c = 0; c < g.inC; c++)
              for (let o = 0; o < outC; o++) {
                if (depthwise && Math.floor(o / multiplier) !== c) continue;
                const at = ((n * h + row) * width + column) * g.inC + c;
                const tap = depthwise
                  ? (i * g.kernel[1] + j) * outC + o
                  : ((i * g.kernel[1] + j) * g.inC + c) * outC + o;
                const d = dy[((n * outH + y) * outW + z) * outC + o]!;
                dx[at]! += d * w[tap]!;
                dw[tap]! += d * x[at]!;
              }
          }
  return { dx, dw };
}

for (const depthwise of [false, true]) {
  const name = depthwise ? "depthwiseConv2d" : "conv2d";
  test(`the gradients of ${name} are those of its definition, over sizes, strides, dilations and paddings`, () => {
    fc.assert(
      fc.property(geometries(), (g) => {
        const { outShape } = tfjsGeometry(g, depthwise);
        const filterShape = [...g.kernel, g.inC, depthwise ? outShape[3]! / g.inC : g.outC];
        withoutLeak(() =>
          tf.tidy(() => {
            const x = tensor([g.batch, ...g.size, g.inC], g.seed);
            const w = tensor(filterShape, g.seed + 1);
            const dy = tensor(outShape, g.seed + 2);
            const rounding = typeof g.pad === "string" ? undefined : "floor";
            const run = (image: tf.Tensor, filter: tf.Tensor) =>
              depthwise
                ? tf.depthwiseConv2d(
                    image as tf.Tensor4D,
                    filter as tf.Tensor4D,
                    g.strides,
                    g.pad as "same",
                    "NHWC",
                    g.dilations,
                    rounding,
                  )
                : tf.conv2d(
                    image as tf.Tensor4D,
                    filter as tf.Tensor4D,
                    g.strides,
                    g.pad,
                    "NHWC",
                    g.dilations,
                    rounding,
                  );
            const [dx, dw] = tf.grads((a, b) => run(a!, b!))([x, w], dy);
            const slow = slowGradients(
              g,
              depthwise,
              x.dataSync() as Float32Array,
              w.dataSync() as Float32Array,
              dy.dataSync() as Float32Array,
            );
            close(dx!, slow.dx, "dx");
            close(dw!, slow.dw, "dw");
          }),
        );
      }),
      { numRuns: 150 },
    );
  });
}

test("the gradients of pooling share by what a window has of the image, and ties go to the first maximum", () => {
  fc.assert(
    fc.property(geometries({ dilated: false, maxPad: 0 }), fc.boolean(), (g, max) => {
      withoutLeak(() =>
        tf.tidy(() => {
          // Few different values, so that there are ties.
          const x = tf.round(tensor([g.batch, ...g.size, g.inC], g.seed)) as tf.Tensor4D;
          const pool = max ? tf.maxPool<tf.Tensor4D> : tf.avgPool<tf.Tensor4D>;
          const pad = g.pad === "valid" ? "valid" : "same";
          if (pad === "valid" && g.kernel.some((k, axis) => k > g.size[axis]!)) return;
          const run = (image: tf.Tensor) => pool(image as tf.Tensor4D, g.kernel, g.strides, pad);
          const y = run(x);
          const dy = tensor(y.shape, g.seed + 1);
          const [, outH, outW] = y.shape;
          const { top, left } = tf.backend_util.computePool2DInfo(
            x.shape,
            g.kernel,
            g.strides,
            1,
            pad,
          ).padInfo;
          const [values, given] = [x.dataSync(), dy.dataSync()];
          const dx = new Float64Array(x.size);
          for (let n = 0; n < g.batch; n++)
            for (let i = 0; i < outH; i++)
              for (let j = 0; j < outW; j++)
                for (let c = 0; c < g.inC; c++) {
                  const cells: number[] = [];
                  for (let p = 0; p < g.kernel[0]; p++)
                    for (let q = 0; q < g.kernel[1]; q++) {
                      const [row, column] = [i * g.strides[0] - top + p, j * g.strides[1] - left + q];
                      if (row >= 0 && row < g.size[0] && column >= 0 && column < g.size[1])
                        cells.push(((n * g.size[0] + row) * g.size[1] + column) * g.inC + c);
                    }
                  const d = given[((n * outH + i) * outW + j) * g.inC + c]!;
                  if (max) {
                    const best = cells.reduce((a, b) => (values[b]! > values[a]! ? b : a));
                    dx[best]! += d;
                  } else for (const cell of cells) dx[cell]! += d / cells.length;
                }
          close(tf.grad(run)(x, dy), dx, max ? "maxPool" : "avgPool");
        }),
      );
    }),
    { numRuns: 150 },
  );
});

test("a filter's flipped copies live as long as the filter, and are none of tfjs's tensors", () => {
  const backend = tf.backend() as tf.KernelBackend;
  const { asm } = (backend as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } }).wasm;
  const round = () => {
    const w = tf.ones<tf.Rank.R4>([3, 3, 64, 64]);
    const dy = tf.ones<tf.Rank.R4>([1, 6, 6, 64]);
    const held = backend.numDataIds();
    for (let i = 0; i < 3; i++) tf.conv2dTranspose(dy, w, [1, 12, 12, 64], 2, "same").dispose();
    assert.is(backend.numDataIds(), held);
    tf.dispose([w, dy]);
  };
  const held = () => [
    backend.numDataIds(),
    tf.memory().numTensors,
    tf.memory().numDataBuffers,
    asm.memory.buffer.byteLength,
  ];
  for (let i = 0; i < 10; i++) round();
  const before = held();
  // What fifty filters are flipped to is 7 MB, and as much again packed for the convolution.
  for (let i = 0; i < 50; i++) round();
  assert.equal(held(), before);
});

test("a convolution whose filter is smaller than its stride is computed, plain and depthwise, where stock wasm gives zeros", () => {
  tf.tidy(() => {
    const x = tf.reshape(tf.range(0, 72), [1, 6, 6, 2]) as tf.Tensor4D;
    const conv = tf.conv2d(x, tf.ones([2, 2, 2, 1]), 3, "same");
    // Of each 2x2 window of two channels, its corner at 0, 3, 18 and 21 pixels.
    const corners = [0, 3, 18, 21].map((p) => [0, 1, 6, 7].reduce((sum, d) => sum + 4 * (p + d) + 1, 0));
    assert.equal([...conv.dataSync()], corners);
    const depthwise = tf.depthwiseConv2d(x, tf.ones([2, 2, 2, 1]), 3, "same");
    assert.equal([...tf.sum(depthwise, 3).dataSync()], corners);
  });
});

test("a filter given new values is flipped anew", () => {
  const filter = tf.variable(tf.ones<tf.Rank.R4>([3, 3, 8, 8]));
  const dy = tf.ones<tf.Rank.R4>([1, 5, 5, 8]);
  const middle = () =>
    tf.tidy(
      () =>
        tf.conv2dTranspose(dy, filter as unknown as tf.Tensor4D, [1, 5, 5, 8], 1, "same").dataSync()[8 * 12],
    );
  assert.is(middle(), 72);
  const two = tf.fill([3, 3, 8, 8], 2);
  filter.assign(two as tf.Variable<tf.Rank.R4>);
  assert.is(middle(), 144);
  tf.dispose([filter, dy, two]);
});

test("gradients of gradients: of a convolution, of pooling they are refused, of relu they pass where it passes", () => {
  tf.tidy(() => {
    const x = tensor([1, 6, 6, 5], 3) as tf.Tensor4D;
    const w = tensor([3, 3, 5, 4], 4) as tf.Tensor4D;
    // d/dx |d/dx sum conv(x)^3 / 3|^2 / 2 by the tape twice, against differences.
    const first = (image: tf.Tensor) =>
      tf.grad((v: tf.Tensor) => tf.sum(tf.div(tf.pow(tf.conv2d(v as tf.Tensor4D, w, 1, "same"), 3), 3)))(
        image,
      );
    const energy = (image: tf.Tensor) => tf.div(tf.sum(tf.square(first(image))), 2) as tf.Scalar;
    const second = tf.grad(energy)(x);
    const direction = tensor(x.shape, 5);
    const step = 1e-2;
    const along = (s: number) => energy(tf.add(x, tf.mul(direction, s))).dataSync()[0]!;
    const slope = (along(step) - along(-step)) / (2 * step);
    const got = tf.sum(tf.mul(second, direction)).dataSync()[0]!;
    // Float32 differences of a number of some thousands.
    assert.ok(Math.abs(got - slope) <= 5e-3 * Math.abs(slope), `${got} ${slope}`);

    const relu = tf.grad((v: tf.Tensor) =>
      tf.sum(tf.mul(tf.grad((u: tf.Tensor) => tf.sum(tf.square(tf.relu(u))))(v), 1)),
    );
    assert.equal([...relu(tf.tensor1d([-1, 2])).dataSync()], [0, 2]);

    assert.throws(
      () =>
        tf.grad((v: tf.Tensor) =>
          tf.sum(tf.grad((u: tf.Tensor) => tf.sum(tf.square(tf.maxPool(u as tf.Tensor4D, 2, 2, "same"))))(v)),
        )(x),
      /gradient function not found for MaxPoolGrad/,
    );
  });
});

const shape4 = (shape: number[]) => shape as Shape4D;

test("a small depthwise network trains on wasm with the losses of cpu", async () => {
  const losses: number[][] = [];
  for (const backend of ["cpu", "wasm"]) {
    await tf.setBackend(backend);
    const init = (seed: number) => tf.initializers.glorotUniform({ seed });
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          filters: 6,
          kernelSize: 1,
          useBias: false,
          inputShape: [8, 8, 3],
          kernelInitializer: init(1),
        }),
        tf.layers.depthwiseConv2d({
          kernelSize: 3,
          strides: 2,
          padding: "same",
          depthMultiplier: 2,
          depthwiseInitializer: init(2),
        }),
        tf.layers.batchNormalization({}),
        tf.layers.reLU({ maxValue: 6 }),
        tf.layers.separableConv2d({
          filters: 4,
          kernelSize: 2,
          depthwiseInitializer: init(3),
          pointwiseInitializer: init(4),
        }),
        // Not "same", whose gradient tfjs has wrong on cpu.
        tf.layers.averagePooling2d({ poolSize: 2, strides: 1 }),
        tf.layers.globalMaxPooling2d({}),
        tf.layers.dense({ units: 2, activation: "softmax", kernelInitializer: init(5) }),
      ],
    });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: "categoricalCrossentropy" });
    const x = tensor(shape4([16, 8, 8, 3]), 6);
    const y = tf.tidy(() =>
      tf.oneHot(
        tf.tensor1d(
          Array.from({ length: 16 }, (_, i) => i % 2),
          "int32",
        ),
        2,
      ),
    );
    const { history } = await model.fit(x, y, { epochs: 5, shuffle: false, verbose: 0 });
    losses.push(history.loss as number[]);
    tf.dispose([x, y]);
    model.dispose();
  }
  await tf.setBackend("wasm");
  const [cpu, wasm] = losses as [number[], number[]];
  cpu.forEach((loss, i) => assert.ok(Math.abs(loss - wasm[i]!) < 1e-4, `${loss} ${wasm[i]}`));
  assert.ok(wasm[4]! < wasm[0]!);
});

test.run();
