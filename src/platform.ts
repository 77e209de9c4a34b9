/** The only file that asks where the library runs: Node (also Deno and Bun), a browser page, a worker, or the edge. */

/** True where `node:` modules can be imported. Some edge runtimes pretend to be Node, so the file system is what counts. */
export const hasFileSystem: boolean =
  typeof process !== "undefined" &&
  typeof process.versions?.node === "string" &&
  process.release?.name === "node";

/** The bytes behind a URL: read from disk for `file:` URLs where there is a disk, else fetched. */
export async function readUrl(url: URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  if (url.protocol === "file:" && hasFileSystem) {
    // Not an import, which bundlers for the browser would try to resolve.
    return Uint8Array.from(await process.getBuiltinModule("node:fs/promises").readFile(url));
  }
  return fetch(url);
}

/** The URL that relative ones are resolved against: the page's or worker's, or none. */
export function baseUrl(): string | undefined {
  return typeof location === "undefined" ? undefined : location.href;
}

/** Events whose listeners in Node tfjs's WASM backend adds to, with ones that throw. */
const ERROR_EVENTS = ["uncaughtException", "unhandledRejection"] as const;

/** Runs `fn` and takes away the process's error listeners that it added, so that the application's own decide as before. */
export async function keepingErrorListeners<T>(fn: () => Promise<T>): Promise<T> {
  if (!hasFileSystem) return fn();
  const listenersOf = (event: (typeof ERROR_EVENTS)[number]) =>
    process.listeners(event as "uncaughtException");
  const before = new Set(ERROR_EVENTS.flatMap(listenersOf));
  try {
    return await fn();
  } finally {
    for (const event of ERROR_EVENTS) {
      for (const listener of listenersOf(event)) if (!before.has(listener)) process.off(event, listener);
    }
  }
}

/** zlib's checksum (CRC-32 of IEEE 802.3) where Node has it, several times as fast as JavaScript; null elsewhere. */
export const nativeCrc32: ((bytes: Uint8Array) => number) | null = hasFileSystem
  ? ((process.getBuiltinModule("node:zlib") as { crc32?: (bytes: Uint8Array) => number }).crc32 ?? null)
  : null;

/** A file on disk, open for reading. */
export interface OpenFile {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Opens a file, where there are files; null for a folder. Errors are the system's. */
export async function openFile(path: string | URL): Promise<OpenFile | null> {
  const { open, stat } = process.getBuiltinModule("node:fs/promises");
  const stats = await stat(path);
  if (stats.isDirectory()) return null;
  // Opening a pipe waits for somebody to write into it.
  if (!stats.isFile()) throw new Error("it is neither a file nor a folder");
  const handle = await open(path);
  const { size } = await handle.stat();
  return {
    size,
    close: () => handle.close(),
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let at = 0;
      while (at < length) {
        // One read takes at most 2 GB.
        const { bytesRead } = await handle.read(bytes, at, Math.min(length - at, 2 ** 30), offset + at);
        if (bytesRead === 0) throw new Error(`the file ends ${length - at} bytes early`);
        at += bytesRead;
      }
      return bytes;
    },
  };
}
