import * as tf from "@tensorflow/tfjs";
import { show } from "../core/ndarray.js";
import { ArgumentError, DisposedError, DTypeError, ShapeError } from "../errors.js";
import type { TraceTensor } from "../graph/trace.js";
import { assertFinite, toFloatX } from "../ops/index.js";

/** One input of a model, as its trace has it. */
export type InputInfo = Pick<TraceTensor, "shape" | "dtype"> & { readonly name: string };

/**
 * Checks what a user gives for a model's inputs, and casts it to float32. Runs in a tidy.
 *
 * @throws ArgumentError, DisposedError, DTypeError, ShapeError, NonFiniteError
 */
export function readInputs(
  who: string,
  x: tf.Tensor | tf.Tensor[],
  inputs: readonly InputInfo[],
): tf.Tensor[] {
  const xs = Array.isArray(x) ? x : [x];
  if (xs.length !== inputs.length) {
    const names = inputs.map((input) => input.name).join(", ");
    throw new ArgumentError(`${who}: expected ${inputs.length} inputs (${names}), got ${xs.length}`);
  }
  const read = xs.map((tensor, i) =>
    readInput(who, inputs.length === 1 ? "x" : `x[${i}]`, tensor, inputs[i] as InputInfo),
  );
  const batches = read.map((tensor) => tensor.shape[0] as number);
  if (batches.some((n) => n !== batches[0])) {
    throw new ShapeError(
      `${who}: expected all inputs to have the same number of samples, got ${show(batches)}`,
    );
  }
  return read;
}

function readInput(who: string, what: string, x: tf.Tensor, { shape, dtype }: InputInfo): tf.Tensor {
  if (!(x instanceof tf.Tensor))
    throw new ArgumentError(`${who}: expected ${what} to be a tf.Tensor, got ${describe(x)}`);
  if (x.isDisposed) throw new DisposedError(`${who}: ${what} is a disposed tensor`);
  if (x.dtype === "string" || x.dtype === "complex64") {
    throw new DTypeError(`${who}: expected ${what} to be ${dtype}, got ${x.dtype}`);
  }
  if (x.rank !== shape.length || shape.some((n, i) => n !== null && n !== x.shape[i])) {
    const column = x.rank === 1 && shape.length === 2 && shape[1] === 1;
    const hint = column
      ? ": samples of one number are a column, x.expandDims(1)"
      : x.rank === shape.length - 1
        ? ": one sample needs a batch dimension, x.expandDims(0)"
        : "";
    throw new ShapeError(
      `${who}: expected ${what} of shape ${showShape(shape)}, got ${show(x.shape)}${hint}`,
    );
  }
  if (x.shape[0] === 0)
    throw new ShapeError(`${who}: expected at least one sample in ${what}, got shape ${show(x.shape)}`);
  return toFloatX(assertFinite(x, `${who}: ${what}`));
}

function showShape(shape: readonly (number | null)[]): string {
  return show(shape.map((n) => n ?? "any"));
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? value.constructor.name : String(value);
}
