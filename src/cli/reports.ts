import { listAnalyzers } from "../analyzers/index.js";
import { type ColorMapName, htmlReport, type ReportRow, type Sample } from "../report/index.js";
import type { Explained, Session } from "./explaining.js";
import { baseMethod } from "./methodOptions.js";
import { relevancePicture, samplePixels } from "./pictures.js";
import { refusalLines } from "./refusals.js";

/** A sample's name: its file, the sample's number where there are several, and the input where the model has several. */
export function sampleName(one: Explained, session: Session, input: number): string {
  const name = one.samples > 1 ? `${one.files.stem} [${one.sample}]` : one.files.stem;
  return session.inputs.length > 1 ? `${name}, ${session.inputs[input]?.name}` : name;
}

/** The column, or row, of what is explained; no method has this name. */
export const ORIGINAL = "what is explained";

/** Methods by their families, in the order of the list of methods; what is explained comes first. */
export function byFamily(names: readonly string[]): string[] {
  const families = ["", ...Object.values(FAMILIES)];
  const place = (name: string) => families.indexOf(name === ORIGINAL ? "" : familyOf(name));
  return [...names].sort((a, b) => place(a) - place(b));
}

/** Cells by their column's name; the rows of a page need not have the same. */
export interface Card {
  readonly label: string;
  readonly cells: ReadonlyMap<string, ReportRow["cells"][number]>;
}

/** What a page shows of one sample: the input and a picture a method; a card for each input of the model. */
export function cardsOf(sample: readonly Explained[], session: Session): Card[] {
  const [first] = sample as [Explained];
  return first.relevance.map((_, input) => {
    const options = session.pictureOptions(input);
    const x = first.xs[input] as Sample;
    const pixels = options.kind === "image" ? samplePixels(x, options.range) : null;
    const cells = sample.map((one): [string, ReportRow["cells"][number]] => {
      const picture = relevancePicture(x, one.relevance[input] as Sample, options);
      const { method, neuron, probability, delta, milliseconds: ms } = one;
      const className = neuron === null ? "all" : String(neuron);
      return [
        method,
        {
          image: picture === null ? null : picture.kind === "svg" ? { svg: picture.svg } : picture.image,
          details: { method, className, probability, delta, ms },
        },
      ];
    });
    return {
      label: sampleName(first, session, input),
      cells: new Map([...(pixels === null ? [] : [[ORIGINAL, { image: pixels }] as const]), ...cells]),
    };
  });
}

/** One page of all cards, its pictures grouped by the families of the methods. */
export function pageOf(
  title: string,
  cards: readonly Card[],
  session: Session,
  legend: ColorMapName,
): string {
  const columns = byFamily([...new Set(cards.flatMap(({ cells }) => [...cells.keys()]))]);
  const groups = columns.map(familyOf);
  return htmlReport({
    title,
    columns,
    // One heading above all would say nothing.
    ...(new Set(groups).size > 2 && { groups }),
    rows: cards.map(({ label, cells }) => ({
      label,
      cells: columns.map((name) => cells.get(name) ?? { image: null }),
    })),
    legend,
    notes: notesOf(session),
  });
}

/** What a method's family is called in headings; what is explained has none. */
export function familyOf(method: string): string {
  const base = baseMethod(method)?.name;
  const family = listAnalyzers().find(({ name }) => name === base)?.family;
  return family === undefined ? "" : FAMILIES[family];
}

const FAMILIES = {
  function: "Gradients",
  signal: "Signals",
  relevance: "Relevance propagation",
  map: "Maps of activations",
} as const;

/** The methods that were left out, as lines of text. */
export function notesOf({ refusals }: Session): string[] {
  return refusalLines(refusals).map((line) => `Left out: ${line}`);
}
