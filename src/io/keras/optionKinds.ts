/**
 * What the options of Keras's layers are, whatever the layer. TensorFlow.js checks few of them, and takes the others as they
 * come: a stride of 0, a size that is a string.
 */
import { type Json, shown } from "./checks.js";

/** An option of a layer that is missing, or of another kind than it must be. Whoever builds the layer says which layer. */
export class WrongOption extends Error {}

interface Kind {
  readonly expected: string;
  is(value: Json): boolean;
}

const isCount = (value: Json): boolean => Number.isSafeInteger(value) && (value as number) > 0;
const listOf = (is: (value: Json) => boolean, value: Json): boolean =>
  Array.isArray(value) && value.every(is);

const isInteger = (value: Json): boolean => Number.isSafeInteger(value);
/** One, or a list of them, or a list of lists. */
const areIntegers = (value: Json): boolean =>
  isInteger(value) || listOf((side) => isInteger(side) || listOf(isInteger, side), value);

const count: Kind = { expected: "a whole number above 0", is: isCount };
const counts: Kind = {
  expected: "whole numbers above 0",
  is: (value) => isCount(value) || (listOf(isCount, value) && (value as Json[]).length > 0),
};
const integer: Kind = { expected: "a whole number", is: isInteger };
const integers: Kind = {
  expected: "whole numbers",
  is: (value) => isInteger(value) || listOf(isInteger, value),
};
const flag: Kind = { expected: "true or false", is: (value) => typeof value === "boolean" };
const number: Kind = {
  expected: "a number",
  // What JSON has no number for is read as text.
  is: (value) => typeof value === "number" || /^(-?inf|nan)$/.test(String(value)),
};
const oneOf = (...words: string[]): Kind => ({
  expected: words.join(" or "),
  is: (value) => words.includes(value as string),
});

const kinds = (names: string, kind: Kind): [string, Kind][] => names.split(" ").map((name) => [name, kind]);

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ...kinds(
    "units filters n height width input_dim output_dim num_heads key_dim value_dim head_dim num_query_heads " +
      "num_key_value_heads depth_multiplier num_tokens projection_dim",
    count,
  ),
  ...kinds("kernel_size strides pool_size dilation_rate size", counts),
  ...kinds("groups", integer),
  ...kinds("axis axes dims shared_axes attention_axes target_shape", integers),
  ...kinds(
    "use_bias return_sequences return_state go_backwards stateful reset_after unit_forget_bias zero_output_for_mask " +
      "center rms_scaling mask_zero keepdims antialias crop_to_aspect_ratio pad_to_aspect_ratio use_gate invert normalize",
    flag,
  ),
  ...kinds(
    "rate stddev epsilon alpha theta mask_value max_value negative_slope threshold dropout recurrent_dropout fill_value",
    number,
  ),
  ...kinds("padding cropping", {
    expected: "valid, same, causal or whole numbers",
    is: (value) => ["valid", "same", "causal"].includes(value as string) || areIntegers(value),
  }),
  ...kinds("merge_mode", oneOf("concat", "sum", "mul", "ave")),
  ...kinds("output_shape", {
    expected: "whole numbers",
    is: (value) => isInteger(value) || listOf((n) => n === null || isInteger(n), value),
  }),
  ...kinds("equation", { expected: "text", is: (value) => typeof value === "string" }),
  ...kinds("data_format", oneOf("channels_last", "channels_first")),
]);

/** What a layer cannot be made without, and Keras always writes. */
const REQUIRED = new Set(
  "units filters n kernel_size input_dim output_dim num_heads key_dim dims target_shape".split(" "),
);

/** @throws WrongOption for a value that the option cannot have; null is at rest */
export function checkOption(key: string, value: Json | undefined): void {
  const kind = KINDS.get(key);
  if (kind === undefined) return;
  const right = value === undefined || value === null ? !REQUIRED.has(key) : kind.is(value);
  if (!right) throw new WrongOption(`expected ${key} to be ${kind.expected}, got ${shown(value)}`);
}
