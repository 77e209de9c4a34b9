import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { test } from "uvu";

/** Values recorded with other tools, which lie beside the project where it is developed and are no part of it. */
const folder = fileURLToPath(new URL("../../../shared/reference/", import.meta.url));

/** The path of a file of the reference data, or null where there is none: tests then skip, and say so. */
export function referencePath(name: string): string | null {
  const path = folder + name;
  return existsSync(path) ? path : null;
}

export function referenceFiles(directory: string, ending: string): string[] {
  const path = referencePath(directory);
  return path === null
    ? []
    : readdirSync(path)
        .filter((name) => name.endsWith(ending))
        .sort();
}

/** Stands in for the tests of a file where the reference data is not there. */
export function skipWithout(what: string): void {
  console.log(`skipped: ${what}: the recorded values are not beside this checkout`);
  test.skip(what, () => {});
}

/** A tensor as the reference files write it: base64, row-major, little-endian. */
export interface RecordedTensor {
  dtype: "float32" | "int32" | "bool" | "uint8";
  shape: number[];
  data: string;
}

export function valuesOf({ dtype, data }: RecordedTensor): Float32Array | Int32Array | Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  if (dtype === "float32") return new Float32Array(bytes.buffer);
  return dtype === "int32" ? new Int32Array(bytes.buffer) : bytes;
}

export function tensorOf(recorded: RecordedTensor): tf.Tensor {
  return tf.tensor(valuesOf(recorded), recorded.shape, recorded.dtype === "uint8" ? "int32" : recorded.dtype);
}

export interface RecordedLayer {
  name: string;
  className: string;
  config: Record<string, unknown>;
  inbound: string[];
  calls?: string[][];
  weights: RecordedTensor[];
}

export interface RecordedCase {
  id: string;
  tool: string;
  analyzer: string;
  kwargs: Record<string, unknown>;
  neuronSelectionMode: "max_activation" | "index" | "all";
  neuronSelection: number | number[] | null;
  /** One tensor an input, by name; one bare tensor for a layer's map. */
  relevance?: Record<string, RecordedTensor> | RecordedTensor;
  sameAs?: string;
  error?: string;
  tol: number;
  unstable?: boolean;
  defect?: string;
  conserved?: boolean;
  headRelevance?: "one" | "value";
  signxaiName?: string;
}

export interface RecordedModel {
  model: { layers: RecordedLayer[] };
  inputs: Record<string, RecordedTensor>;
  output: RecordedTensor;
  cases: RecordedCase[];
}

/** A recorded model with its cases, those of its further parts included. */
export function readRecorded(file: string): RecordedModel {
  const read = (name: string) =>
    JSON.parse(readFileSync(`${folder}attributions/${name}`, "utf8")) as RecordedModel;
  const parts = referenceFiles("attributions", ".json").filter((name) =>
    name.startsWith(file.replace("json", "part")),
  );
  const first = read(file);
  return { ...first, cases: [...first.cases, ...parts.flatMap((part) => read(part).cases)] };
}

/** Builds a recorded model with its weights. */
export function buildRecorded({ model }: RecordedModel): tf.LayersModel {
  const tensors = new Map<string, tf.SymbolicTensor>();
  const layers: [tf.layers.Layer, RecordedLayer][] = [];
  const inputs: tf.SymbolicTensor[] = [];
  let last = "";
  for (const recorded of model.layers) {
    const { name, className, config, inbound, calls = [] } = recorded;
    last = name;
    if (className === "InputLayer") {
      const x = tf.input({
        batchShape: config.batchInputShape as number[],
        dtype: config.dtype as tf.DataType,
        name,
      });
      tensors.set(name, x);
      inputs.push(x);
      continue;
    }
    const layerClass = tf.serialization.SerializationMap.getMap().classNameMap[
      className
    ]![0] as unknown as new (
      config: object,
    ) => tf.layers.Layer;
    const layer = new layerClass(config);
    layers.push([layer, recorded]);
    [inbound, ...calls].forEach((names, use) => {
      const xs = names.map((n) => tensors.get(n)!);
      tensors.set(
        use === 0 ? name : `${name}:${use}`,
        layer.apply(xs.length === 1 ? xs[0]! : xs) as tf.SymbolicTensor,
      );
      last = use === 0 ? name : `${name}:${use}`;
    });
  }
  const built = tf.model({ inputs, outputs: tensors.get(last)! });
  tf.tidy(() => {
    for (const [layer, { weights }] of layers)
      if (weights.length > 0) layer.setWeights(weights.map(tensorOf));
  });
  return built;
}
