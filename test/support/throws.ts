import * as assert from "uvu/assert";

/** Asserts that a promise is rejected by an error of the class, with the message: equal to a string, or matching. */
export async function rejects(
  promise: Promise<unknown>,
  kind: new (...args: never[]) => Error,
  message: string | RegExp,
): Promise<void> {
  let error: unknown;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  checkError(error, kind, message);
}

/** The same for a function that throws. Returns the error. */
export function throws<E extends Error>(
  run: () => unknown,
  kind: new (...args: never[]) => E,
  message: string | RegExp,
): E {
  let error: unknown;
  try {
    run();
  } catch (caught) {
    error = caught;
  }
  checkError(error, kind, message);
  return error as E;
}

function checkError(error: unknown, kind: new (...args: never[]) => Error, message: string | RegExp): void {
  assert.instance(error, kind, `expected ${kind.name}, got ${String(error)}`);
  if (typeof message === "string") assert.is((error as Error).message, message);
  else assert.match((error as Error).message, message);
}
