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
