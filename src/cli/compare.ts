import { basename, extname } from "node:path";
import type { Command } from "commander";
import { ArgumentError } from "../errors.js";
import { svgToPng, writeFileAtomic } from "../io/node/index.js";
import { type ColorMapName, type RasterImage, type Sample, sheetSvg, stackSvg } from "../report/index.js";
import { type Explained, explainInputs, type Session } from "./explaining.js";
import { addExplainingFlags, type ExplainingFlags, INPUTS, MODEL } from "./flags.js";
import { addMethodOptions } from "./methodOptions.js";
import { relevancePicture, samplePixels } from "./pictures.js";
import { byFamily, type Card, cardsOf, familyOf, notesOf, ORIGINAL, pageOf, sampleName } from "./reports.js";
import type { Terminal } from "./run.js";

interface CompareFlags extends ExplainingFlags {
  out: string;
}

/** `tracelight compare MODEL INPUT...`: one picture or page of inputs under many methods. */
export function addCompare(program: Command, terminal: Terminal): void {
  const command = program
    .command("compare")
    .description("draw inputs under many methods side by side: one PNG, SVG or HTML file")
    .argument("<model>", MODEL)
    .argument("<inputs...>", INPUTS);
  addExplainingFlags(command, "methods, by commas or repeated (default: all that suit the model)");
  command.option("-o, --out <file>", "a .png, .svg or .html file", "comparison.png");
  addMethodOptions(command);
  command.action(async (modelPath: string, inputs: string[], flags: CompareFlags) => {
    await compare(modelPath, inputs, flags, terminal);
    terminal.out(`${flags.out}\n`);
  });
}

async function compare(
  modelPath: string,
  inputs: readonly string[],
  flags: CompareFlags,
  terminal: Terminal,
): Promise<void> {
  const ending = extname(flags.out).toLowerCase();
  if (![".png", ".svg", ".html"].includes(ending))
    throw new ArgumentError(`compare: expected --out to end in .png, .svg or .html, got ${flags.out}`);
  const samples: Explained[][] = [];
  const methods = { ...flags, method: flags.method ?? ["all"] };
  const session = await explainInputs("compare", modelPath, inputs, methods, terminal, (sample) => {
    samples.push(sample);
  });
  const count = new Set(samples.flat().map(({ method }) => method)).size;
  const title = `${basename(modelPath)} under ${count} method${count === 1 ? "" : "s"}`;
  if (ending === ".html") {
    const cards = samples.flatMap((sample): Card[] => cardsOf(sample, session));
    await writeFileAtomic(flags.out, pageOf(title, cards, session, flags.colorMap));
    return;
  }
  const svg = sheetOf(title, samples, session, flags.colorMap);
  await writeFileAtomic(flags.out, ending === ".svg" ? svg : await svgToPng(svg));
}

/** Images side by side, a row a method and a column an input; series and tokens below each other. */
function sheetOf(title: string, samples: Explained[][], session: Session, legend: ColorMapName): string {
  const columns = samples.flatMap((sample) => {
    const [first] = sample as [Explained];
    return first.relevance.map((_, input) => columnOf(sample, session, input));
  });
  const notes = notesOf(session);
  const pages = columns.flatMap(({ label, svgs }) =>
    [...svgs].map(([method, svg]) => svg(columns.length === 1 ? method : `${label}: ${method}`)),
  );
  const images = columns.filter(({ pixels }) => pixels.size > 0);
  if (images.length === 0) {
    if (pages.length === 0)
      throw new ArgumentError(
        "compare: these inputs have no picture; explain writes their relevance as .npy",
      );
    return stackSvg(pages, title, notes);
  }
  const methods = byFamily([...new Set(images.flatMap(({ pixels }) => [...pixels.keys()]))]);
  const blank: RasterImage = { width: 1, height: 1, pixels: new Uint8ClampedArray(4) };
  const sheet = sheetSvg({
    title,
    columns: images.map(({ label }) => label),
    rows: methods.map((method) => ({
      label: method,
      group: familyOf(method),
      cells: images.map(({ pixels }) => ({ image: pixels.get(method) ?? blank })),
    })),
    legend,
    panels: panelsFor(methods.length, images.length),
    notes,
  });
  return pages.length === 0 ? sheet : stackSvg([sheet, ...pages]);
}

/** As many as make the sheet about as wide as high, with a label of one and a half pictures beside each row. */
function panelsFor(rows: number, columns: number): number {
  return Math.max(1, Math.min(rows, Math.round(Math.sqrt(rows / (columns + 1.5)))));
}

/** A sample's pictures by their method: those of pixels, and those to be drawn as SVG under a title. */
interface Column {
  readonly label: string;
  readonly pixels: ReadonlyMap<string, RasterImage>;
  readonly svgs: ReadonlyMap<string, (title: string) => string>;
}

function columnOf(sample: readonly Explained[], session: Session, input: number): Column {
  const [first] = sample as [Explained];
  const x = first.xs[input] as Sample;
  const options = session.pictureOptions(input);
  const pixels = new Map<string, RasterImage>();
  const svgs = new Map<string, (title: string) => string>();
  for (const { method, relevance } of sample) {
    const draw = (title?: string) =>
      relevancePicture(x, relevance[input] as Sample, title === undefined ? options : { ...options, title });
    const picture = draw();
    if (picture?.kind === "pixels") pixels.set(method, picture.image);
    if (picture?.kind === "svg") {
      svgs.set(method, (title) => {
        const titled = draw(title);
        return titled?.kind === "svg" ? titled.svg : "";
      });
    }
  }
  const own = pixels.size === 0 ? null : samplePixels(x, options.range);
  return {
    label: sampleName(first, session, input),
    pixels: own === null ? pixels : new Map([[ORIGINAL, own], ...pixels]),
    svgs,
  };
}
