/** How large what an operation makes may get, known before it is run: what a file asks for is not to be trusted. */
import { ArgumentError } from "../../errors.js";
import type { Arguments } from "./rule.js";

/** The most elements of a tensor on which an operation is tried for the shape of its output: half a gigabyte. */
const MOST_ELEMENTS = 2 ** 27;

type Shape = readonly number[];

const product = (sizes: readonly number[]): number => sizes.reduce((all, n) => all * n, 1);

/** The numbers in an argument, in lists of any depth. */
function numbersIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(numbersIn);
  return typeof value === "number" ? [Math.max(1, Math.abs(value))] : [];
}

/** What an argument makes of the elements of the input, by its name. */
const GROWTH: Readonly<Record<string, (value: unknown, input: Shape) => number>> = {
  ...Object.fromEntries(
    ["repeats", "multiples", "num_classes", "num_tokens", "depth"].map((name) => [
      name,
      (value: unknown, input: Shape) => product(input) * product(numbersIn(value)),
    ]),
  ),
  shape: (value) => product(numbersIn(value)),
  ...Object.fromEntries(
    ["pad_width", "paddings"].map((name) => [
      name,
      (value: unknown, input: Shape) => {
        const [each = 0] = numbersIn(value);
        const sides = input.map((_, axis) =>
          Array.isArray(value) ? numbersIn(value[axis] ?? value).reduce((sum, n) => sum + n, 0) : 2 * each,
        );
        return product(input.map((n, axis) => n + (sides[axis] as number)));
      },
    ]),
  ),
  // Images, with their channels at either end.
  size: (value, [batch = 1, ...sizes]) =>
    product(numbersIn(value)) * batch * Math.max(sizes[0] ?? 1, sizes.at(-1) ?? 1),
};

/**
 * Refuses to try an operation on tensors that are too large to be tried, or that it makes so.
 *
 * @throws ArgumentError
 */
export function checkGrowth(inputs: readonly Shape[], args: Arguments): void {
  const rank = Math.max(0, ...inputs.map(({ length }) => length));
  // Of operands that are broadcast to each other.
  const together = Array.from({ length: rank }, (_, i) =>
    Math.max(1, ...inputs.map((shape) => shape.at(-1 - i) ?? 1)),
  );
  check(product(together));
  const [first = []] = inputs;
  for (const [name, value] of Object.entries(args)) {
    if (Object.hasOwn(GROWTH, name)) check((GROWTH[name] as (typeof GROWTH)[string])(value, first));
  }
}

function check(elements: number): void {
  if (elements <= MOST_ELEMENTS) return;
  throw new ArgumentError(`it makes a tensor of ${elements} elements, at most ${MOST_ELEMENTS} are tried`);
}
