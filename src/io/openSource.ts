import type * as tf from "@tensorflow/tfjs";
import { ArgumentError, ModelFormatError } from "../errors.js";
import { baseUrl, hasFileSystem, openFile } from "../platform.js";
import { type ByteSource, blobSource, bytesSource } from "./byteSource.js";

/**
 * A model: a path (in Node; a file, or the folder of a TensorFlow.js model), a URL, the bytes of a file, a File or Blob, the
 * files of a browser's file input, or one of tfjs's handlers (`tf.io.browserFiles`, `tf.io.fromMemory` ...).
 */
export type ModelSource = string | URL | ArrayBuffer | Uint8Array | Blob | readonly File[] | tf.io.IOHandler;

/** A file that was opened, and those beside it. */
export interface OpenedSource {
  readonly main: ByteSource;
  /** The file at a path relative to the main one; null where there is none. */
  sibling(path: string): Promise<ByteSource | null>;
  close(): Promise<void>;
}

export interface OpenSourceOptions {
  readonly name?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told which part of the main file has come over the network, where its length is known. */
  readonly onDownload?: ((fraction: number) => void) | undefined;
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** Opens what a caller gave. */
export async function openSource(
  source: Exclude<ModelSource, tf.io.IOHandler>,
  options: OpenSourceOptions,
): Promise<OpenedSource> {
  const { name } = options;
  const alone = (main: ByteSource): OpenedSource => ({
    main,
    sibling: async () => null,
    close: async () => {},
  });
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    if (source instanceof ArrayBuffer && isDetached(source))
      throw new ArgumentError("the buffer given is detached: its bytes were transferred");
    const {
      buffer,
      byteOffset = 0,
      byteLength,
    } = source instanceof Uint8Array ? source : { buffer: source, byteLength: source.byteLength };
    const own = buffer instanceof ArrayBuffer;
    // Not the array itself: the slices of a Buffer of Node are no copies.
    const view = new Uint8Array(buffer, byteOffset, byteLength);
    const plain = own ? (view as Uint8Array<ArrayBuffer>) : Uint8Array.from(view);
    return alone(bytesSource(plain, name ?? "the bytes given", !own));
  }
  if (source instanceof Blob) {
    return alone(blobSource(source, name ?? ("name" in source ? String(source.name) : "the Blob given")));
  }
  if (Array.isArray(source)) return fromFiles(source as readonly File[], name);
  const text = String(source);
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new ArgumentError(
      `expected a path, URL, bytes, Blob, files or handler, got ${source === null ? "null" : typeof source}`,
    );
  }
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(text);
  if (hasFileSystem && (!isUrl || text.startsWith("file:")))
    return fromDisk(isUrl ? new URL(text) : text, name);
  return fromUrl(urlOf(text), options);
}

async function fromFiles(files: readonly File[], name: string | undefined): Promise<OpenedSource> {
  if (!files.every((file) => (file as unknown) instanceof Blob))
    throw new ArgumentError("expected a list of files, got other things in it");
  const main = files.length === 1 ? files[0] : files.find((file) => /\.(json|keras)$/i.test(file.name));
  if (main === undefined) {
    throw new ArgumentError(
      `expected one file, or a model.json with its weights, got ${files.map((file) => file.name).join(", ") || "no file"}`,
    );
  }
  return {
    main: blobSource(main, name ?? main.name),
    sibling: async (path) => {
      const file = files.find((other) => other.name === path.replace(/^.*\//, ""));
      return file === undefined ? null : blobSource(file, file.name);
    },
    close: async () => {},
  };
}

async function fromDisk(path: string | URL, name: string | undefined): Promise<OpenedSource> {
  const closers: (() => Promise<void>)[] = [];
  const open = async (at: string | URL, shown: string): Promise<ByteSource | null> => {
    const file = await openFile(at).catch((error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT";
      throw new ModelFormatError(
        `${shown} ${missing ? "does not exist" : `cannot be read: ${error.message}`}`,
        { cause: error },
      );
    });
    if (file === null) return null;
    closers.push(() => file.close());
    return {
      name: shown,
      length: file.size,
      read: async (offset, length) => ({ bytes: await file.read(offset, length), owned: true }),
    };
  };
  const close = async () => {
    await Promise.all(closers.map((closer) => closer()));
  };
  const join = (base: string | URL, part: string): string | URL => {
    if (base instanceof URL)
      return new URL(part.split("/").map(encodeURIComponent).join("/"), `${base.href}/`);
    return `${base}/${part}`;
  };
  try {
    let at = path;
    let main = await open(path, name ?? String(path));
    if (main === null) {
      at = join(path, "model.json");
      main = await open(at, String(at)).catch((error: unknown) => {
        if (!(error instanceof ModelFormatError) || !error.message.endsWith("does not exist")) throw error;
        throw new ModelFormatError(`the folder ${String(path)} has no model.json`, { cause: error });
      });
    }
    if (main === null) throw new ModelFormatError(`${String(at)}: is a folder`);
    const folder =
      at instanceof URL ? new URL(".", at).href.replace(/\/$/, "") : at.replace(/[^\\/]*$/, "") || ".";
    return {
      main,
      close,
      sibling: (part) => {
        const there =
          at instanceof URL ? join(new URL(folder), part) : join(folder.replace(/[\\/]$/, "") || "/", part);
        return open(there, String(there)).catch((error: unknown) => {
          if (error instanceof ModelFormatError && error.message.endsWith("does not exist")) return null;
          throw error;
        });
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function urlOf(text: string): URL {
  try {
    return new URL(text, baseUrl());
  } catch (error) {
    throw new ModelFormatError(`${text.slice(0, 200)} is no URL that can be opened here`, { cause: error });
  }
}

async function fromUrl(url: URL, { name, signal, onDownload }: OpenSourceOptions): Promise<OpenedSource> {
  const get = async (at: URL, told?: (fraction: number) => void): Promise<ByteSource | null> => {
    const shown = at.href.slice(0, 200);
    const failed = (error: unknown): never => {
      if (signal?.aborted) throw signal.reason;
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? `${message} (${cause.message})` : message;
      throw new ModelFormatError(`${shown}: cannot be fetched: ${why}`, { cause: error });
    };
    const response = await fetch(at, signal && { signal }).catch(failed);
    if (response.status === 404) return null;
    if (!response.ok)
      throw new ModelFormatError(`${shown}: cannot be fetched: HTTP status ${response.status}`);
    return bytesSource(await bodyOf(response, failed, told), name ?? shown, true);
  };
  const main = await get(url, onDownload);
  if (main === null) throw new ModelFormatError(`${url.href} does not exist (HTTP status 404)`);
  return { main, sibling: (path) => get(new URL(path, url)), close: async () => {} };
}

/** Up to this length a server is believed to send what it says. */
const LONGEST_BELIEVED = 2 ** 31;

/** All bytes of a response, without a second copy of them where it says how many there are. */
async function bodyOf(
  response: Response,
  failed: (error: unknown) => never,
  told: (fraction: number) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array(0);
  // Of what is packed for the way, the length is that of the packed bytes.
  const packed = response.headers.get("content-encoding") !== null;
  const said = packed ? 0 : Number(response.headers.get("content-length") ?? 0);
  const expected = said > 0 && said <= LONGEST_BELIEVED ? said : 0;
  let bytes = new Uint8Array(expected);
  let length = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(failed);
      if (done) break;
      if (length + value.length > bytes.length) {
        const more = new Uint8Array(Math.max(2 * bytes.length, length + value.length));
        more.set(bytes.subarray(0, length));
        bytes = more;
      }
      bytes.set(value, length);
      length += value.length;
      if (expected > 0) told(Math.min(1, length / expected));
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  }
  return length === bytes.length ? bytes : bytes.slice(0, length);
}
