/**
 * HDF5 files by jsfive, which is loaded at the first use. It is plain JavaScript of 0.1 MB, against 4 MB of h5wasm; it reads
 * the groups and what they say of arrays. Attributes and values are read from the bytes where it says that they lie.
 */
import type { Dataset, File, Group } from "jsfive";
import { Hdf5Attributes } from "./hdf5Attributes.js";
import { Hdf5Bytes, Hdf5Damage, MOST_DIMENSIONS, readingHdf5 } from "./hdf5Bytes.js";
import { checkGroup, rootAddress } from "./hdf5Groups.js";
import { elementType, valuesOf } from "./hdf5Values.js";

/** An array in the file, before its values are read. */
export interface Hdf5Array {
  readonly path: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** The values as float32, in a view of the file where it has them so, else in an array of their own. */
  values(): Float32Array;
}

export interface Hdf5File {
  /** Names in the group at a path; null where there is no group. */
  keys(path: string): readonly string[] | null;
  /** A string or list of strings that a group has as an attribute; undefined where it has none. */
  text(path: string, attribute: string): string | undefined;
  texts(path: string, attribute: string): readonly string[] | undefined;
  /** The array at a path; null where there is none. */
  array(path: string): Hdf5Array | null;
}

/** In characters; no file of Keras comes near. */
const LONGEST_PATH = 8192;

/**
 * Opens an HDF5 file in memory.
 *
 * @param name for messages
 * @throws ModelFormatError where the file is damaged, here and in every method
 */
export async function openHdf5(buffer: ArrayBuffer, name: string): Promise<Hdf5File> {
  const jsfive = await import("jsfive");
  const file = new Hdf5Bytes(buffer);
  const attributes = new Hdf5Attributes(file);
  const reading = <T>(what: string, read: () => T): T => readingHdf5(name, what, read);
  const root: File = reading("the HDF5 file", () => {
    checkGroup(file, rootAddress(file));
    return new jsfive.File(buffer, name);
  });
  // Groups are parsed once: a file of thousands of layers would parse its root that often.
  const groups = new Map<string, Group | Dataset | null>([["", root]]);
  const find = (path: string): Group | Dataset | null => {
    const known = groups.get(path);
    if (known !== undefined) return known;
    if (path.length > LONGEST_PATH) return null;
    // What leads back to itself is nowhere.
    groups.set(path, null);
    const slash = path.lastIndexOf("/");
    const base = path.slice(0, Math.max(slash, 0));
    const parent = find(base);
    const key = path.slice(slash + 1);
    if (!(parent instanceof jsfive.Group) || !Object.hasOwn(parent._links, key)) return null;
    const link = parent._links[key] as number | string;
    const found =
      typeof link === "string"
        ? find(link.startsWith("/") ? link.slice(1) : `${base}/${link}`)
        : reading(path, () => {
            checkGroup(file, link);
            return parent.get(key);
          });
    groups.set(path, found);
    return found;
  };
  const texts = (path: string, key: string) => {
    const group = find(path);
    return group instanceof jsfive.Group
      ? reading(`the attributes of ${path || "/"}`, () => attributes.texts(group._dataobjects, key))
      : undefined;
  };
  return {
    keys: (path) => {
      const group = find(path);
      return group instanceof jsfive.Group ? group.keys : null;
    },
    text: (path, key) => texts(path, key)?.texts[0],
    texts: (path, key) => joinedTexts((part) => texts(path, part)?.texts, key),
    array: (path) => {
      const found = find(path);
      if (!(found instanceof jsfive.Dataset)) return null;
      return reading(path, () => {
        elementType(found.dtype);
        const { shape } = found;
        if (shape.length > MOST_DIMENSIONS) throw new Hdf5Damage(`it has ${shape.length} dimensions`);
        const size = shape.reduce((product, n) => product * n, 1);
        const values = () => reading(path, () => valuesOf(file, found, size, jsfive.Filters));
        return { path, shape, size, values };
      });
    },
  };
}

/** Lists of more than 64 kB Keras writes in parts: layer_names0, layer_names1, ... */
function joinedTexts(
  attribute: (key: string) => readonly string[] | undefined,
  key: string,
): readonly string[] | undefined {
  const whole = attribute(key);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = attribute(`${key}${i}`);
    if (part === undefined) return i === 0 ? undefined : parts;
    parts.push(...part);
  }
}
