import { type Command, Option } from "commander";
import { listAnalyzers, methodSupport } from "../analyzers/index.js";
import { type ExecutionNode, getModelExecutionGraph, type OpNode, traceGraphModel } from "../graph/index.js";
import { executionTable } from "../graph/printModelExecutionGraph.js";
import { writeFileAtomic } from "../io/node/index.js";
import {
  type GraphNode,
  type ModelGraph,
  modelGraph,
  modelGraphDot,
  modelGraphHtml,
  modelGraphSvg,
  supportText,
} from "../report/index.js";
import { table } from "../text.js";
import { MODEL } from "./flags.js";
import { loadModel } from "./model.js";
import type { Terminal } from "./run.js";

interface Flags {
  json?: true;
  dot?: string | true;
  svg?: string | true;
  html?: string | true;
  method?: string;
}

const PICTURES = { dot: modelGraphDot, svg: modelGraphSvg, html: modelGraphHtml } as const;

/** `tracelight trace MODEL`: the execution graph, as a table, as data, or as a picture. */
export function addTrace(program: Command, terminal: Terminal): void {
  const picture = (format: keyof typeof PICTURES, what: string) =>
    new Option(`--${format} [file]`, `${what}; written to the file, or printed`).conflicts(
      ["json", "dot", "svg", "html"].filter((other) => other !== format),
    );
  program
    .command("trace")
    .description("print a model's execution graph: which layer runs when, on whose output, with which shape")
    .argument("<model>", MODEL)
    .addOption(new Option("--json", "print JSON").conflicts(["dot", "svg", "html"]))
    .addOption(picture("dot", "a graph for Graphviz"))
    .addOption(picture("svg", "a picture"))
    .addOption(picture("html", "a page with the picture and a table"))
    .addOption(
      new Option(
        "-m, --method <name>",
        "say of each layer whether this method can pass it, and why not",
      ).choices(listAnalyzers().map(({ name }) => name)),
    )
    .action(async (path: string, { json, method, ...pictures }: Flags) => {
      const model = await loadModel(path);
      const support = method === undefined ? null : { name: method, support: methodSupport(method, model) };
      const graph = modelGraph(model, support === null ? {} : { method: support });
      const execution = getModelExecutionGraph(model, { keepInputLayers: true });
      const operations = graph.className === "GraphModel" ? traceGraphModel(model) : null;
      // Both list the inputs first, then the nodes.
      const nodes = [...execution.inputs, ...execution.nodes.values()];
      if (json) {
        const rows = operations ?? nodes.map((node, i) => asJson(node, graph.nodes[i] as GraphNode));
        terminal.out(`${JSON.stringify(rows, null, 2)}\n`);
      }
      const formats = (Object.keys(PICTURES) as (keyof typeof PICTURES)[]).filter(
        (format) => pictures[format],
      );
      for (const format of formats) {
        const file = pictures[format] as string | true;
        const text = PICTURES[format](graph);
        if (file !== true) await writeFileAtomic(file, text);
        terminal.out(file === true ? text : `${file}\n`);
      }
      if (!json && formats.length === 0)
        terminal.out(`${operations === null ? asTable(nodes, graph) : operationsTable(operations)}\n`);
    });
}

/** The operations of a graph model; the weights among them with their shapes. */
function operationsTable(operations: readonly OpNode[]): string {
  const rows = operations.map(({ name, op, inputs, weight }) => [
    name,
    op,
    weight === null ? "" : `[${weight.join(", ")}]`,
    inputs.join(" "),
  ]);
  return table(["operation", "class", "weight", "from"], rows);
}

function asTable(nodes: readonly ExecutionNode[], { nodes: drawn, method }: ModelGraph): string {
  return executionTable(nodes, [
    { heading: "bottleneck", cells: drawn.map(({ bottleneck }) => (bottleneck ? "yes" : "")) },
    ...(method === null ? [] : [{ heading: method, cells: drawn.map(supportText) }]),
  ]);
}

function asJson({ nid, path, layer, ys, xsNids, ysNids }: ExecutionNode, drawn: GraphNode): object {
  return {
    nid,
    layer: path,
    className: layer.getClassName(),
    outputShapes: ys.map((y) => y.shape),
    parameters: drawn.parameters,
    from: xsNids,
    to: ysNids,
    bottleneck: drawn.bottleneck,
    ...(drawn.support !== null && { supported: drawn.support.supported, reason: drawn.support.reason }),
  };
}
