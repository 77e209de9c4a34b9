import { sizeOf } from "../core/ndarray.js";
import { addressOf, bytesOn, type Kernels, kernelsOn, output } from "./backend.js";
import { wasmKernel } from "./stock.js";

/**
 * A test of each element for what only float32 can be. int32 and bool are finite (tfjs's own kernels read their bits as
 * if they were float32).
 */
function finiteness(
  kernelName: string,
  otherDtypes: 0 | 1,
  run: (kernels: Kernels, src: number, dst: number, n: number) => void,
) {
  return wasmKernel<"x">(kernelName, ({ x }, _attrs, backend) => {
    const size = sizeOf(x.shape);
    return output(backend, x.shape, "bool", (to) => {
      if (x.dtype === "float32") run(kernelsOn(backend), addressOf(backend, x), to, size);
      else bytesOn(backend, to, size).fill(otherDtypes);
    });
  });
}

/** tf.isFinite */
export const isFiniteConfig = finiteness("IsFinite", 1, (kernels, src, dst, n) =>
  kernels.finiteMask(src, dst, n, 1),
);
/** tf.isNaN */
export const isNaNConfig = finiteness("IsNan", 0, (kernels, src, dst, n) =>
  kernels.nonFiniteMask(src, dst, n, 0),
);
/** tf.isInf */
export const isInfConfig = finiteness("IsInf", 0, (kernels, src, dst, n) =>
  kernels.nonFiniteMask(src, dst, n, 1),
);
