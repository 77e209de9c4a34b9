import { layout as dagre, Graph } from "@dagrejs/dagre";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle around its centre. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface LayoutInput {
  readonly nodes: readonly {
    readonly id: string;
    readonly width: number;
    readonly height: number;
    readonly parent: string | null;
  }[];
  readonly groups: readonly { readonly id: string; readonly parent: string | null }[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Box>;
  /** Where each edge runs, as the edges came. */
  readonly paths: readonly (readonly Point[])[];
}

/** The little of dagre that is used: its own types do not resolve in ESM. */
interface DagreGraph {
  setGraph(label: object): void;
  setDefaultEdgeLabel(make: () => object): void;
  setNode(id: string, label: object): void;
  setParent(id: string, parent: string): void;
  setEdge(from: string, to: string): void;
  graph(): { width?: number; height?: number };
  node(id: string): Box;
  edge(from: string, to: string): { points: Point[] };
}

/** Lays a graph out from top to bottom, groups as boxes around their nodes. Layered drawing after Sugiyama, by dagre. */
export function layOut({ nodes, groups, edges }: LayoutInput): Layout {
  const graph = new (Graph as unknown as new (options: object) => DagreGraph)({ compound: true });
  graph.setGraph({
    rankdir: "TB",
    nodesep: 28,
    // Each box adds ranks of its own around what is in it, and needs room for the titles of those in it.
    ranksep: groups.length > 0 ? 20 + 12 * Math.max(...groups.map((group) => levelOf(group, groups))) : 40,
    edgesep: 16,
    marginx: 24,
    marginy: 24,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of groups) graph.setNode(id, {});
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  for (const { id, parent } of [...groups, ...nodes]) if (parent !== null) graph.setParent(id, parent);
  for (const { from, to } of edges) graph.setEdge(from, to);
  (dagre as (graph: DagreGraph) => void)(graph);
  const { width = 0, height = 0 } = graph.graph();
  const mirrored = runsBackwards(nodes.map(({ id }) => graph.node(id)));
  const placed = <P extends Point>(point: P): P => (mirrored ? { ...point, x: width - point.x } : point);
  return {
    width,
    height,
    boxes: new Map([...groups, ...nodes].map(({ id }) => [id, placed(graph.node(id))])),
    paths: edges.map(({ from, to }) => graph.edge(from, to).points.map(placed)),
  };
}

/** Whether of the boxes in a row the later ones mostly stand left of the earlier ones: dagre may begin at the right. */
function runsBackwards(boxes: readonly Box[]): boolean {
  const last = new Map<number, number>();
  let forwards = 0;
  for (const { x, y } of boxes) {
    forwards += Math.sign(x - (last.get(y) ?? x));
    last.set(y, x);
  }
  return forwards < 0;
}

/** How deep a group lies, from 1. */
function levelOf({ parent }: LayoutInput["groups"][number], groups: LayoutInput["groups"]): number {
  const outer = groups.find(({ id }) => id === parent);
  return outer === undefined ? 1 : 1 + levelOf(outer, groups);
}
