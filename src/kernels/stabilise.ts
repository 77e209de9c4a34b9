import { sizeOf } from "../core/ndarray.js";
import { addressOf, kernelsOn, output } from "./backend.js";
import { wasmKernel } from "./stock.js";

/** Our own tfjs kernel: z + epsilon sign(z), sign(0) = 1. float32. */
export const Stabilise = "TracelightStabilise";

export const stabilise = wasmKernel<"z", { epsilon: number }>(Stabilise, ({ z }, { epsilon }, backend) =>
  output(backend, z.shape, "float32", (to) =>
    kernelsOn(backend).stabilise(addressOf(backend, z), to, sizeOf(z.shape), epsilon),
  ),
);
