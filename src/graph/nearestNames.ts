import { distance } from "fastest-levenshtein";

/**
 * The names that are most like one that does not exist, for an error's message: `did you mean "conv1" or "conv2"?`, or
 * where none is like it, the first there are.
 */
export function nearestNames(name: string, names: readonly string[]): string {
  const ranked = [...new Set(names)]
    .map((candidate) => ({ candidate, d: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.d - b.d);
  const near = ranked.filter(({ candidate, d }) => d <= Math.max(2, candidate.length / 3)).slice(0, 3);
  const quoted = (list: typeof ranked) => list.map(({ candidate }) => `"${candidate}"`);
  if (near.length > 0) return `did you mean ${quoted(near).join(" or ")}?`;
  const more = names.length > 8 ? ", ..." : "";
  return `there are ${[...new Set(names)]
    .slice(0, 8)
    .map((n) => `"${n}"`)
    .join(", ")}${more}`;
}
