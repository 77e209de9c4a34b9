import { refuseIndex } from "../core/gather.js";
import { show, sizeOf } from "../core/ndarray.js";
import { DTypeError, ShapeError } from "../errors.js";
import { addressOf, intsOf, kernelsOn, output } from "./backend.js";
import { wasmKernel } from "./stock.js";

/**
 * tf.unsortedSegmentSum, which tfjs's WASM backend lacks. Rows of a negative id count for nothing; an id of numSegments or
 * more is an IndexError. float32 and int32.
 */
export const unsortedSegmentSum = wasmKernel<"x" | "segmentIds", { numSegments: number }>(
  "UnsortedSegmentSum",
  ({ x, segmentIds }, { numSegments }, backend) => {
    const who = "unsortedSegmentSum";
    if (x.dtype !== "float32" && x.dtype !== "int32")
      throw new DTypeError(`${who}: expected x of float32 or int32, got ${x.dtype}`);
    const ids = segmentIds.shape;
    if (show(x.shape.slice(0, ids.length)) !== show(ids)) {
      throw new ShapeError(
        `${who}: expected x to begin with the shape of segmentIds, ${show(ids)}, got ${show(x.shape)}`,
      );
    }
    const rest = x.shape.slice(ids.length);
    return output(backend, [numSegments, ...rest], x.dtype, (to) => {
      const [from, at] = [addressOf(backend, x), addressOf(backend, segmentIds)];
      const [count, row, ints] = [sizeOf(ids), sizeOf(rest), x.dtype === "int32" ? 1 : 0];
      const bad = kernelsOn(backend).scatterAdd(from, at, to, 1, 1, numSegments, count, row, 1, ints);
      if (bad < 0) return;
      const values = { data: intsOf(backend, segmentIds), shape: ids, dtype: "int32" } as const;
      refuseIndex(who, "segmentIds", values, bad, numSegments);
    });
  },
);
