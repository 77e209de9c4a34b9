import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { ArgumentError } from "../../errors.js";
import { messageOf } from "../../text.js";

export interface SvgToPngOptions {
  /** Pixels of the PNG for one of the SVG. Default 2, for screens of high density. */
  scale?: number;
}

/**
 * Renders an SVG, such as one of `sheetSvg`, as a PNG file. Text is set in Inter, whatever the machine's fonts are; it has
 * Latin, Greek, Cyrillic and Vietnamese letters.
 *
 * @throws ArgumentError for what is not SVG, or a scale that is not positive
 * @example await writeFileAtomic("sheet.png", await svgToPng(sheetSvg(sheet)))
 */
export async function svgToPng(svg: string, { scale = 2 }: SvgToPngOptions = {}): Promise<Uint8Array> {
  if (!(Number.isFinite(scale) && scale > 0)) {
    throw new ArgumentError(`svgToPng: expected scale to be a number above 0, got ${scale}`);
  }
  const fontBuffers = await prepare();
  let resvg: InstanceType<typeof Resvg>;
  try {
    resvg = new Resvg(svg, {
      font: { fontBuffers, defaultFontFamily: "Inter" },
      fitTo: { mode: "zoom", value: scale },
    });
  } catch (error) {
    const reason = messageOf(error);
    throw new ArgumentError(`svgToPng: the SVG cannot be read: ${reason}`, { cause: error });
  }
  try {
    const image = resvg.render();
    const png = image.asPng();
    image.free();
    return png;
  } finally {
    resvg.free();
  }
}

const resolve = createRequire(import.meta.url).resolve;

/** What all calls share: resvg can be started once a process only. A start that failed is tried again. */
let prepared: Promise<Uint8Array[]> | undefined;

function prepare(): Promise<Uint8Array[]> {
  prepared ??= start().catch((error: unknown) => {
    prepared = undefined;
    throw error;
  });
  return prepared;
}

async function start(): Promise<Uint8Array[]> {
  const fonts = ["latin", "latin-ext", "greek", "cyrillic", "vietnamese"].flatMap((subset) =>
    [400, 600].map((weight) =>
      readFile(resolve(`@fontsource/inter/files/inter-${subset}-${weight}-normal.woff2`)),
    ),
  );
  const fontBuffers = (await Promise.all(fonts)).map((font) => Uint8Array.from(font));
  try {
    await initWasm(await readFile(resolve("@resvg/resvg-wasm/index_bg.wasm")));
  } catch (error) {
    // The program uses resvg itself, and was first.
    if (!(error instanceof Error && error.message.includes("Already initialized"))) throw error;
  }
  return fontBuffers;
}
