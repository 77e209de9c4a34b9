import { test } from "uvu";
import * as assert from "uvu/assert";
import gradientsScalar from "#wasm/gradients.scalar";
import gradientsSimd from "#wasm/gradients.simd";
import { inlinedModule } from "../../src/core/module.js";
import type { GradientExports } from "../../src/kernels/exports.js";
import { randomArray } from "../support/arrays.js";

const GUARD = 0x7fc0ffee;

/** One build on a memory of its own: operands, then the result between guards, then scratch. */
function run(
  module: string,
  operands: Float32Array[],
  size: number,
  call: (kernels: GradientExports, at: number[], result: number, scratch: number) => void,
): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 64 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(inlinedModule(module)), {
    env: { memory },
  });
  let next = 1024;
  const at = operands.map((values) => {
    new Float32Array(memory.buffer, next, values.length).set(values);
    next += values.byteLength + 4;
    return next - values.byteLength - 4;
  });
  const words = new Int32Array(memory.buffer);
  const result = next + 64;
  words.fill(GUARD, next / 4, (result + size * 4 + 64) / 4);
  call(exports as unknown as GradientExports, at, result, result + size * 4 + 64);
  for (let i = 1; i <= 16; i++) {
    assert.is(words[result / 4 - i], GUARD, "nothing is written before the result");
    assert.is(words[result / 4 + size + i - 1], GUARD, "nothing is written behind the result");
  }
  return new Float32Array(memory.buffer, result, size).slice();
}

function alike(
  shapes: number[],
  size: number,
  call: (kernels: GradientExports, at: number[], result: number, scratch: number) => void,
): void {
  const operands = shapes.map((length, i) => randomArray([length], "float32", i + 1).data as Float32Array);
  const [simd, scalar] = [gradientsSimd, gradientsScalar].map((module) => run(module, operands, size, call));
  // The order of summation differs.
  scalar!.forEach((want, i) => assert.ok(Math.abs(want - simd![i]!) <= 1e-4, `${i}: ${simd![i]} ${want}`));
}

test("products with the right side transposed are alike in both builds, for all remainders of rows and columns", () => {
  for (const [m, n, k] of [
    [1, 1, 1],
    [1, 4, 3],
    [2, 5, 4],
    [3, 9, 7],
    [5, 8, 16],
    [4, 3, 33],
  ] as const)
    alike([m * k, n * k], m * n, (kernels, [a, b], y) => kernels.multiplyTransposed(a!, b!, y, m, n, k));
});

test("filters' gradients are alike in both builds, for all remainders of channels, across chunks", () => {
  for (const [n, h, w, c, kh, kw, s, r, o] of [
    [1, 5, 5, 4, 3, 3, 1, 1, 8],
    [2, 6, 4, 5, 2, 3, 2, 1, 9],
    [1, 7, 9, 1, 3, 2, 1, 2, 3],
    [1, 3, 600, 3, 1, 1, 1, 1, 5],
    [1, 40, 40, 2, 3, 3, 1, 1, 11],
  ] as const) {
    const [outH, outW] = [h, w].map((size) => Math.ceil(size / s)) as [number, number];
    const windows = [kh, kw, s, s, r, r] as const;
    alike([n * h * w * c, n * outH * outW * o], kh * kw * c * o, (kernels, [x, dy], dw, scratch) => {
      const bytes = kernels.filterGradientScratch(c, ...windows, outH, outW, o);
      assert.ok(scratch + bytes < 64 * 65536);
      kernels.filterGradient(x!, dy!, dw, scratch, n, h, w, c, ...windows, 1, 0, outH, outW, o);
    });
  }
});

test("depthwise gradients are alike in both builds", () => {
  for (const [c, m] of [
    [1, 1],
    [4, 1],
    [19, 1],
    [3, 2],
    [1, 5],
  ] as const) {
    const sizes = [2, 6, 5, c, m, 3, 2, 2, 1, 1, 2, 1, 1, 3, 5] as const;
    const [x, dy, w] = [2 * 6 * 5 * c, 2 * 3 * 5 * c * m, 3 * 2 * c * m];
    alike([dy, w], x, (kernels, [a, b], to) => kernels.depthwiseInputGradient(a!, b!, to, ...sizes));
    alike([x, dy], w, (kernels, [a, b], to) => kernels.depthwiseFilterGradient(a!, b!, to, ...sizes));
  }
});

test("pooling gradients are alike in both builds", () => {
  for (const c of [1, 4, 7]) {
    const sizes = [2, 5, 7, c, 3, 2, 2, 1, 1, 0, 3, 7] as const;
    const [x, dy] = [2 * 5 * 7 * c, 2 * 3 * 7 * c];
    alike([x, dy], x, (kernels, [a, b], to) => kernels.maxPoolGradient(a!, b!, to, ...sizes));
    alike([dy], x, (kernels, [a], to) => kernels.averagePoolGradient(a!, to, ...sizes));
  }
});

test("stabilised denominators are the same in both builds", () => {
  alike([37], 37, (kernels, [z], to) => kernels.stabilise(z!, to, 37, 0.25));
});

test("masks and flipped filters are the same in both builds", () => {
  alike([37, 37], 37, (kernels, [x, dy], to) => kernels.maskGradient(x!, dy!, to, 37, 0, 1.5));
  alike([5 * 4 * 3 * 6], 2 * 2 * 3 * 6, (kernels, [w], to) =>
    kernels.flipFilter(w!, to, 4, 3, 6, 2, 2, 1, 0, 2, 2),
  );
});

test.run();
