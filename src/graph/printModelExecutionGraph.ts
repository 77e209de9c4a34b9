import { show } from "../core/ndarray.js";
import { table } from "../text.js";
import type { ExecutionGraph, ExecutionNode } from "./modelExecution.js";

/** A further column of the table: its heading, and what it says of each row. */
export interface Column {
  readonly heading: string;
  readonly cells: readonly string[];
}

const HEADINGS = ["nid", "layer", "class", "output shape", "parameters", "from", "to"];
/** The columns that hold numbers. */
const NUMBERS = [0, 4];

/**
 * Prints an execution graph as an aligned table: number, layer, class, output shape, parameters, the nodes that the
 * inputs come from and those that the outputs go to. A `-` is the model's input or output.
 *
 * @returns the table's text
 * @source iNNvestigate utils.keras.graph.print_model_execution_graph
 * @example printModelExecutionGraph(getModelExecutionGraph(model));
 */
export function printModelExecutionGraph(
  graph: ExecutionGraph,
  print: (text: string) => void = console.log,
): string {
  const text = executionTable([...graph.inputs, ...graph.nodes.values()]);
  print(text);
  return text;
}

/** The table of `printModelExecutionGraph`, with further columns at its right. */
export function executionTable(nodes: readonly ExecutionNode[], more: readonly Column[] = []): string {
  return table(
    [...HEADINGS, ...more.map(({ heading }) => heading)],
    nodes.map((node, i) => [...row(node), ...more.map(({ cells }) => cells[i] as string)]),
    NUMBERS,
  );
}

function row(node: ExecutionNode): string[] {
  return [
    node.nid === null ? "-" : String(node.nid),
    node.path,
    node.layer.getClassName(),
    node.ys.map((y) => show(y.shape)).join(" "),
    String(node.layer.countParams()),
    numbers(node.xsNids) || "-",
    numbers([...new Set(node.ysNids.flat())]),
  ];
}

/** Of a thousand only the first ones and the last: every row is as wide as the widest. */
function numbers(nids: readonly (number | null)[]): string {
  const all = nids.map((nid) => (nid === null ? "-" : String(nid)));
  return (all.length <= 16 ? all : [...all.slice(0, 14), "...", all.at(-1)]).join(" ");
}
