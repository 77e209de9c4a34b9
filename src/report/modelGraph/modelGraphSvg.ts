import { escapeXml } from "../escapeXml.js";
import { textWidth, wrapText } from "../textLayout.js";
import { type Box, layOut, type Point } from "./layout.js";
import { type GraphGroup, type GraphNode, kindText, type ModelGraph, parametersText } from "./modelGraph.js";

const NODE = { minWidth: 168, maxWidth: 300, padding: 14, bar: 5, radius: 8 };
const FONT = { name: 13, detail: 11 };
const LINE = 16;
/** Where Inter is not there, the bold letters of other fonts are up to a fifth wider. */
const BOLD_ROOM = 1.2;
/** Room for a group's title, with what dagre leaves between a box and what is in it. */
const GROUP_RISE = 12;
/** How long the heads of arrows are. */
const ARROW = 7;

/** Kinds of layers, and of the operations of graph models, each with its colour. */
const KINDS: readonly { readonly name: string; readonly color: string; readonly classes: RegExp }[] = [
  { name: "input", color: "#64748b", classes: /^(InputLayer|Placeholder)$/ },
  { name: "convolution", color: "#2563eb", classes: /Conv/ },
  { name: "dense, embedding", color: "#7c3aed", classes: /^(Dense|Embedding|.*MatMul(V2)?)$/ },
  { name: "recurrent", color: "#db2777", classes: /RNN|LSTM|GRU|Bidirectional|TimeDistributed|Cell/ },
  { name: "normalisation", color: "#0d9488", classes: /Normalization|Rescaling|BatchNorm/ },
  {
    name: "activation",
    color: "#d97706",
    classes: /^(Activation|.*ReLU|ELU|Softmax|Relu6?|Elu|Sigmoid|Tanh)$/,
  },
  { name: "pooling", color: "#059669", classes: /Pool/ },
  {
    name: "merge",
    color: "#c026d3",
    classes: /^(Add(V2|N)?|Average|Concat(enate|V2)|Dot|Maximum|Minimum|Mul(tiply)?|Sub(tract)?)$/,
  },
];
const OTHER = { name: "other", color: "#94a3b8" };

function kindOf(className: string): { name: string; color: string } {
  // A convolutional LSTM is recurrent.
  if (className.startsWith("ConvLSTM")) return KINDS[3] as (typeof KINDS)[number];
  return KINDS.find(({ classes }) => classes.test(className)) ?? OTHER;
}

/**
 * A model as a picture: one box a call with its name, class, output shape and parameters, coloured by kind; nested models as
 * boxes around theirs; bottlenecks with a thick frame; where a method was asked for, what it cannot pass in red, with the
 * reason. Nothing is referred to from outside, only the font Inter by name. `svgToPng` makes a PNG of it.
 *
 * @example await writeFileAtomic("model.svg", modelGraphSvg(modelGraph(model)))
 */
export function modelGraphSvg(graph: ModelGraph): string {
  const texts = new Map(graph.nodes.map((node) => [node.id, linesOf(node)]));
  const layout = layOut({
    nodes: graph.nodes.map((node) => ({
      id: node.id,
      parent: node.group,
      ...sizeOf(texts.get(node.id) as Line[]),
    })),
    groups: graph.groups,
    edges: graph.edges,
  });
  const heading = `${graph.name} · ${parametersText(graph.parameters)}${graph.method === null ? "" : ` · ${graph.method}`}`;
  const legend = legendOf(graph);
  const width = Math.ceil(Math.max(layout.width, BOLD_ROOM * textWidth(heading, 16) + 48, 360));
  const { parts: legendParts, height: legendHeight } = drawLegend(legend, width);
  const top = 48;
  const height = Math.ceil(top + layout.height + legendHeight + 16);
  const left = (width - layout.width) / 2;
  const box = (id: string) => layout.boxes.get(id) as Box;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `font-family="Inter, system-ui, sans-serif" role="img" aria-label="${escapeXml(heading)}">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    `<text x="24" y="36" font-size="16" font-weight="600" fill="#111827">${escapeXml(heading)}</text>`,
    `<g transform="translate(${px(left)} ${top})">`,
    ...graph.groups.map((group) => drawGroup(group, box(group.id), graph.groups)),
    ...graph.edges.map(({ from, to }, i) =>
      drawEdge(box(from), box(to), layout.paths[i] as readonly Point[]),
    ),
    ...graph.groups.map((group) => drawGroupTitle(group, box(group.id), graph.groups)),
    ...graph.nodes.map((node) => drawNode(node, texts.get(node.id) as Line[], box(node.id))),
    "</g>",
    `<g transform="translate(0 ${top + Math.ceil(layout.height)})">`,
    ...legendParts,
    "</g>",
    "</svg>\n",
  ].join("\n");
}

interface Line {
  readonly text: string;
  readonly size: number;
  readonly weight: number;
  readonly fill: string;
}

function linesOf(node: GraphNode): Line[] {
  const { label, parameters, support } = node;
  const detail = { size: FONT.detail, weight: 400, fill: "#4b5563" };
  const wrapped = (text: string, maxLines: number, fontSize: number) =>
    wrapText(text, { width: NODE.maxWidth - 2 * NODE.padding - NODE.bar, fontSize, maxLines });
  return [
    ...wrapped(label, 2, FONT.name * BOLD_ROOM).map((text) => ({
      text,
      size: FONT.name,
      weight: 600,
      fill: "#111827",
    })),
    ...wrapped(kindText(node), 2, FONT.detail).map((text) => ({ text, ...detail })),
    ...(parameters > 0 ? [{ text: parametersText(parameters), ...detail, fill: "#6b7280" }] : []),
    ...(support?.supported === false
      ? wrapped(withoutName(support.reason ?? "cannot be passed"), 3, FONT.detail).map((text) => ({
          text,
          ...detail,
          fill: "#b91c1c",
        }))
      : []),
  ];
}

/** The box says itself which layer it is. */
function withoutName(reason: string): string {
  return reason.replace(/^layer ".*?" \(\w+\) /, "");
}

function sizeOf(lines: readonly Line[]): { width: number; height: number } {
  const widest = Math.max(
    ...lines.map(({ text, size, weight }) => textWidth(text, weight > 400 ? size * BOLD_ROOM : size)),
  );
  const width = Math.min(Math.max(widest + 2 * NODE.padding + NODE.bar, NODE.minWidth), NODE.maxWidth);
  return { width: Math.ceil(width), height: lines.length * LINE + 16 };
}

function drawNode(node: GraphNode, lines: readonly Line[], { x, y, width, height }: Box): string {
  const [left, top] = [x - width / 2, y - height / 2];
  const refused = node.support?.supported === false;
  const frame = refused ? "#dc2626" : node.bottleneck ? "#111827" : "#cbd5e1";
  const shape = `x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}" rx="${NODE.radius}"`;
  const { color } = kindOf(node.className);
  const tooltip = [
    node.nid === null ? "input" : `node ${node.nid}`,
    node.path,
    node.className,
    node.bottleneck ? "bottleneck" : null,
    node.output ? "output" : null,
    refused ? node.support?.reason : null,
  ];
  const text = lines.map(
    (line, i) =>
      `<text x="${px(left + NODE.bar + NODE.padding)}" y="${px(top + 21 + i * LINE)}" font-size="${line.size}" ` +
      `font-weight="${line.weight}" fill="${line.fill}">${escapeXml(line.text)}</text>`,
  );
  return [
    `<g class="node" data-id="${node.id}"><title>${escapeXml(tooltip.filter((part) => part != null).join(" · "))}</title>`,
    // Red where it cannot be passed, a bottleneck keeps its dark frame around.
    ...(refused && node.bottleneck
      ? [
          `<rect x="${px(left - 4)}" y="${px(top - 4)}" width="${px(width + 8)}" height="${px(height + 8)}" rx="${NODE.radius + 4}" ` +
            'fill="none" stroke="#111827" stroke-width="2"/>',
        ]
      : []),
    `<rect ${shape} fill="${refused ? "#fef2f2" : "#ffffff"}"/>`,
    `<path d="M${px(left + NODE.radius)} ${px(top)}h${-NODE.radius + NODE.bar}v${px(height)}h${NODE.radius - NODE.bar}` +
      `a${NODE.radius} ${NODE.radius} 0 0 1 ${-NODE.radius} ${-NODE.radius}v${px(-height + 2 * NODE.radius)}` +
      `a${NODE.radius} ${NODE.radius} 0 0 1 ${NODE.radius} ${-NODE.radius}z" fill="${color}"/>`,
    `<rect ${shape} fill="none" stroke="${frame}" stroke-width="${node.bottleneck || refused ? 2 : 1}"${refused ? ' stroke-dasharray="5 3"' : ""}/>`,
    ...text,
    "</g>",
  ].join("");
}

const GROUP_FILLS = ["#f1f5f9", "#e2e8f0"];

function groupFill(depth: number): string {
  return GROUP_FILLS[depth % GROUP_FILLS.length] as string;
}

/** How many boxes deep a group is nested, from 0. */
function depthOf(group: GraphGroup, groups: readonly GraphGroup[]): number {
  const parent = groups.find(({ id }) => id === group.parent);
  return parent === undefined ? 0 : 1 + depthOf(parent, groups);
}

/** How many boxes are nested in a group, one in the other, itself included. */
function levelsOf(group: GraphGroup, groups: readonly GraphGroup[]): number {
  const inside = groups.filter(({ parent }) => parent === group.id);
  return 1 + Math.max(0, ...inside.map((inner) => levelsOf(inner, groups)));
}

/** How far a group's box rises above what dagre reckons with: for its title, above those of the boxes in it. */
function riseOf(group: GraphGroup, groups: readonly GraphGroup[]): number {
  return GROUP_RISE * levelsOf(group, groups);
}

function drawGroup(group: GraphGroup, { x, y, width, height }: Box, groups: readonly GraphGroup[]): string {
  const rise = riseOf(group, groups);
  return (
    `<rect class="group" x="${px(x - width / 2)}" y="${px(y - height / 2 - rise)}" width="${px(width)}" ` +
    `height="${px(height + rise)}" rx="10" fill="${groupFill(depthOf(group, groups))}" stroke="#cbd5e1"/>`
  );
}

/** Drawn above the edges, with a rim of the box's colour that keeps them off the letters. */
function drawGroupTitle(
  group: GraphGroup,
  { x, y, width, height }: Box,
  groups: readonly GraphGroup[],
): string {
  const label = `${group.name.split("/").at(-1)} (${group.className})`;
  const [text] = wrapText(label, {
    width: Math.max(width - 20, 60),
    fontSize: FONT.detail * BOLD_ROOM,
    maxLines: 1,
  });
  return (
    `<text x="${px(x - width / 2 + 10)}" y="${px(y - height / 2 - riseOf(group, groups) + 15)}" font-size="${FONT.detail}" ` +
    `font-weight="600" fill="#475569" stroke="${groupFill(depthOf(group, groups))}" stroke-width="4" ` +
    `stroke-linejoin="round" paint-order="stroke">${escapeXml(text ?? "")}</text>`
  );
}

/**
 * A curve from the bottom of a box to the top of another with an arrow head at its end, upright where it starts, bends and
 * ends. Of the places that dagre gives the outer ones are on the boxes' rims; a single one between has nothing to lead around.
 */
function drawEdge(from: Box, to: Box, points: readonly Point[]): string {
  const start = { x: from.x, y: from.y + from.height / 2 };
  const end = { x: to.x, y: to.y - to.height / 2 - ARROW };
  const between = points.length > 3 ? points.slice(1, -1).filter(({ y }) => y > start.y && y < end.y) : [];
  let last: Point = start;
  const curves = [...between, end].map((point) => {
    const middle = px((last.y + point.y) / 2);
    const curve = `C${px(last.x)} ${middle} ${px(point.x)} ${middle} ${px(point.x)} ${px(point.y)}`;
    last = point;
    return curve;
  });
  return (
    `<path class="edge" d="M${px(start.x)} ${px(start.y)}${curves.join("")}" fill="none" stroke="#94a3b8" stroke-width="1.4"/>` +
    `<path d="M${px(end.x)} ${px(end.y + ARROW)}l-4 ${-ARROW}h8z" fill="#94a3b8"/>`
  );
}

interface LegendItem {
  readonly text: string;
  /** The swatch, drawn in a square of 12 pixels. */
  readonly swatch: string;
}

function legendOf({ nodes, groups, method }: ModelGraph): LegendItem[] {
  const kinds = [
    ...new Map(nodes.map(({ className }) => [kindOf(className).name, kindOf(className)])).values(),
  ];
  const box = (attributes: string) => `<rect x="1" y="1" width="10" height="10" rx="3" ${attributes}/>`;
  return [
    ...kinds.map(({ name, color }) => ({ text: name, swatch: box(`fill="${color}"`) })),
    ...(nodes.some(({ bottleneck }) => bottleneck)
      ? [
          {
            text: "bottleneck: all information passes through it",
            swatch: box('fill="none" stroke="#111827" stroke-width="2"'),
          },
        ]
      : []),
    ...(groups.length > 0 ? [{ text: "nested model", swatch: box('fill="#f1f5f9" stroke="#cbd5e1"') }] : []),
    ...(nodes.some(({ support }) => support?.supported === false)
      ? [
          {
            text: `${method} cannot pass it`,
            swatch: box('fill="#fef2f2" stroke="#dc2626" stroke-width="2" stroke-dasharray="3 2"'),
          },
        ]
      : []),
  ];
}

function drawLegend(items: readonly LegendItem[], width: number): { parts: string[]; height: number } {
  let [x, y] = [24, 20];
  const parts = items.map(({ text, swatch }) => {
    const size = 18 + textWidth(text, FONT.detail);
    if (x > 24 && x + size > width - 24) [x, y] = [24, y + 20];
    const part =
      `<g transform="translate(${px(x)} ${y - 10})">${swatch}` +
      `<text x="18" y="10" font-size="${FONT.detail}" fill="#4b5563">${escapeXml(text)}</text></g>`;
    x += size + 18;
    return part;
  });
  return { parts, height: y + 8 };
}

function px(n: number): string {
  return String(Math.round(n * 10) / 10);
}
