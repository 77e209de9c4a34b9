import type * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../core/ndarray.js";
import { addressOf, bytesOn, bytesPerElement, kernelsOn, output } from "./backend.js";
import { attributes, runStock, wasmKernel } from "./stock.js";

/** [outer, row] becomes [outer, times, row]. */
interface Step {
  outer: number;
  times: number;
  row: number;
}

/** tf.tile, of which tf.broadcastTo is made. */
export const tile = wasmKernel<"x", { reps: number[] }>("Tile", (inputs, attrs, backend) => {
  const { x } = inputs;
  if (x.dtype === "string") return runStock("Tile", { inputs, attrs: attributes(attrs), backend });
  const { reps } = attrs;
  const shape = x.shape.map((n, axis) => n * (reps[axis] as number));
  const steps = sizeOf(shape) === 0 ? [] : stepsOf(x.shape, reps);
  const bytes = bytesPerElement(x.dtype);
  if (steps.length === 0) {
    return output(backend, shape, x.dtype, (to) => {
      const length = sizeOf(shape) * bytes;
      bytesOn(backend, to, length).set(bytesOn(backend, addressOf(backend, x), length));
    });
  }
  // Each step goes on from what the one before it made.
  return steps.reduce<tf.TensorInfo>((from, { outer, times, row }, i) => {
    const size = i === steps.length - 1 ? shape : [outer * times * row];
    try {
      return output(backend, size, x.dtype, (to) =>
        kernelsOn(backend).repeat(addressOf(backend, from), to, outer, times, row * bytes),
      );
    } finally {
      if (i > 0) backend.disposeData(from.dataId);
    }
  }, x);
});

/** From the last axis to the first; axes of one that follow each other are one. */
function stepsOf(shape: readonly number[], reps: readonly number[]): Step[] {
  const steps: Step[] = [];
  let row = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [size, times] = [shape[axis] as number, reps[axis] as number];
    row *= size;
    const last = steps.at(-1);
    if (times === 1) continue;
    if (last !== undefined && last.row * last.times === row) last.times *= times;
    else steps.push({ outer: 0, times, row });
    row *= times;
  }
  // How often a step is taken: what of x lies before the axis.
  const size = sizeOf(shape);
  let repeated = 1;
  return steps.map((step) => {
    const outer = (size * repeated) / step.row;
    repeated *= step.times;
    return { ...step, outer };
  });
}
