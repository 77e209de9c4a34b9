import type { Command } from "commander";
import { type ExecutionNode, getModelExecutionGraph, printModelExecutionGraph } from "../graph/index.js";
import { loadModel } from "./model.js";
import type { Terminal } from "./run.js";

/** `tracelight trace MODEL`: the execution graph. */
export function addTrace(program: Command, terminal: Terminal): void {
  program
    .command("trace")
    .description("print a model's execution graph: which layer runs when, on whose output, with which shape")
    .argument(
      "<model>",
      "a .keras or .h5 file, or a TensorFlow.js layers model: its folder, or its model.json",
    )
    .option("--json", "print JSON")
    .action(async (path: string, { json }: { json?: true }) => {
      const graph = getModelExecutionGraph(await loadModel(path), { keepInputLayers: true });
      if (json)
        terminal.out(`${JSON.stringify([...graph.inputs, ...graph.nodes.values()].map(asJson), null, 2)}\n`);
      else printModelExecutionGraph(graph, (text) => terminal.out(`${text}\n`));
    });
}

function asJson({ nid, path, layer, ys, xsNids, ysNids }: ExecutionNode): object {
  return {
    nid,
    layer: path,
    className: layer.getClassName(),
    outputShapes: ys.map((y) => y.shape),
    parameters: layer.countParams(),
    from: xsNids,
    to: ysNids,
  };
}
