import * as tf from "@tensorflow/tfjs";
import { gatherGeometry, refuseIndex } from "../core/gather.js";
import { addressOf, bytesPerElement, intsOf, kernelsOn, output, type WasmBackend } from "./backend.js";
import { attributes, runStock, wasmKernel } from "./stock.js";

interface GatherAttributes {
  axis: number;
  batchDims?: number;
}

/** tf.gather. An index outside is an IndexError. */
export const gatherV2 = wasmKernel<"x" | "indices", GatherAttributes>(
  "GatherV2",
  (inputs, attrs, backend) => {
    const { x, indices } = inputs;
    if (x.dtype === "string") return runStock("GatherV2", { inputs, attrs: attributes(attrs), backend });
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0] as number;
    const options = { axis, batchDims: attrs.batchDims ?? 0 };
    const { batch, outer, size, count, row, result } = gatherGeometry(
      "gather",
      "x",
      x.shape,
      indices.shape,
      options,
    );
    return output(backend, result, x.dtype, (to) => {
      const [from, picks] = [addressOf(backend, x), addressOf(backend, indices)];
      const bytes = row * bytesPerElement(x.dtype);
      const bad = kernelsOn(backend).gather(from, picks, to, batch, outer, size, count, bytes);
      if (bad >= 0) refuseIndex("gather", "indices", arrayOf(backend, indices), bad, size);
    });
  },
);

/** The backend's indices as what the core's errors read. */
export function arrayOf(backend: WasmBackend, indices: tf.TensorInfo) {
  return { data: intsOf(backend, indices), shape: indices.shape, dtype: "int32" } as const;
}
