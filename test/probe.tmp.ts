import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { loadModel } from "../src/io/loadModel.js";
import { installKernels } from "../src/kernels/index.js";

const be = process.env.BE ?? "cpu";
await tf.setBackend(be);
if (be === "wasm") installKernels();
const dir = `${process.env.DIR ?? "/tmp/kz"}/`;
const T = (r: any) => {
  const b = Uint8Array.from(Buffer.from(r.data, "base64"));
  return tf.tensor(
    r.dtype === "float32" ? new Float32Array(b.buffer) : r.dtype === "int32" ? new Int32Array(b.buffer) : b,
    r.shape,
    r.dtype,
  );
};
const D = (y: tf.Tensor, w: tf.Tensor) =>
  String(y.shape) !== String(w.shape)
    ? `SHAPE ${y.shape} want ${w.shape}`
    : tf.max(tf.abs(tf.sub(tf.cast(y, "float32"), w))).dataSync()[0]! /
      Math.max(1e-5, tf.max(tf.abs(w)).dataSync()[0]!);
const S = (d: any) => (typeof d === "number" ? (d < 1e-5 ? "ok" : `BAD ${d.toExponential(1)}`) : d);
for (const n of readdirSync(dir)
  .filter((f) => f.endsWith(".json"))
  .map((f) => f.slice(0, -5)))
  for (const f of [".keras", ".h5"]) {
    if (process.env.ONLY && !process.env.ONLY.split(",").includes(n)) continue;
    if (!existsSync(dir + n + f)) continue;
    const before = tf.memory().numTensors;
    try {
      const m = await loadModel(dir + n + f);
      const ref = JSON.parse(readFileSync(`${dir + n}.json`, "utf8"));
      let line = "";
      tf.tidy(() => {
        const xs = ref.inputs.map(T);
        const ys = [m.predict(xs)].flat() as tf.Tensor[];
        line = ys.map((y, i) => S(D(y, T(ref.outputs[i])))).join(" ");
        if (ref.gradients.length) {
          const fl = xs
            .map((x: any, i: number) => (x.dtype === "float32" ? i : -1))
            .filter((i: number) => i >= 0);
          try {
            const g = tf.grads((...fs) => {
              const all = [...xs];
              fl.forEach((at: number, i: number) => {
                all[at] = fs[i]!;
              });
              const y = [
                m.apply(all.length === 1 ? all[0] : all, { training: false }),
              ].flat()[0] as tf.Tensor;
              return tf.sum(tf.max(tf.reshape(y, [2, -1]), 1));
            })(fl.map((i: number) => xs[i]));
            line += ` grad ${g
              .map((t, i) => {
                const d = D(t, T(ref.gradients[i]));
                return typeof d === "number" && d < 1e-4
                  ? "ok"
                  : `BAD ${typeof d === "number" ? d.toExponential(1) : d}`;
              })
              .join(" ")}`;
          } catch (e) {
            line += ` GRADFAIL ${(e as Error).message.slice(0, 150)}`;
          }
        }
      });
      m.dispose();
      if (tf.memory().numTensors !== before) line += ` LEAK ${tf.memory().numTensors - before}`;
      console.log(n + f, line);
    } catch (e) {
      console.log(n + f, "FAIL", (e as Error).message.slice(0, 300));
      if (tf.memory().numTensors !== before) console.log("   LEAK", tf.memory().numTensors - before);
    }
  }
