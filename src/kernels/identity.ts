import { reshaped } from "./backend.js";
import { attributes, runStock, wasmKernel } from "./stock.js";

/**
 * tf.clone: a second reference to the same memory, as on tfjs's other backends; its WASM backend copies. tfjs clones all that
 * a gradient saves, the filters of convolutions among them.
 */
export const identity = wasmKernel<"x">("Identity", (inputs, attrs, backend) =>
  inputs.x.dtype === "string"
    ? runStock("Identity", { inputs, attrs: attributes(attrs), backend })
    : reshaped(backend, inputs.x, inputs.x.shape),
);
