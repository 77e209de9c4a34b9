import * as tf from "@tensorflow/tfjs";
import { sizeOf } from "../core/ndarray.js";
import { addressOf, bytesOn, bytesPerElement, kernelsOn, output } from "./backend.js";
import { attributes, runStock, wasmKernel } from "./stock.js";

/**
 * tf.sum of float32 over axes that lie side by side, which tfjs's WASM backend transposes for unless they are the last. A
 * sum over the last axes is computed in float64 and rounded once, others are added up in float32 in the order of the axes.
 */
export const sum = wasmKernel<"x", { axis: number | number[]; keepDims: boolean }>(
  "Sum",
  (inputs, attrs, backend) => {
    const { x } = inputs;
    const axes = tf.util.parseAxisParam(attrs.axis, x.shape).sort((a, b) => a - b);
    const first = axes[0] ?? 0;
    const beside = axes.every((axis, i) => axis === first + i);
    if (!beside && sizeOf(x.shape) === 0) {
      // tfjs's kernel transposes for it, which divides by zero in WebAssembly where an axis has no length.
      const [reduced] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
      const shape = attrs.keepDims ? tf.backend_util.expandShapeToKeepDim(reduced, axes) : reduced;
      return output(backend, shape, x.dtype, (to) =>
        bytesOn(backend, to, sizeOf(shape) * bytesPerElement(x.dtype)).fill(0),
      );
    }
    if (!beside || x.dtype !== "float32")
      return runStock("Sum", { inputs, attrs: attributes(attrs), backend });
    const [before, after] = [x.shape.slice(0, first), x.shape.slice(first + axes.length)];
    const kept = attrs.keepDims ? axes.map(() => 1) : [];
    return output(backend, [...before, ...kept, ...after], "float32", (to) => {
      const times = sizeOf(axes.map((axis) => x.shape[axis] as number));
      kernelsOn(backend).sumRows(addressOf(backend, x), to, sizeOf(before), times, sizeOf(after));
    });
  },
);
