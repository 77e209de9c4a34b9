import { type CallSpec, type LayerSpec, type ModelSpec, refsOf } from "./modelSpec.js";

/** A call of a layer, the layer's first being 0. */
export interface PlacedCall {
  readonly layer: LayerSpec;
  readonly call: CallSpec;
  readonly index: number;
}

/**
 * The calls that the model's outputs need, each after those whose tensors it takes, else in the order of the file. A layer
 * that nothing needs is not made: it would be in no model, and its weights never freed.
 *
 * @param wrong makes the error of a call that can never be made
 */
export function callsInOrder(
  spec: ModelSpec,
  specs: ReadonlyMap<string, LayerSpec>,
  wrong: (what: string) => Error,
): PlacedCall[] {
  const places = new Map<string, number>();
  const calls = spec.layers
    .filter(({ kind }) => kind !== "input")
    .flatMap((layer) => layer.calls.map((call, index) => ({ layer, call, index })));
  for (const [place, { layer, index }] of calls.entries()) places.set(`${index} ${layer.name}`, place);
  // How often the file has to be gone through, in its order, until a call has all that it takes.
  const rounds = new Map<number, number>();
  const open = new Set<number>();
  const left = spec.outputs.map((ref) => places.get(`${ref.call} ${ref.layer}`));
  while (left.length > 0) {
    const place = left.at(-1);
    if (place === undefined || rounds.has(place)) {
      left.pop();
      continue;
    }
    const { layer, call } = calls[place] as PlacedCall;
    const refs = refsOf(call).filter((ref) => specs.get(ref.layer)?.kind !== "input");
    if (refsOf(call).length === 0) throw wrong(`the layer ${layer.name} takes no tensor`);
    const before = refs.map((ref) => places.get(`${ref.call} ${ref.layer}`));
    const missing = refs.find((_, i) => before[i] === undefined);
    if (missing !== undefined)
      throw wrong(`the layer ${layer.name} takes call ${missing.call} of ${missing.layer}, there is none`);
    const waits = (before as number[]).filter((other) => !rounds.has(other));
    if (waits.length === 0) {
      const round = (other: number) => (rounds.get(other) as number) + (other < place ? 0 : 1);
      rounds.set(
        place,
        (before as number[]).reduce((most, other) => Math.max(most, round(other)), 0),
      );
      continue;
    }
    open.add(place);
    const circle = waits.find((other) => open.has(other));
    if (circle !== undefined) {
      const name = (calls[circle] as PlacedCall).layer.name;
      throw wrong(`the layer ${layer.name} waits for ${name}, which waits for it`);
    }
    left.push(...waits);
  }
  return [...rounds]
    .sort(([a, roundA], [b, roundB]) => roundA - roundB || a - b)
    .map(([place]) => calls[place] as PlacedCall);
}
