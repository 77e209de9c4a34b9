import * as tf from "@tensorflow/tfjs";

const FLOAT = { type: "DT_FLOAT" };

/** A small converted SavedModel: relu(x . w + b), its sum, and an operation that no output needs. */
export async function smallGraphModel(): Promise<tf.GraphModel> {
  const constant = (name: string, shape: number[]) => ({
    name,
    op: "Const",
    attr: {
      dtype: FLOAT,
      value: { tensor: { dtype: "DT_FLOAT", tensorShape: { dim: shape.map((n) => ({ size: String(n) })) } } },
    },
  });
  const modelTopology = {
    node: [
      {
        name: "x",
        op: "Placeholder",
        attr: { dtype: FLOAT, shape: { shape: { dim: [{ size: "-1" }, { size: "2" }] } } },
      },
      constant("dense/kernel", [2, 3]),
      constant("dense/bias", [3]),
      {
        name: "axis",
        op: "Const",
        attr: { dtype: { type: "DT_INT32" }, value: { tensor: { dtype: "DT_INT32", tensorShape: {} } } },
      },
      {
        name: "dense/MatMul",
        op: "MatMul",
        input: ["x", "dense/kernel"],
        attr: { T: FLOAT, transpose_a: { b: false }, transpose_b: { b: false } },
      },
      {
        name: "dense/BiasAdd",
        op: "BiasAdd",
        input: ["dense/MatMul", "dense/bias"],
        attr: { T: FLOAT, data_format: { s: "TkhXQw==" } },
      },
      { name: "dense/Relu", op: "Relu", input: ["dense/BiasAdd"], attr: { T: FLOAT } },
      { name: "unused", op: "Neg", input: ["dense/Relu"], attr: { T: FLOAT } },
      {
        name: "total",
        op: "Sum",
        input: ["dense/Relu", "axis"],
        attr: { T: FLOAT, Tidx: { type: "DT_INT32" }, keep_dims: { b: false } },
      },
    ],
    versions: { producer: 1 },
  };
  const weightSpecs: tf.io.WeightsManifestEntry[] = [
    { name: "dense/kernel", shape: [2, 3], dtype: "float32" },
    { name: "dense/bias", shape: [3], dtype: "float32" },
    { name: "axis", shape: [], dtype: "int32" },
  ];
  const tensor = (name: string, shape: string[]) => ({
    name: `${name}:0`,
    dtype: "DT_FLOAT",
    tensorShape: { dim: shape.map((size) => ({ size })) },
  });
  const signature = { inputs: { x: tensor("x", ["-1", "2"]) }, outputs: { total: tensor("total", ["-1"]) } };
  const bytes = new ArrayBuffer(10 * 4);
  new Float32Array(bytes, 0, 9).set([1, -1, 2, 0.5, 1, -3, 0.1, 0.2, 0.3]);
  new Int32Array(bytes, 36, 1).set([1]);
  return tf.loadGraphModel(
    tf.io.fromMemory({ modelTopology, weightSpecs, weightData: bytes, format: "graph-model", signature }),
  );
}

/** What of a model.json tests change. */
export interface GraphJson {
  modelTopology: { node: object[] };
  signature?: { outputs: Record<string, object> };
}

/** The files of a graph model: relu(x w), with the nodes out of order. `change` changes the JSON. */
export function graphFiles(change: (json: GraphJson) => void = () => {}): File[] {
  const T = { T: FLOAT };
  const json = {
    format: "graph-model",
    modelTopology: {
      node: [
        { name: "y", op: "Relu", input: ["product"], attr: T },
        {
          name: "product",
          op: "MatMul",
          input: ["x", "w"],
          attr: { ...T, transpose_a: { b: false }, transpose_b: { b: false } },
        },
        {
          name: "x",
          op: "Placeholder",
          attr: { dtype: FLOAT, shape: { shape: { dim: [{ size: "-1" }, { size: "2" }] } } },
        },
        {
          name: "w",
          op: "Const",
          attr: {
            dtype: FLOAT,
            value: { tensor: { dtype: "DT_FLOAT", tensorShape: { dim: [{ size: "2" }, { size: "2" }] } } },
          },
        },
      ],
      versions: { producer: 1 },
    },
    // The names of the signature are not those of the operations.
    signature: {
      inputs: {
        features: { name: "x:0", dtype: "DT_FLOAT", tensorShape: { dim: [{ size: "-1" }, { size: "2" }] } },
      },
      outputs: { output_0: { name: "y:0" } },
    },
    weightsManifest: [{ paths: ["w.bin"], weights: [{ name: "w", shape: [2, 2], dtype: "float32" }] }],
  };
  change(json);
  return [
    new File([JSON.stringify(json)], "model.json"),
    new File([Float32Array.from([1, -1, 2, 1])], "w.bin"),
  ];
}

/** Of such files: the outputs end in a softmax, behind an operation that only has a name. */
export function withSoftmax(json: GraphJson): void {
  const T = { T: FLOAT };
  json.modelTopology.node.push(
    { name: "probabilities", op: "Softmax", input: ["product"], attr: T },
    { name: "Identity", op: "Identity", input: ["probabilities"], attr: T },
  );
  json.signature = { ...json.signature, outputs: { output_0: { name: "Identity:0" } } };
  json.modelTopology.node = json.modelTopology.node.filter((node) => (node as { name: string }).name !== "y");
}
