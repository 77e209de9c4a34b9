import { ModelFormatError, UnsupportedLayerError } from "../errors.js";

/** Puts a function's name before the errors that it throws. */
export async function saying<T>(who: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UnsupportedLayerError) {
      throw new UnsupportedLayerError(`${who}: ${error.message}`, error.layerName, error.className);
    }
    if (error instanceof ModelFormatError) {
      throw new ModelFormatError(`${who}: ${error.message}`, { cause: error.cause ?? error });
    }
    throw error;
  }
}

/** Puts a file's name before the errors of what is made of it. */
export async function named<T>(name: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ModelFormatError)) throw error;
    throw new ModelFormatError(`${name}: ${error.message}`, { cause: error });
  }
}
