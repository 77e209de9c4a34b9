import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TracelightError } from "../../errors.js";
import { messageOf } from "../../text.js";

/**
 * Writes a file so that no half of it is ever seen: under a temporary name in the same folder, which then takes the place of
 * the file. If that fails, the temporary file is removed, and a file that was there before stays.
 *
 * @param path in a folder that exists
 * @throws TracelightError with code "WRITE" and the reason that the system gives
 * @example await writeFileAtomic("heatmap.png", encodePng(heatmap(relevance)))
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await writeFile(temporary, content, { flag: "wx" });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeError("writeFileAtomic", path, error);
  }
}

/** The error for what cannot be written. */
export function writeError(who: string, path: string, cause: unknown): TracelightError {
  const reason = messageOf(cause);
  return new TracelightError("WRITE", `${who}: ${path} cannot be written: ${reason}`, { cause });
}
