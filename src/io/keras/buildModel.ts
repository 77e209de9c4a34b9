/** Builds what a model's configuration says, each layer with its weights from the start. */
import * as tf from "@tensorflow/tfjs";
import { ArgumentError, ModelFormatError, UnsupportedLayerError } from "../../errors.js";
import { distinct } from "../../graph/applied.js";
import {
  disposeStates,
  forgetStateArguments,
  initializeWith,
  innerLayers,
  isRecurrent,
  type Layer,
  layerFromConfig,
  ownsItsLayers,
  type Shape,
  whenFreed,
} from "../../layers/internals.js";
import { type OperationArgument, operationConfig } from "../../layers/Operation.js";
import { OwnLayer } from "../../layers/OwnLayer.js";
import { reasonOf } from "../saying.js";
import { asShape, isRecord, type JsonRecord, shown } from "./checks.js";
import { type ConvertContext, convertLayer } from "./convertLayer.js";
import type { Hdf5Array } from "./hdf5.js";
import { impliedMask, maskOf } from "./masks.js";
import {
  type CallSpec,
  type CallValue,
  classNameOf,
  type LayerSpec,
  type ModelSpec,
  refsIn,
  refsOf,
  type TensorRef,
} from "./modelSpec.js";
import { operationName, ownArguments, unsupportedOperation } from "./operationSpec.js";
import { checkOption } from "./optionKinds.js";
import { validName } from "./validNames.js";
import type { ModelWeights } from "./weights.js";

export interface BuildOptions {
  /** For messages: the file. */
  readonly where: string;
  readonly keras: number;
  readonly version: string;
  /** Whether the file's values may be used as they are, or belong to the caller. */
  readonly owned: boolean;
  /** Told how much of the weights is there, from 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** A tensor of the model that is being built, and whether it has a mask. */
interface Made {
  readonly tensor: tf.SymbolicTensor;
  /** Whether tfjs hands a mask on with it. */
  readonly masked: boolean;
  /** Makes the mask that Keras hands on with it, as a tensor; null where there is none. */
  readonly mask: MaskMaker | null;
}

type MaskMaker = () => tf.SymbolicTensor;

/** A call of a layer, the layer's first being 0. */
interface PlacedCall {
  readonly layer: LayerSpec;
  readonly call: CallSpec;
  readonly index: number;
}

/**
 * A model with its weights, or without where `weights` is null.
 *
 * @throws ModelFormatError, UnsupportedLayerError; variables that were made then are the caller's to dispose
 */
export function buildModel(
  spec: ModelSpec,
  weights: ModelWeights | null,
  options: BuildOptions,
): tf.LayersModel {
  return new Builder(options, isIsolated(spec)).whole(spec, weights);
}

/** Whether masks or initial states occur anywhere. */
function isIsolated(spec: ModelSpec): boolean {
  return spec.layers.some(
    ({ className, config, calls, model }) =>
      className === "Masking" ||
      config.mask_zero === true ||
      calls.some(({ kwargs }) =>
        ["mask", "initial_state"].some((key) => refsIn(kwargs[key] ?? null).length > 0),
      ) ||
      (RECURRENT.has(className) && calls.some((call) => refsOf(call).length > 1)) ||
      (isRecord(config.layer) && isRecord(config.layer.config) && config.layer.config.mask_zero === true) ||
      (model !== null && isIsolated(model)),
  );
}

const RECURRENT = new Set(["SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional"]);
/** Layers whose masks are inputs by themselves. */
const ATTENTION = new Set([
  "MultiHeadAttention",
  "GroupQueryAttention",
  "GroupedQueryAttention",
  "Attention",
  "AdditiveAttention",
]);
/** What is no tensor in their calls. */
const ATTENTION_OPTIONS = ["use_causal_mask", "return_attention_scores"];
/** Layers that compute with the mask of their input. */
const USES_MASK = new Set([...RECURRENT, "TimeDistributed", "GlobalAveragePooling1D", "Softmax"]);

class Builder {
  constructor(
    private readonly options: BuildOptions,
    private readonly isolated: boolean,
  ) {}

  /** The models whose first output has a mask. */
  private readonly masking = new Set<Layer>();

  /** The model that is not inside another. */
  whole(spec: ModelSpec, weights: ModelWeights | null): tf.LayersModel {
    this.numbers = spec.kind === "functional" ? spec : null;
    return this.model(spec, weights, null);
  }

  /** The model whose inputs of one number a sample are made `[n, 1]`: tfjs predicts from no others. */
  private numbers: ModelSpec | null = null;

  /** @param masked whether what the model is called with has a mask, in Keras */
  model(
    spec: ModelSpec,
    weights: ModelWeights | null,
    inputShape: Shape | null,
    masked = false,
  ): tf.LayersModel {
    const model =
      spec.kind === "sequential"
        ? this.sequential(spec, weights, inputShape, masked)
        : this.functional(spec, weights, masked);
    if (!spec.trainable) model.trainable = false;
    ownsItsLayers(model);
    return model;
  }

  /** What stands for a mask that goes into a model or leaves it: whoever wants to use it is refused. */
  private outerMask(name: string): MaskMaker {
    return () => {
      throw new UnsupportedLayerError(
        `layer ${name} (a model, ${this.options.version}): a mask that goes into it, or leaves it, is not supported`,
        name,
        "Model",
      );
    };
  }

  private sequential(
    spec: ModelSpec,
    weights: ModelWeights | null,
    given: Shape | null,
    masked: boolean,
  ): tf.LayersModel {
    const [first] = spec.layers;
    if (first === undefined) throw this.wrong(`the model ${spec.name} has no layers`);
    const layers = first.kind === "input" ? spec.layers.slice(1) : spec.layers;
    const [head] = layers;
    const shape = inputShapeOf(first, this.options.where) ?? spec.inputShape ?? nestedInput(first) ?? given;
    if (shape === null) {
      throw this.wrong(`the model ${spec.name} was never built, so that the shape of its input is not known`);
    }
    const model = tf.sequential({ name: spec.name });
    if (head === undefined) throw this.wrong(`the model ${spec.name} has no layer but its input`);
    const name = first.kind === "input" ? first.name : `${head.name}_input`;
    const dtype =
      first.kind === "layer" && first.className === "Embedding"
        ? "int32"
        : inputDType(first, this.options.where);
    const x = tf.input({ batchShape: [...shape], dtype, name });
    let last: Made = { tensor: x, masked: false, mask: masked ? this.outerMask(spec.name) : null };
    for (const [i, layer] of layers.entries()) {
      if (layer.kind === "operation") throw this.wrong(`the operation ${layer.name} stands in a Sequential`);
      const call: CallSpec = { args: [{ ref: { layer: "", call: 0, tensor: 0 } }], kwargs: {} };
      if (USES_MASK.has(layer.className) && last.mask !== null && !last.masked) last.mask();
      const made = this.layer(
        { ...layer, calls: [call] },
        layer,
        weights,
        [last],
        i === 0 ? { batchInputShape: [...shape] } : {},
      );
      if (i === 0) made.apply(x);
      model.add(made);
      const [output] = model.outputs as [tf.SymbolicTensor];
      const mask = this.masking.has(made) ? this.outerMask(layer.name) : maskAfter(layer, [last]);
      last = { tensor: output, masked: carriesMask(made, layer, [last]), mask };
    }
    (model as unknown as { build(): void }).build();
    if (last.mask !== null) this.masking.add(model);
    return model;
  }

  private functional(spec: ModelSpec, weights: ModelWeights | null, hidden: boolean): tf.LayersModel {
    const made = new Map<string, Map<number, Made[]>>();
    const given = new Map<string, tf.SymbolicTensor>();
    const layers = new Map<string, Layer>();
    const specs = new Map(spec.layers.map((layer) => [layer.name, layer]));
    const find = ({ layer, call, tensor }: TensorRef): Made | undefined =>
      made.get(layer)?.get(call)?.[tensor];
    for (const layer of spec.layers.filter(({ kind }) => kind === "input")) {
      const shape = inputShapeOf(layer, this.options.where);
      if (shape === null) throw this.wrong(`the input ${layer.name} has no shape`);
      const single = shape.length === 1 && this.numbers === spec;
      const input = tf.input({
        batchShape: single ? [...shape, 1] : shape,
        dtype: inputDType(layer, this.options.where),
        name: layer.name,
      });
      given.set(layer.name, input);
      const tensor = single ? withoutLastAxis(input, layer.name) : input;
      const mask = hidden ? this.outerMask(spec.name) : null;
      made.set(layer.name, new Map([[0, [{ tensor, masked: false, mask }]]]));
    }
    for (const { layer, call, index } of this.callsInOrder(spec, specs)) {
      const needed = refsOf(call);
      for (const ref of needed) {
        if (find(ref) === undefined)
          throw this.wrong(
            `the layer ${layer.name} takes tensor ${ref.tensor} of ${ref.layer}, there is none`,
          );
      }
      const taken = this.inputsOf(layer, call, find, specs);
      const at = layers.get(layer.name) ?? this.layer(layer, layer, weights, taken, {});
      layers.set(layer.name, at);
      const inputs = this.apart(layer, at, taken, spec);
      const outputs = this.applied(layer, at, inputs);
      const masked = carriesMask(at, layer, inputs);
      const mask = this.masking.has(at) ? this.outerMask(layer.name) : maskAfter(layer, inputs, index);
      if (layer.className === "MultiHeadAttention" && this.options.keras >= 3) {
        // Keras takes the masks off its inputs, so that what runs later does not see them.
        for (const { layer: from, call: at, tensor } of needed) {
          const entries = made.get(from)?.get(at);
          const entry = entries?.[tensor];
          if (entries !== undefined && entry !== undefined)
            entries[tensor] = { ...entry, masked: false, mask: null };
        }
      }
      const calls = made.get(layer.name) ?? new Map<number, Made[]>();
      calls.set(
        index,
        outputs.map((tensor) => ({ tensor, masked, mask })),
      );
      made.set(layer.name, calls);
    }
    const ends = (refs: readonly TensorRef[], what: string) =>
      refs.map((ref) => {
        const end = find(ref);
        if (end === undefined)
          throw this.wrong(`${what} names tensor ${ref.tensor} of ${ref.layer}, there is none`);
        return end.tensor;
      });
    const model = tf.model({
      name: spec.name,
      inputs: ends(spec.inputs, "input_layers").map(
        (end, i) => given.get(spec.inputs[i]?.layer ?? "") ?? end,
      ),
      outputs: distinct(ends(spec.outputs, "output_layers"), new Set(specs.keys())),
    });
    if (spec.outputs.some((ref) => (find(ref)?.mask ?? null) !== null)) this.masking.add(model);
    return model;
  }

  /**
   * The calls that the model's outputs need, each after those whose tensors it takes, else in the order of the file. A layer
   * that nothing needs is not made: it would be in no model, and its weights never freed.
   */
  private callsInOrder(spec: ModelSpec, specs: ReadonlyMap<string, LayerSpec>): PlacedCall[] {
    const places = new Map<string, number>();
    const calls = spec.layers
      .filter(({ kind }) => kind !== "input")
      .flatMap((layer) => layer.calls.map((call, index) => ({ layer, call, index })));
    for (const [place, { layer, index }] of calls.entries()) places.set(`${index} ${layer.name}`, place);
    // How often the file has to be gone through, in its order, until a call has all that it takes.
    const rounds = new Map<number, number>();
    const open = new Set<number>();
    const left = spec.outputs.map((ref) => places.get(`${ref.call} ${ref.layer}`));
    while (left.length > 0) {
      const place = left.at(-1);
      if (place === undefined || rounds.has(place)) {
        left.pop();
        continue;
      }
      const { layer, call } = calls[place] as PlacedCall;
      const refs = refsOf(call).filter((ref) => specs.get(ref.layer)?.kind !== "input");
      if (refsOf(call).length === 0) throw this.wrong(`the layer ${layer.name} takes no tensor`);
      const before = refs.map((ref) => places.get(`${ref.call} ${ref.layer}`));
      const missing = refs.find((_, i) => before[i] === undefined);
      if (missing !== undefined)
        throw this.wrong(
          `the layer ${layer.name} takes call ${missing.call} of ${missing.layer}, there is none`,
        );
      const waits = (before as number[]).filter((other) => !rounds.has(other));
      if (waits.length === 0) {
        const round = (other: number) => (rounds.get(other) as number) + (other < place ? 0 : 1);
        rounds.set(
          place,
          (before as number[]).reduce((most, other) => Math.max(most, round(other)), 0),
        );
        continue;
      }
      open.add(place);
      const circle = waits.find((other) => open.has(other));
      if (circle !== undefined) {
        const name = (calls[circle] as PlacedCall).layer.name;
        throw this.wrong(`the layer ${layer.name} waits for ${name}, which waits for it`);
      }
      left.push(...waits);
    }
    return [...rounds]
      .sort(([a, roundA], [b, roundB]) => roundA - roundB || a - b)
      .map(([place]) => calls[place] as PlacedCall);
  }

  /**
   * tfjs frees a tensor too early that a layer takes twice and another needs later. Our own layers see to it; of others such a
   * second use is of a copy. Inputs of the model are not freed.
   */
  private apart(layer: LayerSpec, at: Layer, inputs: Made[], { layers, outputs }: ModelSpec): Made[] {
    if (at instanceof OwnLayer && at.takesRepeats(inputs.map(({ tensor }) => tensor))) return inputs;
    return inputs.map((made, i) => {
      const { sourceLayer } = made.tensor as unknown as { sourceLayer: Layer };
      const again = inputs.findIndex(({ tensor }) => tensor === made.tensor) < i;
      if (!again || sourceLayer.getClassName() === "InputLayer") return made;
      const uses = layers.flatMap(({ calls }) =>
        calls.filter((call) => refsOf(call).some((ref) => ref.layer === sourceLayer.name)),
      );
      const ends = outputs.some((ref) => ref.layer === sourceLayer.name);
      if (uses.length < 2 && !ends) return made;
      const copy = layerFromConfig("KerasIdentity", { name: `${layer.name}_copy${i}` });
      return { ...made, tensor: copy.apply(made.tensor) as tf.SymbolicTensor };
    });
  }

  private applied(spec: LayerSpec, layer: Layer, inputs: readonly Made[]): tf.SymbolicTensor[] {
    const tensors = inputs.map(({ tensor }) => tensor);
    return this.explained(spec, () => {
      // A merge of one tensor is given as a list.
      const single = tensors.length === 1 && !MERGES.has(spec.className);
      const outputs = [layer.apply(single ? (tensors[0] as tf.SymbolicTensor) : tensors)].flat();
      if (isRecurrent(layer)) forgetStateArguments(layer);
      return outputs as tf.SymbolicTensor[];
    });
  }

  /** The tensors that a call takes, in the order in which our layer wants them, with their masks attached. */
  private inputsOf(
    layer: LayerSpec,
    call: CallSpec,
    find: (ref: TensorRef) => Made | undefined,
    specs: ReadonlyMap<string, LayerSpec>,
  ): Made[] {
    const get = (ref: TensorRef) => find(ref) as Made;
    if (layer.kind === "operation") return refsOf(call).map(get);
    if (ATTENTION.has(layer.className)) {
      for (const [key, value] of [...Object.entries(call.kwargs), ...Object.entries(call.args)]) {
        const atRest = value === null || value === false || refsIn(value).length > 0;
        if (
          !atRest &&
          !ATTENTION_OPTIONS.includes(key) &&
          !(Array.isArray(value) && value.every((v) => v === null))
        )
          throw this.unsupported(layer, `its call argument ${key} = ${shown(value)} is not supported`);
      }
      const { roles, refs } = rolesOf(layer, call);
      for (const role of ["query", "value"]) {
        if (!roles.includes(role)) throw this.wrong(`the layer ${layer.name} takes no tensor as its ${role}`);
      }
      const inputs = refs.map(get);
      return [
        ...inputs,
        ...handedMasks(roles, inputs).map(({ mask }) => ({ tensor: mask(), masked: false, mask: null })),
      ];
    }
    const { mask = null, initial_state = null, training: _training, ...kwargs } = call.kwargs;
    for (const [key, value] of Object.entries(kwargs)) {
      const plain = refsIn(value).length === 0;
      const allowed = ["inputs", "states", "input", "x"].includes(key) && !plain;
      if (!allowed && value !== null && value !== false && key !== "use_causal_mask") {
        throw this.unsupported(layer, `its call argument ${key} = ${shown(value)} is not supported`);
      }
    }
    const main = [...call.args, ...["inputs", "input", "x"].map((key) => kwargs[key] ?? null)].flatMap(
      refsIn,
    );
    const states = [initial_state, kwargs.states ?? null].flatMap(refsIn);
    const inputs = [...main, ...states].map(get);
    const masks = refsIn(mask);
    if (main.length === 0) throw this.wrong(`the layer ${layer.name} takes no tensor as its input`);
    if (layer.className === "Multiply" && this.options.keras >= 3) {
      const hidden = inputs.flatMap(({ mask: make }) => (make === null ? [] : [make()]));
      return [...inputs, ...hidden.map((tensor) => ({ tensor, masked: false, mask: null }))];
    }
    // Keras 3 gives a layer the mask of its input by itself only where the input is all that it takes.
    if (this.options.keras >= 3 && states.length > 0 && masks.length === 0) {
      return inputs.map((made, i) => (i === 0 ? { ...made, masked: false } : made));
    }
    if (!USES_MASK.has(layer.className)) return inputs;
    if (masks.length === 0) {
      const handed = inputs[0]?.mask ?? null;
      if (handed === null) return inputs.map((made, i) => (i === 0 ? { ...made, masked: false } : made));
      if (impliedMask(main[0] as TensorRef, specs) !== null) return inputs;
      return [this.withMask(layer, inputs[0] as Made, handed()), ...inputs.slice(1)];
    }
    const [first] = main as [TensorRef];
    const [given] = masks as [TensorRef];
    if (impliedMask(first, specs) === maskOf(given, specs))
      return inputs.map((made, i) =>
        i === 0 ? { ...made, masked: true, mask: () => get(given).tensor } : made,
      );
    // A mask that tfjs does not carry to this layer by itself.
    return [this.withMask(layer, inputs[0] as Made, get(given).tensor), ...inputs.slice(1)];
  }

  private withMask(layer: LayerSpec, { tensor }: Made, mask: tf.SymbolicTensor): Made {
    const attach = layerFromConfig("WithMask", { name: `${layer.name}_mask` });
    return { tensor: attach.apply([tensor, mask]) as tf.SymbolicTensor, masked: true, mask: () => mask };
  }

  /** A layer that is built, with its weights. */
  private layer(
    spec: LayerSpec,
    key: LayerSpec,
    weights: ModelWeights | null,
    inputs: readonly Made[],
    extra: Record<string, unknown>,
  ): Layer {
    for (const { kwargs } of spec.calls) {
      // In Keras 3 what `predict` says of training goes before what a call says.
      if (kwargs.training === true && this.options.keras < 3) {
        throw this.unsupported(spec, "it is called with training = true, which is not how a model predicts");
      }
    }
    if (spec.model !== null && spec.kind === "model") {
      const shape = inputs[0]?.tensor.shape ?? null;
      const masked = inputs.some(({ mask }) => mask !== null);
      return this.model(spec.model, weights?.inside(key) ?? null, shape, masked);
    }
    if (spec.kind === "operation") return this.operation(spec);
    const context = this.context(spec, inputs);
    const made = this.explained(spec, () => this.instantiate(spec, context, weights, key, extra));
    if (isRecurrent(made)) {
      whenFreed(made, () => disposeStates(made));
    }
    // A model inside has its weights already.
    if (weights !== null && spec.model === null) this.buildWith(spec, made, inputs, weights.of(key), weights);
    return made;
  }

  private context(spec: LayerSpec, inputs: readonly Made[]): ConvertContext {
    const { keras, version } = this.options;
    const plain = spec.calls.map(({ kwargs }) =>
      Object.fromEntries(
        Object.entries(kwargs).filter(([key, value]) => ATTENTION_OPTIONS.includes(key) && value !== null),
      ),
    );
    if (plain.some((call) => JSON.stringify(call) !== JSON.stringify(plain[0]))) {
      throw this.unsupported(spec, `its calls differ in ${ATTENTION_OPTIONS.join(" or ")}`);
    }
    const roles = ATTENTION.has(spec.className) ? spec.calls.map((call) => rolesOf(spec, call).roles) : [[]];
    if (roles.some((names) => String(names) !== String(roles[0]))) {
      throw this.unsupported(spec, "its calls differ in which of query, value, key and masks they take");
    }
    // Of a product's factors: masks come after them.
    const [call] = spec.calls;
    const factors =
      spec.className === "Multiply" && call !== undefined ? call.args.flatMap(refsIn).length : 0;
    if (factors > 0 && this.options.keras >= 3) {
      roles[0] = inputs.slice(0, factors).map(({ mask }) => (mask === null ? "factor" : "masked"));
    }
    return {
      keras,
      version,
      callOptions: (plain[0] ?? {}) as JsonRecord,
      roles: [
        ...(roles[0] as string[]),
        ...handedMasks(roles[0] as string[], inputs).map(({ role }) => role),
      ],
      rank: inputs[0]?.tensor.shape.length ?? null,
      inputShape: inputs[0]?.tensor.shape ?? null,
      isolated: this.isolated,
      masked: (inputs[0]?.masked ?? false) && inputs[0]?.mask !== null,
      wrapped: false,
    };
  }

  private instantiate(
    spec: LayerSpec,
    context: ConvertContext,
    weights: ModelWeights | null,
    key: LayerSpec,
    extra: Record<string, unknown>,
  ): Layer {
    const { className, name, config } = spec;
    if (className !== "Bidirectional" && className !== "TimeDistributed") {
      const converted = convertLayer(className, name, config, context);
      return layerFromConfig(converted.className, { ...converted.config, ...extra });
    }
    const inner = config.layer;
    if (!isRecord(inner) || !isRecord(inner.config))
      throw this.wrong(`the layer ${name} (${className}) holds no layer`);
    const innerClass = classNameOf(inner, `${name}: layer`);
    const innerName = typeof inner.config.name === "string" ? inner.config.name : innerClass;
    const common = { name, ...extra };
    if (className === "TimeDistributed") {
      const rank = context.rank === null ? null : context.rank - 1;
      const inputShape =
        context.inputShape === null ? null : [context.inputShape[0] ?? null, ...context.inputShape.slice(2)];
      const layer =
        spec.model !== null
          ? this.model(spec.model, weights?.inside(key) ?? null, inputShape)
          : this.wrapped(innerClass, innerName, inner.config, {
              ...context,
              rank,
              inputShape,
              masked: false,
            });
      return tf.layers.timeDistributed({ layer, ...common });
    }
    checkOption("merge_mode", config.merge_mode);
    this.checkBackward(spec, inner.config);
    // Keras makes it so, whatever the configuration says.
    const zeros = { zero_output_for_mask: inner.config.return_sequences === true };
    const layer = this.wrapped(
      innerClass,
      innerName,
      { ...inner.config, ...zeros },
      { ...context, wrapped: true },
    );
    return tf.layers.bidirectional({
      layer: layer as tf.RNN,
      mergeMode: (config.merge_mode ?? null) as "concat",
      ...common,
    });
  }

  private wrapped(className: string, name: string, config: JsonRecord, context: ConvertContext): Layer {
    if (className === "Bidirectional" || className === "TimeDistributed") {
      const own = validName(name);
      const spec: LayerSpec = {
        kind: "layer",
        name: own,
        savedName: name,
        className,
        config,
        calls: [],
        model: null,
      };
      return this.instantiate(spec, context, null, spec, {});
    }
    const converted = convertLayer(className, validName(name), config, context);
    return layerFromConfig(converted.className, converted.config);
  }

  /** tfjs makes the layer that runs backwards from the one that runs forwards. */
  private checkBackward(spec: LayerSpec, forward: JsonRecord): void {
    const backward = spec.config.backward_layer;
    if (!isRecord(backward) || !isRecord(backward.config)) return;
    for (const [key, value] of Object.entries(backward.config)) {
      const wanted = key === "go_backwards" ? forward.go_backwards !== true : forward[key];
      const same = JSON.stringify(value) === JSON.stringify(wanted);
      if (!same && !/^(name|seed|dtype)$|_(initializer|regularizer|constraint)$/.test(key)) {
        throw this.unsupported(
          spec,
          `its two layers differ in ${key}: ${shown(forward[key])} and ${shown(value)}`,
        );
      }
    }
  }

  private operation(spec: LayerSpec): Layer {
    const { name } = spec;
    const why = unsupportedOperation(spec);
    if (why !== null) throw this.unsupported(spec, why);
    const [call] = spec.calls as [CallSpec];
    let count = 0;
    const convert = (value: CallValue): OperationArgument => {
      if (Array.isArray(value)) return value.map(convert);
      if (typeof value !== "object" || value === null) return value;
      if ("ref" in value) return { input: count++ };
      if (value.class_name === "__slice__" && isRecord(value.config)) {
        const { start, stop, step } = value.config as Record<string, number | null>;
        return { slice: [start ?? null, stop ?? null, step ?? null] };
      }
      // Of Keras 2, which writes a slice so.
      const keys = Object.keys(value).sort();
      if (String(keys) === "start,step,stop") {
        const { start, stop, step } = value as Record<string, number | null>;
        return { slice: [start ?? null, stop ?? null, step ?? null] };
      }
      if (value.class_name === "__ellipsis__") return { ellipsis: true };
      if (value.class_name === "__numpy__" || value.class_name === "__tensor__") {
        const { value: data, dtype } = isRecord(value.config) ? value.config : { value: null, dtype: null };
        const kind = /^float(32|64)$/.test(String(dtype))
          ? "float32"
          : dtype === "bool"
            ? "bool"
            : /int/.test(String(dtype))
              ? "int32"
              : null;
        if ((typeof data === "number" || Array.isArray(data)) && kind !== null)
          return { constant: data as OperationArgument, dtype: kind };
      }
      throw this.unsupported(spec, `its argument ${shown(value)} is not supported`);
    };
    const args = call.args.map(convert);
    const kwargs = Object.fromEntries([
      ...ownArguments(spec).map(([key, value]) => [key, convert(value as CallValue)]),
      ...Object.entries(call.kwargs)
        .filter(([key]) => key !== "name")
        .map(([key, value]) => [key, convert(value)]),
    ]);
    return layerFromConfig("Operation", operationConfig(name, operationName(spec), args, kwargs));
  }

  /** Builds a layer whose weights are the arrays, in their order. */
  private buildWith(
    spec: LayerSpec,
    layer: Layer,
    inputs: readonly Made[],
    arrays: readonly Hdf5Array[],
    { where }: ModelWeights,
  ): void {
    const what = `layer ${spec.name} (${spec.className})`;
    let used = 0;
    const undo = initializeWith(layer, (weight, shape) => {
      const array = arrays[used++];
      if (array === undefined) {
        throw new ModelFormatError(
          `${where}: ${what} has ${arrays.length} weights in the file, ${weight} is missing`,
        );
      }
      if (String(array.shape) !== String(shape)) {
        throw new ModelFormatError(
          `${where}: ${array.path} has shape ${sizes(array.shape)}, ${what} takes its ${weight} as ${sizes(shape)}`,
        );
      }
      const values = array.values();
      return tf.tensor(this.options.owned ? values : values.slice(), [...array.shape], "float32");
    });
    try {
      this.explained(spec, () => {
        const shapes = inputs.map(({ tensor }) => tensor.shape);
        if (!layer.built)
          layer.build(shapes.length === 1 && !MERGES.has(spec.className) ? (shapes[0] as tf.Shape) : shapes);
        layer.built = true;
        for (const inner of innerLayers(layer)) inner.built = true;
      });
    } finally {
      undo();
    }
    if (used !== arrays.length) {
      throw new ModelFormatError(
        `${where}: ${what} takes ${used} weights, the file has ${arrays.length} for it`,
      );
    }
    this.progress(arrays);
  }

  private read = 0;
  private progress(arrays: readonly Hdf5Array[]): void {
    this.read += arrays.reduce((sum, { size }) => sum + size, 0);
    this.options.onProgress?.(this.read);
  }

  /** What tfjs says of a layer, with the layer's name before it. */
  private explained<T>(spec: LayerSpec, run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (spec.kind === "operation" && error instanceof ArgumentError)
        throw this.unsupported(spec, error.message);
      if (error instanceof ModelFormatError || error instanceof UnsupportedLayerError) throw error;
      const message = reasonOf(error);
      if (spec.kind === "operation")
        throw this.unsupported(spec, `it is not supported with these arguments: ${message}`);
      throw new ModelFormatError(
        `${this.options.where}: layer ${spec.name} (${spec.className}) cannot be made: ${message}`,
        { cause: error },
      );
    }
  }

  private wrong(what: string): ModelFormatError {
    return new ModelFormatError(`${this.options.where}: ${what}`);
  }

  private unsupported(spec: LayerSpec, what: string): UnsupportedLayerError {
    return new UnsupportedLayerError(
      `layer ${spec.name} (${spec.className}, ${this.options.version}): ${what}`,
      spec.name,
      spec.className,
    );
  }
}

const sizes = (shape: Shape): string => `[${shape.map((n) => n ?? "unknown").join(", ")}]`;

const MERGES = new Set([
  "Add",
  "Subtract",
  "Multiply",
  "Average",
  "Maximum",
  "Minimum",
  "Concatenate",
  "Dot",
]);

/** Whether the output of a layer has a mask, as tfjs hands it on. */
function carriesMask(layer: Layer, spec: LayerSpec, inputs: readonly Made[]): boolean {
  if (spec.className === "Embedding") return spec.config.mask_zero === true;
  if (spec.className === "Masking") return true;
  if (MERGES.has(spec.className)) return false;
  if (spec.kind === "model" || !layer.supportsMasking || !inputs.some(({ masked }) => masked)) return false;
  if (!RECURRENT.has(spec.className)) return true;
  const config = isRecord(spec.config.layer) ? spec.config.layer.config : spec.config;
  return isRecord(config) && config.return_sequences === true;
}

/** Layers that hand on the mask of their first input, in Keras. */
const HANDS_ON = new Set(
  (
    "Dropout SpatialDropout1D GaussianNoise GaussianDropout AlphaDropout Activation ReLU LeakyReLU PReLU ELU Softmax " +
    "BatchNormalization LayerNormalization GroupNormalization UnitNormalization Dense TimeDistributed " +
    "MultiHeadAttention GroupQueryAttention GroupedQueryAttention Attention AdditiveAttention ActivityRegularization Identity"
  ).split(" "),
);

/** How to make the mask that Keras hands on with what a layer gives. */
function maskAfter(spec: LayerSpec, inputs: readonly Made[], call = 0): MaskMaker | null {
  const ending = call === 0 ? "" : `_${call}`;
  const [first] = inputs;
  if (first === undefined || spec.kind !== "layer") return null;
  const { className, config } = spec;
  if (className === "Embedding") {
    return config.mask_zero === true
      ? once(() => operate(spec, "NotEqual", [first.tensor], [{ input: 0 }, 0], ending))
      : null;
  }
  if (className === "Masking") {
    const value = typeof config.mask_value === "number" ? config.mask_value : 0;
    return once(() => {
      const differs = operate(spec, "NotEqual", [first.tensor], [{ input: 0 }, value], `_values${ending}`);
      return operate(spec, "Any", [differs], [{ input: 0 }, -1], ending);
    });
  }
  if (RECURRENT.has(className)) {
    const own = isRecord(config.layer) ? config.layer.config : config;
    return isRecord(own) && own.return_sequences === true ? first.mask : null;
  }
  if (MERGES.has(className) && className !== "Dot" && className !== "Concatenate") {
    const masks = inputs.map(({ mask }) => mask);
    if (masks.some((mask) => mask === null)) return null;
    if (masks.every((mask) => mask === masks[0])) return first.mask;
    return once(() =>
      (masks as MaskMaker[])
        .map((mask) => mask())
        .reduce((a, b, i) =>
          operate(spec, "LogicalOr", [a, b], [{ input: 0 }, { input: 1 }], `_${i}${ending}`),
        ),
    );
  }
  return HANDS_ON.has(className) ? first.mask : null;
}

/** `[n]` of `[n, 1]`. */
function withoutLastAxis(x: tf.SymbolicTensor, name: string): tf.SymbolicTensor {
  const config = operationConfig(`${name}_numbers`, "Reshape", [{ input: 0 }, [-1]]);
  return layerFromConfig("Operation", config).apply(x) as tf.SymbolicTensor;
}

function once(make: MaskMaker): MaskMaker {
  let made: tf.SymbolicTensor | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function operate(
  spec: LayerSpec,
  operation: string,
  inputs: tf.SymbolicTensor[],
  args: OperationArgument[],
  ending = "",
): tf.SymbolicTensor {
  const name = `${spec.name}_mask${ending}`;
  const layer = layerFromConfig("Operation", operationConfig(name, operation, args));
  return layer.apply(inputs.length === 1 ? (inputs[0] as tf.SymbolicTensor) : inputs) as tf.SymbolicTensor;
}

/** The masks that an attention layer finds with its inputs, of those that its call does not name. */
function handedMasks(roles: readonly string[], inputs: readonly Made[]): { role: string; mask: MaskMaker }[] {
  return roles.flatMap((role, i) => {
    const mask = ["query", "value", "key"].includes(role) ? (inputs[i]?.mask ?? null) : null;
    return mask === null || roles.includes(`${role}Mask`) ? [] : [{ role: `${role}Mask`, mask }];
  });
}

/** What the tensors of an attention layer's call are. */
function rolesOf(layer: LayerSpec, { args, kwargs }: CallSpec): { roles: string[]; refs: TensorRef[] } {
  const heads = layer.className !== "Attention" && layer.className !== "AdditiveAttention";
  const found: [string, TensorRef][] = [];
  const add = (role: string, value: CallValue | undefined) => {
    const [ref] = refsIn(value ?? null);
    if (ref !== undefined) found.push([role, ref]);
  };
  if (heads) {
    const order = ["query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask"];
    for (const [i, name] of order.entries()) add(roleName(name), args[i] ?? kwargs[name]);
  } else {
    const [inputs = kwargs.inputs] = args;
    const list = Array.isArray(inputs) ? inputs : args;
    for (const [i, name] of ["query", "value", "key"].entries()) add(name, list[i]);
    const masks = args[1] !== undefined && Array.isArray(inputs) ? args[1] : kwargs.mask;
    if (Array.isArray(masks))
      for (const [i, name] of ["queryMask", "valueMask"].entries()) add(name, masks[i]);
  }
  return { roles: found.map(([role]) => role), refs: found.map(([, ref]) => ref) };
}

function roleName(name: string): string {
  return name.replace(/_m/, "M");
}

/** The shape that an InputLayer states, or a first layer of Keras 2. */
function inputShapeOf(layer: LayerSpec, where: string): (number | null)[] | null {
  const shape = layer.config.batch_shape ?? layer.config.batch_input_shape ?? null;
  return shape === null ? null : asShape(shape, `${where}: ${layer.name}: its input shape`);
}

/** Of a Sequential that begins with a model. */
function nestedInput({ model }: LayerSpec): Shape | null {
  if (model === null) return null;
  if (model.kind === "sequential") {
    const [first] = model.layers;
    return first === undefined
      ? null
      : (inputShapeOf(first, model.name) ?? model.inputShape ?? nestedInput(first));
  }
  const [input] = model.inputs;
  const layer = model.layers.find(({ name }) => name === input?.layer);
  return layer === undefined ? null : inputShapeOf(layer, model.name);
}

function inputDType(layer: LayerSpec, where: string): tf.DataType {
  if (layer.kind !== "input") return "float32";
  const { dtype } = layer.config;
  const name = isRecord(dtype) && isRecord(dtype.config) ? dtype.config.name : dtype;
  if (name === "string")
    throw new ModelFormatError(`${where}: the input ${layer.name} is text, which is not supported`);
  if (name === "bool") return "bool";
  return typeof name === "string" && /int/.test(name) ? "int32" : "float32";
}
