import { existsSync } from "node:fs";
import type { Contender } from "./harness.js";
import { type OnnxNode, type OnnxValue, onnxModel } from "./onnxModel.js";

/** A case in ONNX: one model, and the values of its inputs. */
export interface OnnxOperation {
  nodes: OnnxNode[];
  inputs: Record<string, OnnxValue & { data: Float32Array | Int32Array | BigInt64Array }>;
  output: OnnxValue;
}

/** What we use of onnxruntime-node and onnxruntime-web. */
interface Runtime {
  env: { wasm: { numThreads?: number } };
  Tensor: new (type: string, data: unknown, shape: readonly number[]) => object;
  InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: Record<string, object>): Promise<unknown> }>;
  };
}

const FILES = {
  "onnxruntime-node": "onnx/node_modules/onnxruntime-node/dist/index.js",
  "onnxruntime-web wasm": "onnx/node_modules/onnxruntime-web/dist/ort.node.min.mjs",
} as const;

const runtimes: { name: string; runtime: Runtime; options: object }[] = [];
for (const [name, path] of Object.entries(FILES)) {
  const url = new URL(path, import.meta.url);
  if (!existsSync(url)) continue;
  const imported = (await import(url.href)) as Runtime & { default?: Runtime };
  const runtime = imported.InferenceSession ? imported : (imported.default as Runtime);
  if (name.includes("web")) runtime.env.wasm.numThreads = 1;
  const options = name.includes("web")
    ? { executionProviders: ["wasm"] }
    : { intraOpNumThreads: 1, interOpNumThreads: 1 };
  runtimes.push({ name, runtime, options });
}
if (runtimes.length === 0) {
  console.error("without onnxruntime; to compare with it: npm install --prefix bench/onnx --ignore-scripts");
}

/** An operation on onnxruntime, one thread, where it is installed. Running a session is asynchronous. */
export async function onOnnx({ nodes, inputs, output }: OnnxOperation): Promise<Contender[]> {
  return Promise.all(
    runtimes.map(async ({ name, runtime, options }) => {
      const session = await runtime.InferenceSession.create(onnxModel(nodes, inputs, output), {
        ...options,
        logSeverityLevel: 3,
      });
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([key, { type, data, shape }]) => [
          key,
          new runtime.Tensor(type, data, shape),
        ]),
      );
      return { name, async: true, run: () => session.run(feeds) };
    }),
  );
}
