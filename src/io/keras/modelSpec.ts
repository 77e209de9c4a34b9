/**
 * A Keras model's configuration, of Keras 2 or 3, read into one form. Nothing is built here, so that a model can be looked
 * at without its weights, and all that is wrong with its JSON is found first.
 */
import { ModelFormatError, UnsupportedLayerError } from "../../errors.js";
import { operations } from "../../layers/operations.js";
import {
  asCount,
  asList,
  asRecord,
  asShape,
  asText,
  isModelClass,
  isModelConfig,
  isRecord,
  type Json,
  type JsonRecord,
  printable,
  shown,
} from "./checks.js";
import { withValidNames } from "./validNames.js";

/** One output of one call of a layer. Calls count from 0 within the model, those of nested models too. */
export interface TensorRef {
  readonly layer: string;
  readonly call: number;
  readonly tensor: number;
}

/** A value in a call: a tensor, or what JSON has. */
export type CallValue =
  | { readonly ref: TensorRef }
  | null
  | boolean
  | number
  | string
  | CallValue[]
  | CallRecord;
export interface CallRecord {
  readonly [key: string]: CallValue;
}

export interface CallSpec {
  readonly args: readonly CallValue[];
  readonly kwargs: CallRecord;
}

export interface LayerSpec {
  readonly kind: "input" | "layer" | "model" | "operation";
  /** As tfjs takes it. */
  readonly name: string;
  /** As in the file. */
  readonly savedName: string;
  readonly className: string;
  /** As in the file, in snake case. */
  readonly config: JsonRecord;
  readonly calls: readonly CallSpec[];
  /** Of a nested model, or of one in a TimeDistributed. */
  readonly model: ModelSpec | null;
}

export interface ModelSpec {
  readonly kind: "sequential" | "functional";
  readonly name: string;
  readonly trainable: boolean;
  readonly layers: readonly LayerSpec[];
  readonly inputs: readonly TensorRef[];
  readonly outputs: readonly TensorRef[];
  /** Of a Sequential: what its first layer gets, where the file says it. */
  readonly inputShape: (number | null)[] | null;
}

/** Models within models; what is deeper is no honest file. */
const MOST_LEVELS = 50;

/** The class that an object was of; one of somebody's own, which may be called as one of Keras's, with what tells it apart. */
export function classNameOf(record: JsonRecord, where: string): string {
  const className = asText(record.class_name, `${where}: class_name`);
  const { module, registered_name: registered } = record;
  if (module === undefined || (typeof module === "string" && /^(tf_)?keras(\.|$)/.test(module)))
    return className;
  if (typeof registered === "string" && registered !== className) return registered;
  return `${typeof module === "string" ? module : "?"}>${className}`;
}

/**
 * Reads `{class_name, config}` of a model.
 *
 * @param where for messages: the file, and the part of it
 */
export function readModelSpec(json: Json, where: string, level = 0): ModelSpec {
  if (level > MOST_LEVELS)
    throw new ModelFormatError(`${printable(where)}: models are nested more than ${MOST_LEVELS} deep`);
  const record = asRecord(json, where);
  const className = classNameOf(record, where);
  const raw = record.config;
  if (!isModelClass(className)) {
    throw new UnsupportedLayerError(
      `${where}: the model is of class ${className}, a Python class whose code the file does not hold; Sequential and ` +
        "functional models can be opened. In Keras, tf.keras.Model(inputs, model.call(inputs)) may make a functional one",
      isRecord(raw) && typeof raw.name === "string" ? raw.name : className,
      className,
    );
  }
  // Files of Keras 2.1 and earlier have the list of layers itself.
  const config: JsonRecord = Array.isArray(raw) ? { layers: raw } : asRecord(raw, `${where}: config`);
  const layers = asList(config.layers, `${where}: config.layers`);
  const sequential =
    className === "Sequential" || (config.input_layers === undefined && layers.every(hasNoCalls));
  const specs = layers.map((layer, i) => readLayer(layer, `${where}: layers[${i}]`, level));
  const names = new Set<string>();
  for (const { name } of specs) {
    if (names.has(name)) throw new ModelFormatError(`${where}: two layers are called ${name}`);
    names.add(name);
  }
  const build = isRecord(record.build_config) ? record.build_config.input_shape : null;
  const shape = config.build_input_shape ?? build ?? null;
  const common = {
    name: typeof config.name === "string" ? config.name : sequential ? "sequential" : "model",
    trainable: config.trainable !== false,
    layers: specs,
  };
  if (sequential) {
    const inputShape =
      Array.isArray(shape) && !Array.isArray(shape[0]) ? asShape(shape, `${where}: input_shape`) : null;
    return withValidNames({ kind: "sequential", ...common, inputs: [], outputs: [], inputShape });
  }
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const ends = (value: Json | undefined, what: string): TensorRef[] => {
    const refs = tensorTriples(value, `${where}: ${what}`).map(([layer, call, tensor]) => {
      const spec = byName.get(layer);
      // Keras counts the making of a nested functional model as its call 0, here and in no other place of its files.
      const shift = spec?.model?.kind === "functional" && usesNewNodes(layers) ? 1 : 0;
      return { layer, call: Math.max(0, call - shift), tensor };
    });
    if (refs.length === 0) throw new ModelFormatError(`${where}: ${what} is empty`);
    return refs;
  };
  const spec: ModelSpec = {
    kind: "functional",
    ...common,
    inputs: ends(config.input_layers, "input_layers"),
    outputs: ends(config.output_layers, "output_layers"),
    inputShape: null,
  };
  return withValidNames(withCallsFromZero(checkRefs(spec, where)));
}

function hasNoCalls(layer: Json): boolean {
  return !isRecord(layer) || layer.inbound_nodes === undefined;
}

/** Whether calls are written as Keras 3 does: `{args, kwargs}`. */
function usesNewNodes(layers: readonly Json[]): boolean {
  return layers.some(
    (layer) => isRecord(layer) && Array.isArray(layer.inbound_nodes) && layer.inbound_nodes.some(isRecord),
  );
}

function readLayer(json: Json, where: string, level: number): LayerSpec {
  const record = asRecord(json, where);
  const className = classNameOf(record, where);
  if (Array.isArray(record.config) && className === "Sequential") {
    return readLayer(
      { ...record, config: { name: record.name ?? "sequential", layers: record.config } },
      where,
      level,
    );
  }
  const config = asRecord(record.config ?? {}, `${where} (${className}): config`);
  const name = asText(record.name ?? config.name, `${where} (${className}): name`);
  const here = `${where} (${name}, ${className})`;
  const calls = asList(record.inbound_nodes ?? [], `${here}: inbound_nodes`).map((node, i) => {
    const call = readCall(node, `${here}: inbound_nodes[${i}]`);
    // A function's first argument is a tensor, or a list of them as it was given.
    const list = callsFunction(className) && Array.isArray(node) && Array.isArray(node[0]);
    return list ? { ...call, args: [[...call.args]] } : call;
  });
  if (isModelClass(className)) {
    const model = readModelSpec(
      { ...record, class_name: className, config: { ...config, name } },
      here,
      level + 1,
    );
    return { kind: "model", name, savedName: name, className, config, calls, model };
  }
  if (className === "TimeDistributed" && isModelConfig(config.layer)) {
    const model = readModelSpec(config.layer as Json, `${here}: layer`, level + 1);
    return { kind: "layer", name, savedName: name, className, config, calls, model };
  }
  const kind = className === "InputLayer" ? "input" : isOperation(record) ? "operation" : "layer";
  return { kind, name, savedName: name, className, config, calls, model: null };
}

/** Layers of Keras 2 that call a function of TensorFlow. */
export function callsFunction(className: string): boolean {
  return className === "TFOpLambda" || className === "SlicingOpLambda";
}

/** Bare operations have the names of layers, and tell by their module only. */
function isOperation({ module, class_name, config }: JsonRecord): boolean {
  if (callsFunction(String(class_name))) return true;
  if (typeof module === "string") return /^keras\.(src\.)?ops\b/.test(module);
  // In an .h5 file there is no module; but layers always say whether they can be trained.
  return isRecord(config) && !("trainable" in config) && Object.hasOwn(operations, String(class_name));
}

function readCall(node: Json, where: string): CallSpec {
  if (Array.isArray(node)) return readOldCall(node, where);
  const { args, kwargs } = asRecord(node, where);
  return {
    args: asList(args, `${where}: args`).map((value) => readValue(value, where)),
    kwargs: Object.fromEntries(
      Object.entries(asRecord(kwargs ?? {}, `${where}: kwargs`)).map(([key, value]) => [
        key,
        readValue(value, where),
      ]),
    ),
  };
}

/** A value of a Keras 3 call. */
function readValue(value: Json, where: string, depth = 0): CallValue {
  if (depth > MOST_LEVELS)
    throw new ModelFormatError(`${where}: values are nested more than ${MOST_LEVELS} deep`);
  if (Array.isArray(value)) return value.map((v) => readValue(v, where, depth + 1));
  if (!isRecord(value)) return value;
  const config = value.config;
  if (value.class_name === "__keras_tensor__") {
    const [layer, call, tensor] = asList(asRecord(config, where).keras_history, `${where}: keras_history`);
    return {
      ref: {
        layer: asText(layer, `${where}: keras_history`),
        call: asCount(call, `${where}: keras_history`),
        tensor: asCount(tensor, `${where}: keras_history`),
      },
    };
  }
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, readValue(v, where, depth + 1)]));
}

/** A call of Keras 2: `[[layer, call, tensor, kwargs], ...]`, or one such entry by itself. */
function readOldCall(node: Json[], where: string): CallSpec {
  const entries = typeof node[0] === "string" ? [node] : node;
  let kwargs: CallRecord = {};
  const args = entries.map((entry, i): CallValue => {
    const [layer, call, tensor, named] = asList(entry, `${where}[${i}]`);
    if (isRecord(named) && i === 0) {
      kwargs = Object.fromEntries(
        Object.entries(named).map(([key, value]) => [key, readOldValue(value, where)]),
      );
    }
    if (layer === "_CONSTANT_VALUE") return readOldValue(tensor ?? null, where);
    return {
      ref: {
        layer: asText(layer, `${where}[${i}]`),
        call: asCount(call, `${where}[${i}]`),
        tensor: asCount(tensor, `${where}[${i}]`),
      },
    };
  });
  return { args, kwargs };
}

/** Tensors among the named arguments of Keras 2 are triples. */
function readOldValue(value: Json, where: string): CallValue {
  if (Array.isArray(value)) {
    const [layer, call, tensor] = value;
    if (typeof layer === "string" && typeof call === "number" && typeof tensor === "number") {
      return layer === "_CONSTANT_VALUE" ? tensor : { ref: { layer, call, tensor } };
    }
    return value.map((v) => readOldValue(v, where));
  }
  if (isRecord(value)) {
    if (value.class_name === "__tuple__" && Array.isArray(value.items))
      return value.items.map((v) => readOldValue(v, where));
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, readOldValue(v, where)]));
  }
  return value;
}

/** `input_layers`, `output_layers`: one triple, or triples in lists and records. */
function tensorTriples(value: Json | undefined, where: string): [string, number, number][] {
  // Keras takes those of a record in the order of their names.
  if (isRecord(value)) {
    const names = Object.keys(value).sort();
    return names.flatMap((name) => tensorTriples(value[name], where));
  }
  const list = asList(value, where);
  if (typeof list[0] !== "string") return list.flatMap((v) => tensorTriples(v, where));
  return [[list[0], asCount(list[1], where), asCount(list[2], where)]];
}

/** Every tensor in a value, in its order; those of a record in the order of their names, as a model takes its inputs. */
export function refsIn(value: CallValue): TensorRef[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (typeof value !== "object" || value === null) return [];
  if ("ref" in value) return [value.ref as TensorRef];
  const record = value as CallRecord;
  return Object.keys(record)
    .sort()
    .flatMap((name) => refsIn(record[name] as CallValue));
}

/** Every tensor that a call takes. */
export function refsOf({ args, kwargs }: CallSpec): TensorRef[] {
  return [...args, ...Object.values(kwargs)].flatMap(refsIn);
}

function checkRefs(model: ModelSpec, where: string): ModelSpec {
  const names = new Map(model.layers.map((layer) => [layer.name, layer]));
  const uses = [
    ...model.layers.flatMap((layer) =>
      layer.calls.flatMap((call) => refsOf(call).map((ref) => ({ ref, by: layer.name }))),
    ),
    ...model.inputs.map((ref) => ({ ref, by: "input_layers" })),
    ...model.outputs.map((ref) => ({ ref, by: "output_layers" })),
  ];
  for (const { ref, by } of uses) {
    const layer = names.get(ref.layer);
    if (layer === undefined) {
      throw new ModelFormatError(
        `${where}: ${by} takes a tensor of ${shown(ref.layer)}, no layer is called so`,
      );
    }
    const calls = layer.kind === "input" ? 1 : layer.calls.length;
    // Where nested models count from 1, the last call has the number of calls.
    const most = layer.kind === "model" ? calls : calls - 1;
    if (ref.call > most) {
      throw new ModelFormatError(
        `${where}: ${by} takes call ${ref.call} of ${ref.layer}, which is called ${calls} time${calls === 1 ? "" : "s"}`,
      );
    }
  }
  return model;
}

/**
 * Keras 2 counts the calls of a nested model from 1, unless it was made by being called; which it was shows in the numbers
 * that occur.
 */
function withCallsFromZero(model: ModelSpec): ModelSpec {
  const shifted = new Set(
    model.layers
      .filter((layer) => layer.kind === "model")
      .filter((layer) => {
        const used = [...model.layers.flatMap((l) => l.calls.flatMap(refsOf)), ...model.outputs]
          .filter((ref) => ref.layer === layer.name)
          .map((ref) => ref.call);
        return used.length > 0 && Math.max(...used) >= layer.calls.length && Math.min(...used) > 0;
      })
      .map((layer) => layer.name),
  );
  if (shifted.size === 0) return model;
  return withRefs(model, (ref) => (shifted.has(ref.layer) ? { ...ref, call: ref.call - 1 } : ref));
}

/** The model with every reference to a tensor changed. */
export function withRefs(model: ModelSpec, change: (ref: TensorRef) => TensorRef): ModelSpec {
  const value = (v: CallValue): CallValue => {
    if (Array.isArray(v)) return v.map(value);
    if (typeof v !== "object" || v === null) return v;
    if ("ref" in v) return { ref: change(v.ref as TensorRef) };
    return Object.fromEntries(Object.entries(v).map(([key, inner]) => [key, value(inner)]));
  };
  return {
    ...model,
    layers: model.layers.map((layer) => ({
      ...layer,
      calls: layer.calls.map(({ args, kwargs }) => ({
        args: args.map(value),
        kwargs: value(kwargs) as CallRecord,
      })),
    })),
    inputs: model.inputs.map(change),
    outputs: model.outputs.map(change),
  };
}
