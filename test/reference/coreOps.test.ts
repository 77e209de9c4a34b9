import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Core, NdArray } from "../../src/core/index.js";
import { bytesOf } from "../support/arrays.js";
import { builds } from "../support/builds.js";
import { type OpCase, recordedOps } from "../support/recordedOps.js";
import { type RecordedTensor, skipWithout, valuesOf } from "../support/reference.js";

/** uint8 is read as int32, of which the movers know no difference. */
function arrayOf(recorded: RecordedTensor): NdArray {
  const { dtype, shape } = recorded;
  const values = valuesOf(recorded);
  if (dtype === "uint8") return { data: Int32Array.from(values), shape, dtype: "int32" };
  return { data: values, shape, dtype } as NdArray;
}

/** `[1, a, b, 1]` as `[a, b]`: what TensorFlow takes for windows. */
function pair(value: unknown): [number, number] {
  const [n, a, b, c] = value as [number, number, number, number];
  if (n !== 1 || c !== 1) throw new RangeError("windows lie across space only");
  return [a, b];
}

const windows = ({ sizes, strides, rates, padding }: Record<string, unknown>) => {
  if (padding !== "SAME" && padding !== "VALID") throw new RangeError("TensorFlow takes SAME and VALID");
  return { kernelShape: pair(sizes), strides: pair(strides), rates: pair(rates), padding };
};
const gatherOptions = ({ axis, batch_dims }: Record<string, unknown>) => ({
  ...(axis === undefined ? {} : { axis: axis as number }),
  ...(batch_dims === undefined ? {} : { batchDims: batch_dims as number }),
});

/** Each operation of the recorded cases, as methods of a core. */
const operations: Record<
  string,
  (core: Core, i: Record<string, NdArray>, a: Record<string, unknown>) => NdArray
> = {
  extract_patches: (core, i, a) => core.extractPatches(i.images!, windows(a)),
  extract_patches_grad: (core, i, a) =>
    core.foldPatches(i.grad_patches!, { ...windows(a), imageShape: a.image_shape as number[] }),
  gather: (core, i, a) => core.gather(i.params!, i.indices!, gatherOptions(a)),
  gather_grad: (core, i, a) =>
    core.scatterAdd(i.grad_output!, i.indices!, { ...gatherOptions(a), shape: a.params_shape as number[] }),
  gather_nd: (core, i, a) => core.gatherNd(i.params!, i.indices!, gatherOptions(a)),
  gather_nd_grad: (core, i, a) =>
    core.scatterNdAdd(i.grad_output!, i.indices!, { ...gatherOptions(a), shape: a.params_shape as number[] }),
  is_finite: (core, i) => core.isFinite(i.x!),
  broadcast_to: (core, i, a) => core.broadcastTo(i.x!, { shape: a.shape as number[] }),
  broadcast_to_grad: (core, i, a) => core.sumTo(i.grad_output!, { shape: a.x_shape as number[] }),
  unsorted_segment_sum: (core, i, a) =>
    core.unsortedSegmentSum(i.data!, i.segment_ids!, { numSegments: a.num_segments as number }),
};

function assertAlike(c: OpCase, got: NdArray, recorded: RecordedTensor): void {
  const want = arrayOf(recorded);
  assert.equal([got.shape, got.dtype], [want.shape, want.dtype], c.id);
  want.data.forEach((w: number, i: number) => {
    const g = got.data[i] as number;
    const same = c.compare === "close" ? Math.abs(g - w) <= c.atol! + c.rtol! * Math.abs(w) : g === w;
    assert.ok(
      same || (Number.isNaN(g) && Number.isNaN(w)),
      `${c.id}: element ${i} is ${g}, TensorFlow has ${w}`,
    );
  });
  // Movers keep bits: -0 is not 0. (A NaN may be any NaN.)
  if (c.compare === "bits" && !want.data.some(Number.isNaN))
    assert.equal(bytesOf(got.data), bytesOf(want.data), c.id);
}

const all = recordedOps();
if (all.length === 0) skipWithout("operations recorded with TensorFlow");

for (const [op, run] of Object.entries(operations)) {
  const cases = all.filter((c) => c.op === op);
  if (cases.length === 0) continue;
  for (const { build, core } of builds) {
    test(`${op}: all ${cases.length} cases recorded with TensorFlow are met, refusals included (${build})`, () => {
      const before = core.memory();
      for (const c of cases) {
        const inputs = Object.fromEntries(
          Object.entries(c.inputs).map(([name, tensor]) => [name, arrayOf(tensor)]),
        );
        const outputs = c.outputs ?? c.outputs_if_supported;
        if (outputs) {
          assertAlike(c, run(core, inputs, c.args), Object.values(outputs)[0] as RecordedTensor);
          continue;
        }
        assert.throws(
          () => run(core, inputs, c.args),
          undefined,
          `${c.id} is refused by TensorFlow: ${c.raises?.message}`,
        );
      }
      assert.equal(core.memory().numArrays, before.numArrays);
    });
  }
}

test.run();
