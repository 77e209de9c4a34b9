import { ArgumentError, DTypeError, ShapeError } from "../errors.js";

/** float32 and int32 take four bytes an element; bool takes one, 0 or 1. */
export type DType = "float32" | "int32" | "bool";

export interface TypedArrayOf {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}
export type TypedArray = TypedArrayOf[DType];

/** An array of numbers: row-major data, shape and dtype. */
export interface NdArray<D extends DType = DType> {
  readonly data: TypedArrayOf[D];
  readonly shape: readonly number[];
  readonly dtype: D;
}

/**
 * What operations take for an array: an NdArray; one without dtype (read off the kind of `data`) or without shape (one
 * dimension); or a bare typed array (one dimension).
 */
export type ArrayInput =
  | TypedArray
  | { readonly data: TypedArray; readonly shape?: readonly number[]; readonly dtype?: DType };

/** The most elements an array may have: kernels count in signed 32-bit numbers. */
const MAX_SIZE = 2 ** 31 - 1;

export function elementBytes(dtype: DType): number {
  return dtype === "bool" ? 1 : 4;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** A typed array of `size` elements on `buffer`, or on memory of its own. */
export function typedArray<D extends DType>(
  dtype: D,
  size: number,
  buffer: ArrayBuffer = new ArrayBuffer(size * elementBytes(dtype)),
  byteOffset = 0,
): TypedArrayOf[D] {
  return new constructors[dtype](buffer, byteOffset, size) as TypedArrayOf[D];
}

const constructors = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Throws a ShapeError unless `shape` is a list of whole numbers from 0 whose product an array can have. */
export function checkShape(who: string, what: string, shape: readonly number[]): void {
  if (!Array.isArray(shape) || shape.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new ShapeError(`${who}: expected ${what} to be a list of whole numbers from 0, got ${show(shape)}`);
  }
  if (sizeOf(shape) > MAX_SIZE) {
    throw new ShapeError(`${who}: ${what} ${show(shape)} has more than ${MAX_SIZE} elements`);
  }
}

/**
 * Reads an argument as an NdArray without copying.
 *
 * @param who the operation, for messages
 * @param what the argument's name, for messages
 * @param dtypes the dtypes that the operation takes
 */
export function readArray<D extends DType>(
  who: string,
  what: string,
  input: ArrayInput,
  dtypes: readonly D[],
): NdArray<D> {
  const data = ArrayBuffer.isView(input) ? input : input?.data;
  const kind = dtypeOf(data);
  if (kind === null) {
    throw new ArgumentError(
      `${who}: expected ${what} to be a Float32Array, Int32Array or Uint8Array, or an object with such data, ` +
        `got ${data === undefined ? describe(input) : describe(data)}`,
    );
  }
  const given: { shape?: readonly number[]; dtype?: DType } = ArrayBuffer.isView(input) ? {} : input;
  const dtype = given.dtype ?? kind;
  if (dtype !== kind) {
    throw new DTypeError(`${who}: ${what} says dtype ${dtype} but its data is ${describe(data)}`);
  }
  if (!(dtypes as readonly DType[]).includes(dtype)) {
    throw new DTypeError(`${who}: expected ${what} to be ${dtypes.join(" or ")}, got ${dtype}`);
  }
  const shape = given.shape ?? [data.length];
  checkShape(who, `the shape of ${what}`, shape);
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError(
      `${who}: ${what} has shape ${show(shape)}, which is ${sizeOf(shape)} elements, but ${data.length} values`,
    );
  }
  return { data: data as TypedArrayOf[D], shape, dtype: dtype as D };
}

function dtypeOf(data: unknown): DType | null {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint8Array) return "bool";
  return null;
}

function describe(value: unknown): string {
  return value === null || typeof value !== "object" ? String(value) : value.constructor.name;
}

/** A shape or list as a message shows it: `[2, 3]`. */
export function show(list: unknown): string {
  return Array.isArray(list) ? `[${list.map(show).join(", ")}]` : String(list);
}

/** The coordinates of a flat, row-major position. */
export function coordinates(position: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
    const size = shape[axis] as number;
    at.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return at;
}
