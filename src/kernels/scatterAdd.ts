import { gatherGeometry, refuseIndex } from "../core/gather.js";
import { addressOf, kernelsOn, output } from "./backend.js";
import { arrayOf } from "./gatherV2.js";
import { wasmKernel } from "./stock.js";

/** Our own tfjs kernel: the adjoint of GatherV2. float32. */
export const ScatterAdd = "TracelightScatterAdd";

export interface ScatterAddAttributes {
  /** The shape that was gathered from. */
  shape: number[];
  axis: number;
  batchDims: number;
}

export const scatterAdd = wasmKernel<"updates" | "indices", ScatterAddAttributes>(
  ScatterAdd,
  ({ updates, indices }, { shape, axis, batchDims }, backend) => {
    const options = { axis, batchDims };
    const g = gatherGeometry("scatterAdd", "shape", shape, indices.shape, options);
    return output(backend, shape, "float32", (to) => {
      const [from, picks] = [addressOf(backend, updates), addressOf(backend, indices)];
      const { batch, outer, size, count, row } = g;
      const bad = kernelsOn(backend).scatterAdd(from, picks, to, batch, outer, size, count, row, 0, 0);
      if (bad >= 0) refuseIndex("scatterAdd", "indices", arrayOf(backend, indices), bad, size);
    });
  },
);
