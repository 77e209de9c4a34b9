import { OutOfMemoryError } from "../errors.js";
import type { KernelExports } from "./exports.js";

const PAGE = 65536;
/** All pages that a 32-bit memory can have. */
const MAX_PAGES = 65536;
/** Bytes. Vectors load fastest from addresses that are a multiple of their size. */
const ALIGNMENT = 16;

interface Span {
  start: number;
  size: number;
}

/**
 * One WebAssembly memory with the kernels instantiated on it, and the spans of it that are free.
 *
 * A block never grows, because growing a memory detaches every view that somebody holds on it. When a block is full,
 * the core opens a larger one beside it.
 */
export class Block {
  readonly memory: WebAssembly.Memory;
  readonly kernels: KernelExports;
  /** Free spans by address; neighbours are always merged. The first bytes stay unused, so that 0 is never an address. */
  readonly #free: Span[];
  readonly #capacity: number;

  constructor(module: WebAssembly.Module, bytes: number) {
    const pages = Math.ceil((aligned(bytes) + ALIGNMENT) / PAGE);
    if (pages > MAX_PAGES) {
      throw new OutOfMemoryError(
        `needs ${bytes} bytes at once, a WebAssembly memory has at most ${MAX_PAGES * PAGE}`,
      );
    }
    try {
      this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    } catch (cause) {
      throw new OutOfMemoryError(`no memory left for ${bytes} bytes (${String(cause)})`, { cause });
    }
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.kernels = instance.exports as unknown as KernelExports;
    this.#capacity = pages * PAGE - ALIGNMENT;
    this.#free = [{ start: ALIGNMENT, size: this.#capacity }];
  }

  /** Bytes of the whole memory. */
  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  /** True when nothing is allocated. */
  get empty(): boolean {
    return this.#free[0]?.size === this.#capacity;
  }

  /** Whether `view` lies in this memory. */
  holds(view: ArrayBufferView): boolean {
    return view.buffer === this.memory.buffer;
  }

  /** The address of a free span of at least `bytes`, now taken, or null where there is none. First fit. */
  allocate(bytes: number): number | null {
    const size = aligned(bytes);
    const at = this.#free.findIndex((span) => span.size >= size);
    const span = this.#free[at];
    if (span === undefined) return null;
    const start = span.start;
    span.start += size;
    span.size -= size;
    if (span.size === 0) this.#free.splice(at, 1);
    return start;
  }

  /** Gives back what `allocate(bytes)` returned. */
  release(start: number, bytes: number): void {
    const size = aligned(bytes);
    let at = this.#free.findIndex((span) => span.start > start);
    if (at === -1) at = this.#free.length;
    this.#free.splice(at, 0, { start, size });
    this.#mergeWithNext(at);
    if (at > 0) this.#mergeWithNext(at - 1);
  }

  #mergeWithNext(at: number): void {
    const span = this.#free[at];
    const next = this.#free[at + 1];
    if (span && next && span.start + span.size === next.start) {
      span.size += next.size;
      this.#free.splice(at + 1, 1);
    }
  }
}

/** The size that a span of `bytes` takes. An empty array takes one too, so that every array has an address of its own. */
function aligned(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
}
