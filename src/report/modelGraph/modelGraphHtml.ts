import { escapeXml } from "../escapeXml.js";
import { type GraphNode, type ModelGraph, parametersText, shapeText, supportText } from "./modelGraph.js";
import { modelGraphSvg } from "./modelGraphSvg.js";

/**
 * A model as one HTML page that needs nothing else: its picture, and a table of its calls. No script, no font, no file.
 *
 * @example await writeFileAtomic("model.html", modelGraphHtml(modelGraph(model)))
 */
export function modelGraphHtml(graph: ModelGraph): string {
  const { name, className, nodes, parameters, method } = graph;
  const headings = [
    "nid",
    "layer",
    "class",
    "output shape",
    "parameters",
    "bottleneck",
    ...(method === null ? [] : [method]),
  ];
  const calls = nodes.filter(({ nid }) => nid !== null).length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(name)}</title>
<style>
${CSS}</style>
</head>
<body>
<header>
<h1>${escapeXml(name)}</h1>
<p>${escapeXml(className)} · ${calls} calls of layers · ${parametersText(parameters)}</p>
</header>
<main>
<div class="picture">
${modelGraphSvg(graph)}</div>
<div class="scroll">
<table>
<thead><tr>${headings.map((heading) => `<th scope="col">${escapeXml(heading)}</th>`).join("")}</tr></thead>
<tbody>
${nodes.map((node) => row(node, method)).join("\n")}
</tbody>
</table>
</div>
</main>
</body>
</html>
`;
}

function row(node: GraphNode, method: string | null): string {
  const { nid, path, className, outputShapes, parameters, bottleneck, support } = node;
  const cells = [
    nid === null ? "–" : String(nid),
    path,
    className,
    outputShapes.map(shapeText).join(", "),
    parameters.toLocaleString("en-US"),
    bottleneck ? "yes" : "",
    ...(method === null ? [] : [supportText(node)]),
  ];
  const numbers = [0, 4];
  return `<tr${support?.supported === false ? ' class="refused"' : ""}>${cells
    .map((cell, i) => `<td${numbers.includes(i) ? ' class="number"' : ""}>${escapeXml(cell)}</td>`)
    .join("")}</tr>`;
}

const CSS = `\
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --line: #e3e6ea; --text: #161a20; --muted: #5d6673; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0f1216; --card: #181c22; --line: #2b313a; --text: #e8ebf0; --muted: #9aa4b2; --bad: #fca5a5; }
}
body {
  margin: 0 auto; max-width: 1200px; padding: 32px 24px; background: var(--page); color: var(--text);
  font: 15px/1.5 Inter, system-ui, sans-serif;
}
h1 { margin: 0; font-size: 28px; overflow-wrap: anywhere; }
p { margin: 4px 0 24px; color: var(--muted); }
.picture { overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 12px; background: #ffffff; text-align: center; }
.scroll { overflow-x: auto; margin-top: 24px; padding: 8px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
table { width: 100%; border-collapse: collapse; font-size: 13px; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--muted); font-weight: 500; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.refused td:last-child { color: var(--bad); }
`;
