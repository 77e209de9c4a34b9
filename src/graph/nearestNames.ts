import { distance } from "fastest-levenshtein";

/**
 * The names that are most like one that does not exist, for an error's message: `did you mean "conv1" or "conv2"?`, or
 * where none is like it, the first there are.
 */
export function nearestNames(name: string, names: readonly string[]): string {
  const ranked = [...new Set(names)]
    .map((candidate) => {
      const forms = formsOf(candidate).map((form) => ({
        length: form.length,
        d: distance(name.toLowerCase(), form.toLowerCase()),
      }));
      return { candidate, ...forms.reduce((best, form) => (form.d < best.d ? form : best)) };
    })
    .sort((a, b) => a.d - b.d);
  const near = ranked.filter(({ length, d }) => d <= Math.max(2, length / 3)).slice(0, 3);
  const quoted = (list: typeof ranked) => list.map(({ candidate }) => `"${candidate}"`);
  if (near.length > 0) return `did you mean ${quoted(near).join(" or ")}?`;
  const more = names.length > 8 ? ", ..." : "";
  return `there are ${[...new Set(names)]
    .slice(0, 8)
    .map((n) => `"${n}"`)
    .join(", ")}${more}`;
}

/** `"encoder/conv:1"` may also have been meant by `encoder/conv`, `conv:1` and `conv`. */
function formsOf(name: string): string[] {
  return [name, name.split("/").at(-1) as string].flatMap((form) => [form, form.replace(/:\d+$/, "")]);
}
