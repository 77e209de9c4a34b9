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
import { OwnLayer } from "../../layers/OwnLayer.js";
import { reasonOf } from "../saying.js";
import { ATTENTION, ATTENTION_OPTIONS, foundMasks, rolesOf } from "./attentionCall.js";
import { callsInOrder } from "./callOrder.js";
import { isRecord, type JsonRecord, shown } from "./checks.js";
import { type ConvertContext, convertLayer } from "./convertLayer.js";
import {
  carriesMask,
  isIsolated,
  type Made,
  type MaskMaker,
  MERGES,
  maskAfter,
  USES_MASK,
} from "./handedMasks.js";
import type { Hdf5Array } from "./hdf5.js";
import { inputDType, inputShapeOf, nestedInput, withoutLastAxis } from "./inputSpec.js";
import { impliedMask, maskOf } from "./masks.js";
import {
  type CallSpec,
  classNameOf,
  type LayerSpec,
  type ModelSpec,
  refsIn,
  refsOf,
  type TensorRef,
} from "./modelSpec.js";
import { operationLayer } from "./operationCall.js";
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
    for (const { layer, call, index } of callsInOrder(spec, specs, (what) => this.wrong(what))) {
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
        ...foundMasks(roles, inputs).map(({ mask }) => ({ tensor: mask(), masked: false, mask: null })),
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
    if (spec.kind === "operation") return operationLayer(spec, (what) => this.unsupported(spec, what));
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
      roles: [...(roles[0] as string[]), ...foundMasks(roles[0] as string[], inputs).map(({ role }) => role)],
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
