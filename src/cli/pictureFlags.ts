import { ArgumentError } from "../errors.js";
import type { ExplainingFlags } from "./flags.js";
import { canBeDrawnAs, type InputKind } from "./inputKind.js";
import type { ModelInput } from "./inputs.js";
import { methodsHave } from "./methodOptions.js";
import type { PictureOptions } from "./pictures.js";

/** Refuses what would change no picture. */
export function checkPictureFlags(
  who: string,
  { drawAs, overlay, vocabulary }: ExplainingFlags,
  inputs: readonly ModelInput[],
  kinds: readonly InputKind[],
): void {
  const drawn = kinds.map((kind) => drawAs ?? kind);
  const wrong = inputs.find(({ shape }, i) => !canBeDrawnAs(drawn[i] as InputKind, shape));
  const shapes = inputs.map(({ shape }) => `[${shape.map((n) => n ?? "any").join(", ")}]`).join(", ");
  if (wrong !== undefined)
    throw new ArgumentError(
      `${who}: --draw-as ${drawAs}: there is no such picture of inputs of shape ${shapes}`,
    );
  if (vocabulary !== undefined && !drawn.includes("tokens"))
    throw new ArgumentError(
      `${who}: --vocabulary is for models that look up token ids, and this one takes ${shapes}; --draw-as tokens draws them so`,
    );
  const overlays = inputs.some(
    ({ shape }, i) => drawn[i] === "image" && (shape.length < 3 || shape[2] === 1 || shape[2] === 3),
  );
  if (overlay !== undefined && !overlays)
    throw new ArgumentError(
      `${who}: --overlay is for images of one or three channels, and this model takes ${shapes}`,
    );
}

/** How an input of a kind is drawn, as the flags say. */
export function pictureOptions(
  { colorMap, percentile, pictureGamma, gamma, overlay, drawAs }: ExplainingFlags,
  kind: InputKind,
  range: readonly [number, number],
  words: PictureOptions["words"],
  methods: readonly string[],
): PictureOptions {
  const contrast =
    pictureGamma ?? (methodsHave(methods, "gamma") ? undefined : (gamma as number | undefined));
  return {
    kind: drawAs ?? kind,
    colorMap,
    range,
    words,
    ...(percentile !== undefined && { percentile }),
    ...(contrast !== undefined && { gamma: contrast }),
    ...(overlay !== undefined && { overlay: overlay === true ? 0.5 : overlay }),
  };
}
