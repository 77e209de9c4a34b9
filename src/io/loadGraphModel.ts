import * as tf from "@tensorflow/tfjs";
import { GraphError, ModelFormatError } from "../errors.js";
import { readAll } from "./byteSource.js";
import { isRecord, type JsonRecord, parseJson } from "./keras/checks.js";
import { type LoadModelOptions, type ModelSource, openSource, readWeights, saying } from "./loadModel.js";

/** One operation of a graph model. */
export interface GraphNode {
  readonly name: string;
  /** TensorFlow's name of it: Conv2D, MatMul. */
  readonly op: string;
  /** The nodes whose outputs it takes; those that only must run before are left out. */
  readonly inputs: readonly string[];
}

/**
 * Opens a TensorFlow.js graph model: a SavedModel that tensorflowjs_converter converted. It has operations and no layers, so
 * that it can be run, looked into (`graphModelNodes`, `model.execute(x, names)` for inner nodes) and differentiated, but not
 * cut by layers nor explained by rules over them.
 *
 * @throws ModelFormatError for what is no graph model, damaged or incomplete
 * @example
 * const model = await loadGraphModel("mobilenet/model.json");
 * const inner = model.execute(x, graphModelNodes(model)[7].name);
 */
export async function loadGraphModel(
  source: Exclude<ModelSource, tf.io.IOHandler>,
  options: Pick<LoadModelOptions, "name"> = {},
): Promise<tf.GraphModel> {
  return saying("loadGraphModel", async () => {
    const opened = await openSource(source, options.name);
    try {
      const { name } = opened.main;
      const json = parseJson(new TextDecoder().decode((await readAll(opened.main)).bytes), name);
      if (!isRecord(json) || !isRecord(json.modelTopology) || !Array.isArray(json.modelTopology.node)) {
        throw new ModelFormatError(
          `${name}: is no graph model: expected modelTopology with a list of nodes; loadModel opens models with layers`,
        );
      }
      const { weightSpecs, weightData } = await readWeights(opened, json);
      const { modelTopology, signature, userDefinedMetadata } = json;
      const artifacts = {
        format: "graph-model",
        modelTopology,
        signature,
        userDefinedMetadata,
        weightSpecs,
        weightData,
      };
      const before = new Set(Object.values(tf.engine().registeredVariables));
      try {
        return await tf.loadGraphModel(tf.io.fromMemory(artifacts as unknown as tf.io.ModelArtifacts));
      } catch (error) {
        for (const variable of Object.values(tf.engine().registeredVariables)) {
          if (!before.has(variable)) variable.dispose();
        }
        const message = error instanceof Error ? error.message : String(error);
        throw new ModelFormatError(`${name}: TensorFlow.js cannot build the graph: ${message}`, {
          cause: error,
        });
      }
    } finally {
      await opened.close();
    }
  });
}

/**
 * The operations of a graph model, each after those that it needs: the trace of a model without layers.
 *
 * @throws GraphError where a node takes one that is not there, or nodes need each other in a circle (as loops do)
 * @example graphModelNodes(model).map(({ name, op }) => `${name}: ${op}`)
 */
export function graphModelNodes(model: tf.GraphModel): GraphNode[] {
  const { modelTopology } = (model as unknown as { artifacts: { modelTopology: JsonRecord } }).artifacts;
  const nodes = new Map<string, GraphNode>();
  for (const node of Array.isArray(modelTopology.node) ? modelTopology.node : []) {
    if (!isRecord(node)) continue;
    const inputs = (Array.isArray(node.input) ? node.input : [])
      .map(String)
      .filter((input) => !input.startsWith("^"))
      .map((input) => input.replace(/:\d+$/, ""));
    nodes.set(String(node.name), { name: String(node.name), op: String(node.op), inputs });
  }
  const ordered: GraphNode[] = [];
  const state = new Map<string, "open" | "done">();
  for (const start of nodes.keys()) {
    // Depth first with a stack of its own: graphs are deeper than the call stack.
    const stack = [start];
    while (stack.length > 0) {
      const name = stack.at(-1) as string;
      const node = nodes.get(name) as GraphNode;
      if (state.get(name) === "done") {
        stack.pop();
        continue;
      }
      const waiting = node.inputs.filter((input) => state.get(input) !== "done");
      if (waiting.length === 0) {
        state.set(name, "done");
        ordered.push(node);
        stack.pop();
        continue;
      }
      state.set(name, "open");
      for (const input of waiting) {
        if (!nodes.has(input))
          throw new GraphError(`graphModelNodes: ${name} takes ${input}, there is no such node`);
        if (state.get(input) === "open")
          throw new GraphError(`graphModelNodes: ${name} and ${input} need each other`);
      }
      stack.push(...waiting);
    }
  }
  return ordered;
}
