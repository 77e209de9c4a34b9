/**
 * The errors of tracelight. Each has a stable `code`; a class of its own exists only where a caller may want to
 * catch one kind. A message says who refuses, what was expected and what came:
 * `gatherNd: indices[3] = [2, 9] is outside shape [3, 4]`.
 */
export class TracelightError extends Error {
  /** Stable identifier, for programs. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An argument has a value that the function does not take (an option, a name, a size). */
export class ArgumentError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("ARGUMENT", message, options);
  }
}

/** A tensor or array has another shape than the function takes. */
export class ShapeError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("SHAPE", message, options);
  }
}

/** A tensor or array has another dtype than the function takes. */
export class DTypeError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("DTYPE", message, options);
  }
}

/** An index lies outside of what it points into. */
export class IndexError extends TracelightError {
  constructor(
    message: string,
    /** Where in the index array the offender stands. */
    readonly position: number,
    /** The offender: one index, or the row of indices of a gatherNd. */
    readonly value: number | readonly number[],
  ) {
    super("INDEX", message);
  }
}

/** NaN or an infinity where a finite number is needed. */
export class NonFiniteError extends TracelightError {
  constructor(
    message: string,
    /** Flat, row-major position of the first non-finite element. */
    readonly position: number,
    readonly value: number,
    /** How many elements are not finite. */
    readonly count: number,
  ) {
    super("NON_FINITE", message);
  }
}

/** A model's graph does not have what was asked of it. */
export class GraphError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("GRAPH", message, options);
  }
}

/** A layer that the function cannot do. The message names the layer, its class, the method, and what would work. */
export class UnsupportedLayerError extends TracelightError {
  constructor(
    message: string,
    readonly layerName: string,
    readonly className: string,
  ) {
    super("UNSUPPORTED_LAYER", message);
  }
}

/** A model file that is missing, broken or of a format that is not read. */
export class ModelFormatError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("MODEL_FORMAT", message, options);
  }
}

/** An input file (image, array) that is missing, broken or of a format that is not read. */
export class InputFormatError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("INPUT_FORMAT", message, options);
  }
}

/** The WebAssembly kernels could not be loaded or installed here. */
export class KernelLoadError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("KERNEL_LOAD", message, options);
  }
}

/** There is no memory left for what was asked. */
export class OutOfMemoryError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("OUT_OF_MEMORY", message, options);
  }
}

/** Something disposed, or closed, was used again. */
export class DisposedError extends TracelightError {
  constructor(message: string, options?: ErrorOptions) {
    super("DISPOSED", message, options);
  }
}
