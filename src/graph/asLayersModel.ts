import * as tf from "@tensorflow/tfjs";
import { ArgumentError, GraphError } from "../errors.js";
import { traceGraphModel } from "./graphModel.js";
import { GraphOperations, type HeldGraph, shapeOf } from "./graphOperations.js";

export interface AsLayersModelOptions {
  /** Whether disposing the new model, and what is copied from it, disposes the GraphModel. Default false. */
  readonly owned?: boolean;
}

/**
 * A GraphModel (a converted SavedModel) as a layers model, for all that needs no layers: `createAnalyzer` of the methods that
 * need only gradients, `apply`, parts of larger models. Its operations are one layer, which methods of relevance refuse by name;
 * a softmax or sigmoid that they end in is a layer behind it, so that `modelWoSoftmax` can leave it away. It cannot be saved.
 *
 * @throws ArgumentError for what is no GraphModel; GraphError for one whose signature does not tell the inputs' shapes
 * @example const analyzer = createAnalyzer("smoothgrad", asLayersModel(await tf.loadGraphModel(url)));
 */
export function asLayersModel(
  model: tf.GraphModel,
  { owned = false }: AsLayersModelOptions = {},
): tf.LayersModel {
  const who = "asLayersModel";
  if (!(model instanceof tf.GraphModel)) throw new ArgumentError(`${who}: expected a tf.GraphModel`);
  const inputs = model.inputs.map(({ name, shape, dtype }) => {
    if (shape === undefined || shape.length === 0)
      throw new GraphError(`${who}: the graph does not tell the shape of its input "${name}"`);
    return tf.input({ batchShape: shapeOf(shape), dtype, name: layerName(name) });
  });
  const ends = endsOf(model);
  const graph: HeldGraph = { model, owned, users: 0 };
  const layer = new GraphOperations(
    { name: "graph" },
    graph,
    ends.map(({ from }) => from),
  );
  const given = layer.apply(inputs.length === 1 ? (inputs[0] as tf.SymbolicTensor) : inputs);
  const outputs = ([given].flat() as tf.SymbolicTensor[]).map((y, i) => {
    const { activation, name } = ends[i] as End;
    if (activation === null) return y;
    return tf.layers.activation({ activation, name: layerName(name) }).apply(y) as tf.SymbolicTensor;
  });
  return tf.model({ inputs, outputs });
}

/** An output of a graph: the operation to take it from, and the activation that its name stands for, if it is one. */
interface End {
  readonly from: string;
  readonly activation: "softmax" | "sigmoid" | null;
  readonly name: string;
}

const ACTIVATIONS: Readonly<Record<string, "softmax" | "sigmoid">> = {
  Softmax: "softmax",
  Sigmoid: "sigmoid",
};

/** The outputs, without the activation at their end. */
function endsOf(model: tf.GraphModel): End[] {
  const nodes = new Map(traceGraphModel(model).map((node) => [node.name, node]));
  // By the operations: the signature may call outputs otherwise.
  return model.outputs.map(({ name: output }) => {
    let node = nodes.get(output);
    // The converter ends a graph with operations that only give it the signature's names.
    while (node?.op === "Identity") node = nodes.get(node.inputs[0] as string);
    const activation = ACTIVATIONS[node?.op ?? ""];
    if (node === undefined || activation === undefined)
      return { from: output, activation: null, name: output };
    return { from: node.inputs[0] as string, activation, name: node.name };
  });
}

/** The name of an operation as one of a layer. */
function layerName(name: string): string {
  return name.replace(/:\d+$/, "").replaceAll(/\W/g, "_");
}
