import { axesTable, gatherNdGeometry, refuseTuple } from "../core/gatherNd.js";
import { addressOf, bytesPerElement, kernelsOn, output, withTable } from "./backend.js";
import { arrayOf } from "./gatherV2.js";
import { runStock, wasmKernel } from "./stock.js";

/** tf.gatherND. A tuple of indices outside is an IndexError. */
export const gatherNd = wasmKernel<"params" | "indices">("GatherNd", (inputs, _attrs, backend) => {
  const { params: x, indices } = inputs;
  if (x.dtype === "string") return runStock("GatherNd", { inputs, backend });
  const g = gatherNdGeometry("gatherNd", "x", x.shape, indices.shape, {});
  const bytes = bytesPerElement(x.dtype);
  return output(backend, g.result, x.dtype, (to) =>
    withTable(backend, axesTable(g, bytes).data, (axes) => {
      const [from, tuples] = [addressOf(backend, x), addressOf(backend, indices)];
      const { batch, count, depth, block, row } = g;
      const sizes = [batch, count, depth, block * bytes, row * bytes] as const;
      const bad = kernelsOn(backend).gatherNd(from, tuples, axes, to, ...sizes);
      if (bad >= 0) refuseTuple("gatherNd", arrayOf(backend, indices), bad, g, x.shape);
    }),
  );
});
