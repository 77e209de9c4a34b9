import { ArgumentError, DisposedError, OutOfMemoryError } from "../errors.js";
import { Block } from "./block.js";
import {
  checkShape,
  type DType,
  elementBytes,
  type NdArray,
  readArray,
  show,
  sizeOf,
  type TypedArray,
  typedArray,
} from "./ndarray.js";

/** An array inside the core's memory. Operations read and write it in place. */
export interface CoreArray<D extends DType = DType> extends NdArray<D> {
  /** Gives the memory back. The view `data` must not be used any more. */
  dispose(): void;
}

/** Where a result goes: an array of the result's shape and dtype, in or outside the core's memory. */
export interface IntoOption {
  into?: NdArray;
}

export interface Result<D extends DType> {
  shape: readonly number[];
  dtype: D;
  into?: NdArray | undefined;
}

/** Bytes of the first block, where the caller does not say. */
const FIRST_BLOCK = 2 ** 20;
/** Bytes above which a block is no larger than what is needed at the moment. */
const MOST_AT_ONCE = 2 ** 30;

/**
 * The core's memory: blocks, the arrays that live in them, and the placing of what a kernel reads and writes.
 */
export class Heap {
  readonly #module: WebAssembly.Module;
  #blocks: Block[];
  readonly #arrays = new Set<CoreArray>();
  /** The arrays made in each open scope, innermost last. */
  readonly #scopes: Set<CoreArray>[] = [];

  constructor(module: WebAssembly.Module, bytes = FIRST_BLOCK) {
    this.#module = module;
    this.#blocks = [new Block(module, bytes)];
  }

  /** Allocates an array in the core's memory, filled with zeros. */
  array<D extends DType>(who: string, shape: readonly number[], dtype: D): CoreArray<D> {
    checkShape(who, "shape", shape);
    const size = sizeOf(shape);
    const bytes = size * elementBytes(dtype);
    const { block, address } = this.#allocate(who, bytes);
    const view = typedArray(dtype, size, block.memory.buffer, address);
    view.fill(0);
    let live = true;
    const array: CoreArray<D> = {
      shape: [...shape],
      dtype,
      get data() {
        if (!live) throw new DisposedError(`this array of shape ${show(shape)} is disposed`);
        return view;
      },
      dispose: () => {
        if (!live) return;
        live = false;
        this.#arrays.delete(array);
        for (const scope of this.#scopes) scope.delete(array);
        block.release(address, bytes);
        this.#dropEmptyBlocks();
      },
    };
    this.#arrays.add(array);
    this.#scopes.at(-1)?.add(array);
    return array;
  }

  /** Runs `fn` and disposes the arrays made inside it, but for those it returns, which pass to the enclosing scope. */
  scope<T>(fn: () => T): T {
    const made = new Set<CoreArray>();
    this.#scopes.push(made);
    let result: T | undefined;
    try {
      result = fn();
      if (isThenable(result)) {
        throw new ArgumentError(
          "scope: expected a function that is done when it returns, got one that gives a promise",
        );
      }
      return result;
    } finally {
      this.#scopes.pop();
      const kept = new Set<unknown>(Array.isArray(result) ? result : [result]);
      for (const array of made) {
        if (kept.has(array)) this.#scopes.at(-1)?.add(array);
        else array.dispose();
      }
    }
  }

  usage(): { numArrays: number; numBytes: number; reservedBytes: number } {
    let numBytes = 0;
    for (const array of this.#arrays) numBytes += array.data.byteLength;
    const reservedBytes = this.#blocks.reduce((sum, block) => sum + block.byteLength, 0);
    return { numArrays: this.#arrays.size, numBytes, reservedBytes };
  }

  dispose(): void {
    for (const array of this.#arrays) array.dispose();
    this.#blocks = [];
  }

  /**
   * Runs a kernel that writes an array. `kernel` gets the addresses of the inputs, in their order, of the output, and of
   * scratch of the given sizes, all in one block; what does not live there already is copied in, and the result copied out.
   *
   * @param scratchBytes spans that the kernel needs besides
   */
  run<D extends DType>(
    who: string,
    inputs: readonly NdArray[],
    result: Result<D>,
    kernel: (block: Block, inputs: readonly number[], output: number, scratch: readonly number[]) => void,
    scratchBytes: readonly number[] = [],
  ): NdArray<D> {
    const { shape, dtype } = result;
    checkShape(who, "the result's shape", shape);
    const size = sizeOf(shape);
    const into = result.into === undefined ? null : readInto(who, result.into, result, inputs);
    const views = inputs.map((input) => input.data);
    const operands = [into?.data ?? size * elementBytes(dtype), ...views, ...scratchBytes];
    return this.#withPlaced(who, operands, (block, [output, ...addresses]) => {
      for (const [i, view] of views.entries()) copyIn(block, addresses[i] as number, view);
      kernel(block, addresses, output as number, addresses.slice(views.length));
      const written = typedArray(dtype, size, block.memory.buffer, output);
      if (into === null) return { data: written.slice() as typeof written, shape: [...shape], dtype };
      if (!block.holds(into.data)) into.data.set(written);
      return into;
    });
  }

  /** Runs a kernel that reads one array and returns a number. */
  measure(who: string, input: NdArray, kernel: (block: Block, input: number) => number): number {
    return this.#withPlaced(who, [input.data], (block, addresses) => {
      const address = addresses[0] as number;
      copyIn(block, address, input.data);
      return kernel(block, address);
    });
  }

  /**
   * Finds each operand an address in one block, for the length of `use`: views that live there keep their own, the
   * others and plain numbers of bytes get free spans. Of the blocks that have room the one that holds most of the
   * operands is taken; where none has, a new one is opened.
   */
  #withPlaced<R>(
    who: string,
    operands: readonly (TypedArray | number)[],
    use: (block: Block, addresses: readonly number[]) => R,
  ): R {
    if (this.#blocks.length === 0) throw new DisposedError(`${who}: this core is disposed`);
    const bytesIn = (block: Block) =>
      operands.reduce<number>(
        (sum, o) => sum + (typeof o !== "number" && block.holds(o) ? o.byteLength : 0),
        0,
      );
    const candidates = this.#blocks.toSorted((a, b) => bytesIn(b) - bytesIn(a));
    const needed = operands.reduce<number>((sum, o) => sum + bytesOf(o) + 16, 0);
    for (const block of candidates) {
      const placed = place(block, operands);
      if (placed !== null) return useAndRelease(block, placed, use);
    }
    const block = this.#open(who, needed);
    try {
      const placed = place(block, operands);
      if (placed === null) throw new OutOfMemoryError(`${who}: no memory left for ${needed} bytes`);
      return useAndRelease(block, placed, use);
    } finally {
      this.#dropEmptyBlocks();
    }
  }

  #allocate(who: string, bytes: number): { block: Block; address: number } {
    if (this.#blocks.length === 0) throw new DisposedError(`${who}: this core is disposed`);
    for (const block of this.#blocks) {
      const address = block.allocate(bytes);
      if (address !== null) return { block, address };
    }
    const block = this.#open(who, bytes);
    return { block, address: block.allocate(bytes) as number };
  }

  #open(who: string, bytes: number): Block {
    const largest = Math.max(...this.#blocks.map((b) => b.byteLength));
    let block: Block;
    try {
      block = openBlock(this.#module, bytes, largest);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      throw new OutOfMemoryError(`${who}: ${error.message}`, { cause: error.cause });
    }
    this.#blocks.unshift(block);
    return block;
  }

  /** Keeps the largest block, so that the next call need not open one, and those in use. */
  #dropEmptyBlocks(): void {
    const largest = this.#blocks.reduce<Block | null>(
      (a, b) => (a === null || b.byteLength > a.byteLength ? b : a),
      null,
    );
    this.#blocks = this.#blocks.filter((block) => block === largest || !block.empty);
  }
}

/**
 * Twice the largest block, or twice what is needed, so that what comes next finds room beside it (memory that is never
 * touched costs little); only what is needed where that much is not to be had.
 */
function openBlock(module: WebAssembly.Module, needed: number, largest: number): Block {
  const generous = Math.min(2 * Math.max(largest, needed), MOST_AT_ONCE);
  if (generous > needed) {
    try {
      return new Block(module, generous);
    } catch {
      // The plain need may still fit.
    }
  }
  return new Block(module, needed);
}

interface Placed {
  addresses: number[];
  spans: { address: number; bytes: number }[];
}

function place(block: Block, operands: readonly (TypedArray | number)[]): Placed | null {
  const placed: Placed = { addresses: [], spans: [] };
  for (const operand of operands) {
    if (typeof operand !== "number" && block.holds(operand)) {
      placed.addresses.push(operand.byteOffset);
      continue;
    }
    const bytes = bytesOf(operand);
    const address = block.allocate(bytes);
    if (address === null) {
      for (const span of placed.spans) block.release(span.address, span.bytes);
      return null;
    }
    placed.addresses.push(address);
    placed.spans.push({ address, bytes });
  }
  return placed;
}

function useAndRelease<R>(
  block: Block,
  { addresses, spans }: Placed,
  use: (block: Block, addresses: readonly number[]) => R,
): R {
  try {
    return use(block, addresses);
  } finally {
    for (const span of spans) block.release(span.address, span.bytes);
  }
}

function bytesOf(operand: TypedArray | number): number {
  return typeof operand === "number" ? operand : operand.byteLength;
}

function copyIn(block: Block, address: number, view: TypedArray): void {
  if (block.holds(view)) return;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  new Uint8Array(block.memory.buffer, address, view.byteLength).set(bytes);
}

function readInto<D extends DType>(
  who: string,
  into: NdArray,
  { shape, dtype }: Result<D>,
  inputs: readonly NdArray[],
): NdArray<D> {
  const output = readArray(who, "into", into, [dtype]);
  if (show(output.shape) !== show(shape)) {
    throw new ArgumentError(`${who}: expected into to have shape ${show(shape)}, got ${show(output.shape)}`);
  }
  if (inputs.some((input) => overlap(input.data, output.data))) {
    throw new ArgumentError(`${who}: into shares memory with an input`);
  }
  return into as NdArray<D>;
}

function overlap(a: ArrayBufferView, b: ArrayBufferView): boolean {
  return (
    a.buffer === b.buffer &&
    a.byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < a.byteOffset + a.byteLength
  );
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
