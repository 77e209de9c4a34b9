import { coordinates, sizeOf } from "../core/ndarray.js";
import { NonFiniteError, ShapeError } from "../errors.js";

/** One sample, input or relevance: row-major values with a shape `[h, w, c]` or `[h, w]`, no batch dimension. */
export interface Sample {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Height, width and channels of a sample. */
export interface SampleSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * The size of a sample that a picture can be made of.
 *
 * @param what what the sample is, for messages
 * @throws ShapeError if it is not [h, w, c] or [h, w], is empty or has another number of values; NonFiniteError
 */
export function checkSample(who: string, what: string, { data, shape }: Sample): SampleSize {
  const [height = 0, width = 0, channels = 1] = shape;
  const isImage = shape.length === 2 || shape.length === 3;
  if (!isImage || shape.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new ShapeError(
      `${who}: expected the ${what} of one sample, of shape [h, w, c] or [h, w], got shape [${shape.join(", ")}]`,
    );
  }
  checkValues(who, what, { data, shape });
  return { height, width, channels };
}

/** Throws a ShapeError unless there are as many values as the shape says, and a NonFiniteError unless all are finite. */
export function checkValues(who: string, what: string, { data, shape }: Sample): void {
  const size = sizeOf(shape);
  if (data.length !== size)
    throw new ShapeError(
      `${who}: ${what} of shape [${shape.join(", ")}] takes ${size} values, got ${data.length}`,
    );
  const position = data.findIndex((v) => !Number.isFinite(v));
  if (position === -1) return;
  const value = data[position] as number;
  const count = data.reduce((n, v) => n + (Number.isFinite(v) ? 0 : 1), 0);
  throw new NonFiniteError(
    `${who}: expected finite ${what}, got ${count} of ${data.length} values that are not; ` +
      `the first is ${value} at [${coordinates(position, shape).join(", ")}]`,
    position,
    value,
    count,
  );
}
