import { axesTable, gatherNdGeometry, refuseTuple } from "../core/gatherNd.js";
import { addressOf, kernelsOn, output, withTable } from "./backend.js";
import { arrayOf } from "./gatherV2.js";
import { wasmKernel } from "./stock.js";

/** Our own tfjs kernel: the adjoint of GatherNd. float32. */
export const ScatterNdAdd = "TracelightScatterNdAdd";

export const scatterNdAdd = wasmKernel<"updates" | "indices", { shape: number[] }>(
  ScatterNdAdd,
  ({ updates, indices }, { shape }, backend) => {
    const g = gatherNdGeometry("scatterNdAdd", "shape", shape, indices.shape, {});
    return output(backend, shape, "float32", (to) =>
      withTable(backend, axesTable(g, 4).data, (axes) => {
        const [from, tuples] = [addressOf(backend, updates), addressOf(backend, indices)];
        const { batch, count, depth, block, row } = g;
        const sizes = [batch, count, depth, block * 4, row * 4] as const;
        const bad = kernelsOn(backend).scatterNdAdd(from, tuples, axes, to, ...sizes);
        if (bad >= 0) refuseTuple("scatterNdAdd", arrayOf(backend, indices), bad, g, shape);
      }),
    );
  },
);
