import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import h5wasm from "h5wasm";
import { loadModel } from "../src/io/index.js";
import { type Measured, measure } from "./harness.js";

/** Nine dense layers of 1700 x 1700: 104 MB. */
const [LAYERS, UNITS] = [9, 1700];

/** Opening a .h5 file of 104 MB, against reading the file and copying its bytes once. */
export default async function keras(): Promise<Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), "tracelight-bench-"));
  const path = join(folder, "big.h5");
  writeFileSync(path, await largeModel());
  const open = async () => (await loadModel(path)).dispose();
  try {
    const contenders = [
      { name: "read and copy", async: true, run: async () => Uint8Array.from(await readFile(path)) },
      ...["cpu", "wasm"].map((backend) => ({
        name: `loadModel, ${backend}`,
        async: true,
        prepare: () => tf.setBackend(backend),
        run: open,
      })),
    ];
    return await measure({ name: "104 MB .h5", contenders }, { rounds: 3, time: 100 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As Keras writes it. */
async function largeModel(): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const file = new h5wasm.File("/big.h5", "w");
  const names = Array.from({ length: LAYERS }, (_, i) => `dense_${i}`);
  const layers = names.map((name, i) => ({
    class_name: "Dense",
    config: {
      name,
      units: UNITS,
      activation: "relu",
      use_bias: true,
      ...(i === 0 && { batch_input_shape: [null, UNITS] }),
    },
  }));
  const config = { class_name: "Sequential", config: { name: "big", layers } };
  file.create_attribute("model_config", JSON.stringify(config));
  file.create_attribute("keras_version", "2.15.0");
  const weights = file.create_group("model_weights");
  weights.create_attribute("layer_names", names);
  for (const name of names) {
    const group = weights.create_group(name);
    group.create_attribute("weight_names", [`${name}/kernel:0`, `${name}/bias:0`]);
    const inner = group.create_group(name);
    const kernel = new Float32Array(UNITS * UNITS).fill(0.01);
    inner.create_dataset({ name: "kernel:0", data: kernel, shape: [UNITS, UNITS], dtype: "<f" });
    inner.create_dataset({ name: "bias:0", data: new Float32Array(UNITS), shape: [UNITS], dtype: "<f" });
  }
  file.close();
  const bytes = FS.readFile("/big.h5") as Uint8Array;
  FS.unlink("/big.h5");
  return bytes;
}
