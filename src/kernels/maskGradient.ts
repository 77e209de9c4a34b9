import { sizeOf } from "../core/ndarray.js";
import { addressOf, kernelsOn, output } from "./backend.js";
import { wasmKernel } from "./stock.js";

/** Our own tfjs kernel: dy where low <= x <= high, else 0. float32. */
export const MaskGradient = "TracelightMaskGradient";

export interface MaskAttributes {
  low: number;
  high: number;
}

export const maskGradient = wasmKernel<"x" | "dy", MaskAttributes>(
  MaskGradient,
  ({ x, dy }, { low, high }, backend) =>
    output(backend, x.shape, "float32", (to) => {
      const [from, gradient] = [addressOf(backend, x), addressOf(backend, dy)];
      kernelsOn(backend).maskGradient(from, gradient, to, sizeOf(x.shape), low, high);
    }),
);
