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

/** Opens what a caller gave. */
export async function openSource(
  source: Exclude<ModelSource, tf.io.IOHandler>,
  name: string | undefined,
): Promise<OpenedSource> {
  const alone = (main: ByteSource): OpenedSource => ({
    main,
    sibling: async () => null,
    close: async () => {},
  });
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) {
    const bytes = source instanceof Uint8Array ? source : new Uint8Array(source);
    const own = bytes.buffer instanceof ArrayBuffer;
    const plain = own ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
    return alone(bytesSource(plain, name ?? "the bytes given", !own));
  }
  if (source instanceof Blob) {
    return alone(blobSource(source, name ?? ("name" in source ? String(source.name) : "the Blob given")));
  }
  if (Array.isArray(source)) return fromFiles(source as readonly File[], name);
  const text = String(source);
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new ArgumentError(
      `loadModel: expected a path, URL, bytes, Blob, files or handler, got ${source === null ? "null" : typeof source}`,
    );
  }
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(text);
  if (hasFileSystem && (!isUrl || text.startsWith("file:")))
    return fromDisk(isUrl ? new URL(text) : text, name);
  return fromUrl(new URL(text, baseUrl()), name);
}

async function fromFiles(files: readonly File[], name: string | undefined): Promise<OpenedSource> {
  const main = files.length === 1 ? files[0] : files.find((file) => /\.(json|keras)$/i.test(file.name));
  if (main === undefined) {
    throw new ArgumentError(
      `loadModel: expected one file, or a model.json with its weights, got ${files.map((file) => file.name).join(", ") || "no file"}`,
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

async function fromUrl(url: URL, name: string | undefined): Promise<OpenedSource> {
  const get = async (at: URL): Promise<ByteSource | null> => {
    const response = await fetch(at).catch((error: unknown) => {
      throw new ModelFormatError(`${at.href}: cannot be fetched: ${(error as Error).message}`, {
        cause: error,
      });
    });
    if (response.status === 404) return null;
    if (!response.ok)
      throw new ModelFormatError(`${at.href}: cannot be fetched: HTTP status ${response.status}`);
    return bytesSource(new Uint8Array(await response.arrayBuffer()), name ?? at.href, true);
  };
  const main = await get(url);
  if (main === null) throw new ModelFormatError(`${url.href} does not exist (HTTP status 404)`);
  return { main, sibling: (path) => get(new URL(path, url)), close: async () => {} };
}
