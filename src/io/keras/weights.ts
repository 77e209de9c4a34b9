/** Where the weights of each layer are: in the weights of a .keras file, and in a legacy .h5 file. */
import { ModelFormatError } from "../../errors.js";
import { isRecord, type JsonRecord, printable } from "./checks.js";
import type { Hdf5Array, Hdf5File } from "./hdf5.js";
import type { LayerSpec, ModelSpec } from "./modelSpec.js";

/** The weights of one model. */
export interface ModelWeights {
  /** Where they are, for messages. */
  readonly where: string;
  /** Those of a layer, in the order in which Keras makes them. */
  of(layer: LayerSpec): Hdf5Array[];
  /** Those of a nested model. */
  inside(layer: LayerSpec): ModelWeights;
}

/** Sublayers with weights, in the order of their weights, by the layer's class. */
const SUBLAYERS: Readonly<Record<string, readonly string[]>> = {
  MultiHeadAttention: ["query_dense", "key_dense", "gate_dense", "value_dense", "output_dense"],
  GroupedQueryAttention: ["query_dense", "key_dense", "gate_dense", "value_dense", "output_dense"],
  GroupQueryAttention: ["query_dense", "key_dense", "gate_dense", "value_dense", "output_dense"],
  SimpleRNN: ["cell"],
  LSTM: ["cell"],
  GRU: ["cell"],
  ConvLSTM1D: ["cell"],
  ConvLSTM2D: ["cell"],
  ConvLSTM3D: ["cell"],
  RNN: ["cell"],
  Bidirectional: ["forward_layer", "backward_layer"],
  TimeDistributed: ["layer"],
  SpectralNormalization: ["layer"],
};

/**
 * The layout of model.weights.h5 in a .keras file, and of what `save_weights` writes in Keras 3: groups by class and order,
 * not by name.
 */
export function weightsByClass(file: Hdf5File, model: ModelSpec, where: string, prefix = ""): ModelWeights {
  // Keras 2.12 to 2.15 call the list otherwise.
  const list = ["layers", "_layer_checkpoint_dependencies"].find(
    (name) => file.keys(join(prefix, name)) !== null,
  );
  const base = join(prefix, list ?? "layers");
  const groups = groupNames(model.layers.filter((layer) => layer.kind !== "operation"));
  const groupOf = (layer: LayerSpec) => join(base, groups.get(layer) as string);
  return {
    where,
    of: (layer) => arraysIn(file, groupOf(layer), layer, where),
    inside: (layer) => {
      const group = layer.className === "TimeDistributed" ? join(groupOf(layer), "layer") : groupOf(layer);
      return weightsByClass(file, layer.model as ModelSpec, where, group);
    },
  };
}

function groupNames(layers: readonly LayerSpec[]): Map<LayerSpec, string> {
  const names = countedNames(layers.map(({ className }) => className));
  return new Map(layers.map((layer, i) => [layer, names[i] as string]));
}

/** conv2d, conv2d_1, ...: the class in snake case, counted where it occurs again. */
function countedNames(classNames: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return classNames.map((className) => {
    // Saved under the name that it is exported by, its group under that of its class.
    const name = snakeCase(className === "GroupQueryAttention" ? "GroupedQueryAttention" : className);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  });
}

/** @source keras/src/utils/naming.py */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

function arraysIn(
  file: Hdf5File,
  group: string,
  { className, config }: { readonly className: string; readonly config: JsonRecord },
  where: string,
): Hdf5Array[] {
  // What training makes of a kernel's norm is not asked for.
  const own = className === "SpectralNormalization" ? [] : varsIn(file, join(group, "vars"), where);
  const names = Object.hasOwn(SUBLAYERS, className) ? (SUBLAYERS[className] as readonly string[]) : [];
  const sublayers = names.flatMap((name) => {
    const at = [name, `_${name}`].map((key) => join(group, key)).find((path) => file.keys(path) !== null);
    if (at === undefined) return [];
    const inner = innerOf(config, name);
    if (name === "cell" && inner?.className === "StackedRNNCells")
      return stackedCells(file, at, inner.config, where);
    return arraysIn(file, at, inner ?? { className: "", config: {} }, where);
  });
  return [...own, ...sublayers];
}

/** The layer that a wrapper's configuration holds. */
function innerOf(config: JsonRecord, name: string): { className: string; config: JsonRecord } | null {
  const inner = name === "cell" ? config.cell : config.layer;
  if (!isRecord(inner) || typeof inner.class_name !== "string") return null;
  return { className: inner.class_name, config: isRecord(inner.config) ? inner.config : {} };
}

/** Cells are kept as layers are: by class, counted. */
function stackedCells(file: Hdf5File, group: string, config: JsonRecord, where: string): Hdf5Array[] {
  const cells = Array.isArray(config.cells) ? config.cells : [];
  const names = countedNames(cells.map((cell) => (isRecord(cell) ? String(cell.class_name) : "")));
  return names.flatMap((name) => varsIn(file, join(group, "cells", name, "vars"), where));
}

/** 0, 1, ... in the order of numbers: the file has them in the order of text. */
function varsIn(file: Hdf5File, group: string, where: string): Hdf5Array[] {
  return (file.keys(group) ?? [])
    .filter((key) => /^\d+$/.test(key))
    .sort((a, b) => Number(a) - Number(b))
    .map((key) => arrayAt(file, join(group, key), where));
}

/**
 * The layout of `model.save("x.h5")`, and of what `save_weights` writes in Keras 2: groups by the layers' names, with the
 * order of weights as an attribute.
 */
export function weightsByName(file: Hdf5File, where: string): ModelWeights {
  const base = file.keys("model_weights") === null ? "" : "model_weights";
  const named = (layer: LayerSpec): { name: string; array: () => Hdf5Array }[] => {
    const group = join(base, layer.savedName);
    const names = file.texts(group, "weight_names") ?? [];
    return names
      .filter((name) => !/\/(vector_u|sn_u)(:0)?$/.test(name))
      .map((name) => ({
        name,
        array: () => arrayAt(file, join(group, name), where),
      }));
  };
  return {
    where,
    of: (layer) => named(layer).map(({ array }) => array()),
    inside: (layer) => {
      const leaves = leavesOf(layer.model as ModelSpec, []);
      const found = new Map<LayerSpec, Hdf5Array[]>();
      for (const { name, array } of named(layer)) {
        const leaf = leafOf(name, leaves);
        if (leaf !== null) found.set(leaf, [...(found.get(leaf) ?? []), array()]);
      }
      const inside: ModelWeights = { where, of: (leaf) => found.get(leaf) ?? [], inside: () => inside };
      return inside;
    },
  };
}

interface Leaf {
  readonly layer: LayerSpec;
  /** The names of the nested models around it, from the outside. */
  readonly around: readonly string[];
}

function leavesOf(model: ModelSpec, around: readonly string[]): Leaf[] {
  return model.layers.flatMap((layer) =>
    layer.model === null ? [{ layer, around }] : leavesOf(layer.model, [...around, layer.savedName]),
  );
}

/**
 * Which layer of a nested model a weight belongs to: its path has the layer's name, and of the models around it some (a
 * functional model leaves no name, a Sequential does). The layer that explains most of the path, and lacks least, has it.
 */
function leafOf(weight: string, leaves: readonly Leaf[]): LayerSpec | null {
  const path = weight.split("/").slice(0, -1);
  let best: { layer: LayerSpec; there: number; missing: number } | null = null;
  for (const { layer, around } of leaves) {
    // Names may have slashes themselves.
    const parts = layer.savedName.split("/");
    const last = path.findLastIndex((_, i) => parts.every((part, j) => path[i + j] === part));
    if (last < 0) continue;
    const there = around.filter((name) => path.slice(0, last).includes(name)).length;
    const missing = around.length - there;
    if (best === null || there > best.there || (there === best.there && missing < best.missing)) {
      best = { layer, there, missing };
    }
  }
  return best?.layer ?? null;
}

function arrayAt(file: Hdf5File, path: string, where: string): Hdf5Array {
  const array = file.array(path);
  if (array === null) {
    const what = file.keys(path) === null ? "nothing is there" : "a group is there";
    throw new ModelFormatError(`${where}: expected an array at ${printable(path)}, ${what}`);
  }
  return array;
}

function join(...parts: string[]): string {
  return parts.filter((part) => part !== "").join("/");
}
