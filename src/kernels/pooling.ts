import { ShapeError } from "../errors.js";
import { addressOf, kernelsOn, output } from "./backend.js";
import { type PoolingAttributes, pooling } from "./geometry.js";
import { wasmKernel } from "./stock.js";

/** The gradient of tf.maxPool: of equal maxima the first in (row, column) order takes all, as in TensorFlow. */
export const maxPoolGrad = wasmKernel<"dy" | "input", PoolingAttributes>(
  "MaxPoolGrad",
  ({ dy, input }, attrs, backend) => {
    const sizes = pooling(input.shape, attrs);
    checkFloat("MaxPoolGrad", input.dtype);
    return output(backend, input.shape, "float32", (to) => {
      const [x, from] = [addressOf(backend, input), addressOf(backend, dy)];
      kernelsOn(backend).maxPoolGradient(x, from, to, ...sizes);
    });
  },
);

/** The gradient of tf.avgPool: each window divides by the pixels of the image that it has, as the forward pass does. */
export const avgPoolGrad = wasmKernel<"dy" | "input", PoolingAttributes>(
  "AvgPoolGrad",
  ({ dy, input }, attrs, backend) => {
    const sizes = pooling(input.shape, attrs);
    return output(backend, input.shape, "float32", (to) =>
      kernelsOn(backend).averagePoolGradient(addressOf(backend, dy), to, ...sizes),
    );
  },
);

function checkFloat(who: string, dtype: string): void {
  if (dtype !== "float32") throw new ShapeError(`${who}: expected float32, got ${dtype}`);
}
