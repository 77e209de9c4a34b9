import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import scalar from "#wasm/scalar";
import simd from "#wasm/simd";
import type { KernelExports } from "../src/core/exports.js";
import { loadCore } from "../src/core/index.js";
import { inlinedModule } from "../src/core/module.js";
import { scratchBytes, windowArguments } from "../src/core/patches.js";
import { layWindows } from "../src/core/windows.js";
import { installKernels, uninstallKernels } from "../src/kernels/index.js";
import { extractConv2dPatches } from "../src/ops/index.js";
import { type Case, type Measured, measure, memoryCopy } from "./harness.js";

const SHAPES = [
  [1, 224, 224, 64],
  [1, 224, 224, 3],
] as const;
const windows = { kernelShape: [3, 3], padding: "same" } as const;

/** extractPatches, 3x3 SAME: our kernels in place, the core's methods, and tfjs from slices and concat. */
export default async function patches(): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const shape of SHAPES) results.push(...(await measure(await caseOf(shape), { time: 100 })));
  return results;
}

async function caseOf(shape: (typeof SHAPES)[number]): Promise<Case> {
  const [n, h, w, c] = shape;
  const laid = layWindows("bench", h, w, windows);
  const inBytes = n * h * w * c * 4;
  const outBytes = inBytes * 9;
  const scratch = scratchBytes(h, w, c * 4, laid);
  const memory = new WebAssembly.Memory({
    initial: Math.ceil((inBytes + 2 * outBytes + scratch) / 65536) + 1,
  });
  const copy = await memoryCopy(memory);
  const [src, dst, copied] = [1024, 1024 + inBytes, 1024 + inBytes + outBytes];
  const padded = scratch > 0 ? copied + outBytes : 0;
  const kernel = async (base64: string) => {
    const { instance } = await WebAssembly.instantiate(inlinedModule(base64), { env: { memory } });
    const kernels = instance.exports as unknown as KernelExports;
    return () => kernels.extractPatches(src, dst, n, h, w, c * 4, ...windowArguments(laid), padded);
  };
  const core = await loadCore();
  const x = core.array(shape, "float32");
  const into = core.array([n, h, w, 9 * c], "float32");
  const plain = { data: new Float32Array(n * h * w * c), shape };

  /** What a contender does to an image that lives on a tfjs backend. */
  const onBackend = async (
    backend: string,
    op: (image: tf.Tensor4D) => tf.Tensor,
    kernels = uninstallKernels,
  ) => {
    await tf.setBackend(backend);
    const image = tf.zeros<tf.Rank.R4>([...shape]);
    return {
      prepare: async () => {
        await tf.setBackend(backend);
        kernels();
      },
      run: () => op(image).dispose(),
    };
  };

  return {
    name: `extractPatches ${shape.join("x")}, 3x3 SAME`,
    contenders: [
      { name: "memory.copy of the output's bytes in WASM", run: () => copy(copied, dst, outBytes) },
      { name: "our kernel, simd, in place", run: await kernel(simd) },
      { name: "our kernel, scalar, in place", run: await kernel(scalar) },
      {
        name: "core.extractPatches, arrays in the core's memory",
        run: () => core.extractPatches(x, { ...windows, into }),
      },
      { name: "core.extractPatches, plain typed arrays", run: () => core.extractPatches(plain, windows) },
      {
        name: "extractConv2dPatches, tfjs wasm with our kernels",
        ...(await onBackend(
          "wasm",
          (image) => extractConv2dPatches(image, [3, 3], [1, 1], [1, 1], "same"),
          installKernels,
        )),
      },
      { name: "slices and concat, tfjs wasm", ...(await onBackend("wasm", slicesAndConcat)) },
      { name: "slices and concat, tfjs cpu", once: true, ...(await onBackend("cpu", slicesAndConcat)) },
    ],
  };
}

/** What a user of tfjs writes today. */
function slicesAndConcat(x: tf.Tensor4D): tf.Tensor {
  return tf.tidy(() => {
    const [n, h, w, c] = x.shape;
    const padded = tf.pad(x, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    const pieces = Array.from({ length: 9 }, (_, i) =>
      tf.slice(padded, [0, Math.floor(i / 3), i % 3, 0], [n, h, w, c]),
    );
    return tf.concat(pieces, 3);
  });
}
