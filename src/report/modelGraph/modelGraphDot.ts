import { type GraphNode, kindText, type ModelGraph, parametersText } from "./modelGraph.js";

/**
 * A model in the DOT language of Graphviz: nested models as clusters, bottlenecks with bold frames, what a method cannot
 * pass dashed and red with the reason as its tooltip.
 *
 * @example await writeFileAtomic("model.dot", modelGraphDot(modelGraph(model)))
 */
export function modelGraphDot({ name, nodes, edges, groups }: ModelGraph): string {
  const inGroup = (group: string | null, indent: string): string[] => [
    ...groups
      .filter(({ parent }) => parent === group)
      .flatMap(({ id, name: path, className }) => [
        `${indent}subgraph ${quoted(`cluster_${id}`)} {`,
        `${indent}  label=${quoted(`${path.split("/").at(-1)} (${className})`)};`,
        ...inGroup(id, `${indent}  `),
        `${indent}}`,
      ]),
    ...nodes
      .filter((node) => node.group === group)
      .map((node) => `${indent}${node.id} [${attributes(node)}];`),
  ];
  return [
    `digraph ${quoted(name)} {`,
    '  node [shape=box, style=rounded, fontname="Inter, Helvetica, sans-serif", fontsize=11];',
    '  graph [fontname="Inter, Helvetica, sans-serif", fontsize=11, style=rounded];',
    ...inGroup(null, "  "),
    ...edges.map(({ from, to }) => `  ${from} -> ${to};`),
    "}\n",
  ].join("\n");
}

function attributes(node: GraphNode): string {
  const { label, parameters, bottleneck, support } = node;
  const lines = [label, kindText(node), ...(parameters > 0 ? [parametersText(parameters)] : [])];
  const refused = support?.supported === false;
  return [
    `label=${quoted(lines.join("\n"))}`,
    ...(bottleneck ? ["penwidth=2"] : []),
    ...(refused
      ? ['color="#dc2626"', 'style="rounded,dashed"', `tooltip=${quoted(support?.reason ?? "")}`]
      : []),
  ].join(", ");
}

/** A quoted string of DOT: a backslash before quotes and backslashes, line ends as \n. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
