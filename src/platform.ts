/** The only file that asks where the library runs: Node (also Deno and Bun), a browser page, a worker, or the edge. */

/** True where `node:` modules can be imported. Some edge runtimes pretend to be Node, so the file system is what counts. */
export const hasFileSystem: boolean =
  typeof process !== "undefined" &&
  typeof process.versions?.node === "string" &&
  process.release?.name === "node";

/** The bytes behind a URL: read from disk for `file:` URLs where there is a disk, else fetched. */
export async function readUrl(url: URL): Promise<Uint8Array<ArrayBuffer> | Response> {
  if (url.protocol === "file:" && hasFileSystem) {
    const { readFile } = await import("node:fs/promises");
    return Uint8Array.from(await readFile(url));
  }
  return fetch(url);
}

/** The URL that relative ones are resolved against: the page's or worker's, or none. */
export function baseUrl(): string | undefined {
  return typeof location === "undefined" ? undefined : location.href;
}
