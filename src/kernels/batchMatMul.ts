import * as tf from "@tensorflow/tfjs";
import { show, sizeOf } from "../core/ndarray.js";
import { addressOf, bytesOn, kernelsOn, output } from "./backend.js";
import { multiplyTransposedLeft } from "./filterGradient.js";
import { attributes, runStock, wasmKernel } from "./stock.js";

interface MatMulAttributes {
  transposeA: boolean;
  transposeB: boolean;
}

/**
 * tf.matMul where one side is transposed, as in the gradients of dense layers and in attention. The rest is left to tfjs,
 * whose product of two matrices as they lie is fast.
 */
export const batchMatMul = wasmKernel<"a" | "b", MatMulAttributes>(
  "BatchMatMul",
  (inputs, attrs, backend) => {
    const { a, b } = inputs;
    const { transposeA, transposeB } = attrs;
    if (transposeA === transposeB || a.dtype !== "float32" || b.dtype !== "float32")
      return runStock("BatchMatMul", { inputs, attrs: attributes(attrs), backend });
    const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
    const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
    const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
    const [n, inner] = transposeB ? [rowsB, columnsB] : [columnsB, rowsB];
    tf.util.assert(
      k === inner,
      () =>
        `Error in matMul: inner shapes (${k}) and (${inner}) of Tensors with shapes ${show(a.shape)} and ` +
        `${show(b.shape)} and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
    );
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return output(backend, [...batch, m, n], "float32", (to) => {
      if (k === 0 || m * n === 0) {
        bytesOn(backend, to, sizeOf(batch) * m * n * 4).fill(0);
        return;
      }
      const kernels = kernelsOn(backend);
      const [startA, startB] = [addressOf(backend, a), addressOf(backend, b)];
      const [matrixA, matrixB] = [places(a.shape, batch), places(b.shape, batch)];
      for (let i = 0; i < sizeOf(batch); i++) {
        const from = startA + matrixA(i) * m * k * 4;
        const other = startB + matrixB(i) * n * k * 4;
        const y = to + i * m * n * 4;
        if (transposeB) kernels.multiplyTransposed(from, other, y, m, n, k);
        else multiplyTransposedLeft(backend, from, other, y, k, m, n);
      }
    });
  },
);

/** For each matrix of a broadcast batch which of an operand's it is. */
function places(shape: readonly number[], batch: readonly number[]): (i: number) => number {
  const own = shape.slice(0, -2);
  const sizes = [...Array<number>(batch.length - own.length).fill(1), ...own];
  return (i) => {
    let place = 0;
    let stride = 1;
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const [size, wide] = [sizes[axis] as number, batch[axis] as number];
      if (size > 1) place += (i % wide) * stride;
      i = Math.floor(i / wide);
      stride *= size;
    }
    return place;
  };
}
