import { ArgumentError, ModelFormatError, UnsupportedLayerError } from "../errors.js";
import { messageOf } from "../text.js";

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
    if (error instanceof ArgumentError) throw new ArgumentError(`${who}: ${error.message}`, { cause: error });
    throw error;
  }
}

/**
 * What an error says that comes from below, on one line. Of those that JavaScript itself throws nobody learns more than that
 * something was not as expected.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof RangeError && /call stack/.test(error.message))
    return "it has more in a row, or inside each other, than can be followed";
  if (error instanceof TypeError || error instanceof RangeError)
    return "something in its configuration is missing, or of another kind than expected";
  const message = messageOf(error);
  return (message.split("\n")[0] as string).replace(/\.? Input received:.*$/, "");
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
