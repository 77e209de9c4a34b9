import type * as tf from "@tensorflow/tfjs";
import { attributes, runStock, wasmKernel } from "./stock.js";
import { tile } from "./tile.js";

/**
 * tf.prelu, whose slopes tfjs's WASM backend lays over x again and again from its first element on: right only where they have
 * the shape of x's last axes. Others are broadcast before.
 */
export const prelu = wasmKernel<"x" | "alpha">("Prelu", ({ x, alpha }, _attrs, backend) => {
  const offset = x.shape.length - alpha.shape.length;
  const ofLastAxes = alpha.shape.every(
    (n, i) => n === x.shape[offset + i] || alpha.shape.slice(0, i + 1).every((before) => before === 1),
  );
  if (ofLastAxes) return runStock("Prelu", { inputs: { x, alpha }, backend });
  const padded = { ...alpha, shape: [...Array<number>(offset).fill(1), ...alpha.shape] };
  const reps = x.shape.map((n, axis) => (padded.shape[axis] === n ? 1 : n));
  const full = tile.kernelFunc({
    inputs: { x: padded },
    attrs: attributes({ reps }),
    backend,
  }) as tf.TensorInfo;
  try {
    return runStock("Prelu", { inputs: { x, alpha: full }, backend });
  } finally {
    backend.disposeData(full.dataId);
  }
});
