import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { uninstallKernels } from "../src/kernels/index.js";
import type { Contender } from "./harness.js";

/** An operation as a user of tfjs writes it: makes its inputs on the current backend, and gives what to run on them. */
export type TfjsOperation = () => () => tf.Tensor;

/**
 * An operation on stock tfjs, on its wasm and cpu backends. The cpu backend is plain JavaScript and often takes seconds, so
 * it runs once.
 */
export async function onTfjs(make: TfjsOperation): Promise<Contender[]> {
  const contenders: Contender[] = [];
  for (const backend of ["wasm", "cpu"]) {
    await tf.setBackend(backend);
    const run = make();
    contenders.push({
      name: `tfjs ${backend}`,
      ...(backend === "cpu" ? { once: true } : {}),
      prepare: async () => {
        await tf.setBackend(backend);
        uninstallKernels();
      },
      run: () => run().dispose(),
    });
  }
  return contenders;
}

interface Patches {
  shape: readonly [number, number, number, number];
  kernel: number;
  stride: number;
  rate: number;
}

/** Patches with padding same from what tfjs has: pad, a strided slice a kernel pixel, concat. */
export function slicesAndConcat({ shape, kernel, stride, rate }: Patches): TfjsOperation {
  return () => {
    const x = tf.ones<tf.Rank.R4>([...shape]);
    return () => tf.tidy(() => patchesOf(x, kernel, stride, rate));
  };
}

function patchesOf(x: tf.Tensor4D, kernel: number, stride: number, rate: number): tf.Tensor {
  const [n, h, w, c] = x.shape;
  const span = (kernel - 1) * rate + 1;
  const axis = (size: number) => {
    const out = Math.ceil(size / stride);
    const total = Math.max(0, (out - 1) * stride + span - size);
    return { out, pad: [Math.floor(total / 2), Math.ceil(total / 2)] as [number, number] };
  };
  const [rows, columns] = [axis(h), axis(w)];
  const padded = tf.pad(x, [[0, 0], rows.pad, columns.pad, [0, 0]]);
  const pieces = Array.from({ length: kernel * kernel }, (_, i) => {
    const [y, x0] = [Math.floor(i / kernel) * rate, (i % kernel) * rate];
    if (stride === 1) return tf.slice(padded, [0, y, x0, 0], [n, rows.out, columns.out, c]);
    const end = [n, y + (rows.out - 1) * stride + 1, x0 + (columns.out - 1) * stride + 1, c];
    return tf.stridedSlice(padded, [0, y, x0, 0], end, [1, stride, stride, 1]) as tf.Tensor4D;
  });
  return tf.concat(pieces, 3);
}

/** The adjoint of patches with stride 1: a slice a kernel pixel, padded to where it came from, all added. */
export function slicesPadAndAdd({ shape: [n, h, w, c], kernel }: Patches): TfjsOperation {
  return () => {
    const patches = tf.ones<tf.Rank.R4>([n, h, w, kernel * kernel * c]);
    const before = Math.floor((kernel - 1) / 2);
    return () =>
      tf.tidy(() => {
        const pieces = Array.from({ length: kernel * kernel }, (_, i) => {
          const [y, x] = [Math.floor(i / kernel), i % kernel];
          const piece = tf.slice(patches, [0, 0, 0, i * c], [n, h, w, c]);
          return tf.pad(piece, [
            [0, 0],
            [y, kernel - 1 - y],
            [x, kernel - 1 - x],
            [0, 0],
          ]);
        });
        return tf.slice(tf.addN(pieces), [0, before, before, 0], [n, h, w, c]);
      });
  };
}
