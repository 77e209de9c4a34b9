import { planTranspose } from "../core/transpose.js";
import { addressOf, bytesPerElement, kernelsOn, output, withTable } from "./backend.js";
import { attributes, runStock, wasmKernel } from "./stock.js";

/** tf.transpose. */
export const transpose = wasmKernel<"x", { perm: number[] }>("Transpose", (inputs, attrs, backend) => {
  const { x } = inputs;
  if (x.dtype === "string") return runStock("Transpose", { inputs, attrs: attributes(attrs), backend });
  const { shape, table, run } = planTranspose("transpose", x.shape, attrs.perm, bytesPerElement(x.dtype));
  return output(backend, shape, x.dtype, (to) => {
    const from = addressOf(backend, x);
    if (table.length === 0) run(kernelsOn(backend), from, to, 0);
    else withTable(backend, table, (axes) => run(kernelsOn(backend), from, to, axes));
  });
});
