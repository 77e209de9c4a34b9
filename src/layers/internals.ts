/**
 * The one file that reaches into tfjs-layers: what a model records of its graph, and how a layer makes its weights. The
 * names are those of @tensorflow/tfjs-layers 4.22, where they are private or not exported.
 */
import * as tf from "@tensorflow/tfjs";

export type Layer = tf.layers.Layer;
export type Shape = readonly (number | null)[];

/** One recorded call of a layer. */
export interface LayerNode {
  /** Counts all calls of all layers. */
  readonly id: number;
  readonly outboundLayer: Layer;
  readonly inboundLayers: readonly Layer[];
  readonly inputTensors: readonly tf.SymbolicTensor[];
  readonly outputTensors: readonly tf.SymbolicTensor[];
  readonly callArgs?: Record<string, unknown>;
}

/** A model, or anything of tfjs that holds a graph of layers. */
export interface Container extends Layer {
  readonly inputs: tf.SymbolicTensor[];
  readonly outputs: tf.SymbolicTensor[];
  readonly nodesByDepth: Record<string, LayerNode[]>;
}

/** A layer's config, with what tfjs's own leaves out: the depthMultiplier of SeparableConv2D. */
export function configOf(layer: Layer): tf.serialization.ConfigDict {
  const { depthMultiplier } = layer as unknown as { depthMultiplier?: number };
  return { ...(depthMultiplier !== undefined && { depthMultiplier }), ...layer.getConfig() };
}

/** A variable of a layer. */
export type LayerVariable = Layer["weights"][number];

/** True for a model used as a layer. A Sequential that was never built has no graph yet, and is one nevertheless. */
export function isContainer(layer: Layer): layer is Container {
  return "nodesByDepth" in layer || layer.getClassName() === "Sequential";
}

/**
 * The model that a Sequential begins with, or null. tfjs records no call of it: the Sequential takes its inputs and
 * outputs, and so has its calls among its own.
 */
export function firstModelOf(container: Container): Container | null {
  if (!(container instanceof tf.Sequential)) return null;
  const [first] = (container as tf.Sequential).layers as Layer[];
  return first !== undefined && isContainer(first) ? first : null;
}

/**
 * The recorded calls inside a model, each after those it needs. Null for a Sequential without layers; one with layers gets
 * its graph here, as tfjs would give it at its first use.
 */
export function nodesInOrder(container: Container): LayerNode[] | null {
  if (Object.keys(container.nodesByDepth ?? {}).length === 0) {
    if (container.outputs === undefined || container.outputs.length === 0) return null;
    (container as unknown as { build(): void }).build();
  }
  const { nodesByDepth } = container;
  return Object.keys(nodesByDepth)
    .map(Number)
    .sort((a, b) => b - a)
    .flatMap((depth) => nodesByDepth[depth] as LayerNode[]);
}

const twins = new WeakMap<tf.SymbolicTensor, tf.SymbolicTensor[]>();

/**
 * The symbolic tensor that stands for another one in a further use of the model that it lies in: the same in all but
 * identity. No layer records it.
 *
 * @param use 0 for the recorded tensor itself, 1 for the second use; the same use gives the same tensor again
 */
export function twinOf(tensor: tf.SymbolicTensor, use: number): tf.SymbolicTensor {
  if (use === 0) return tensor;
  const known = twins.get(tensor) ?? [];
  twins.set(tensor, known);
  known[use] ??= Object.assign(Object.create(tf.SymbolicTensor.prototype), tensor) as tf.SymbolicTensor;
  return known[use];
}

/** The layer that recorded a symbolic tensor, and the call that made it. */
export function sourceOf(tensor: tf.SymbolicTensor): { layer: Layer; node: LayerNode } {
  const { sourceLayer, nodeIndex } = tensor as unknown as { sourceLayer: Layer; nodeIndex: number };
  return { layer: sourceLayer, node: sourceLayer.inboundNodes[nodeIndex] as unknown as LayerNode };
}

/** The calls of a layer, in the order in which they were made, also those outside of any one model. */
export function callsOfLayer(layer: Layer): readonly LayerNode[] {
  return layer.inboundNodes as unknown as LayerNode[];
}

/** The calls that take an output of a layer, once for each output they take. */
export function callsWithLayerAsInput(layer: Layer): readonly LayerNode[] {
  return layer.outboundNodes as unknown as LayerNode[];
}

/** Whether a layer has a cell that it runs step by step. */
export function isRecurrent(layer: Layer): boolean {
  return layerIn(layer, "cell") !== null || forwardLayer(layer) !== null;
}

/** The one of a Bidirectional's layers that runs forwards, or null. */
export function forwardLayer(layer: Layer): Layer | null {
  return layerIn(layer, "forwardLayer");
}

/** Whether a layer was given an input shape, so that a Sequential can begin with it. */
export function hasInputShape(layer: Layer): boolean {
  return (layer as unknown as { batchInputShape?: Shape }).batchInputShape != null;
}

/** The layer that a wrapper wraps, or null. */
export function wrappedLayer(layer: Layer): Layer | null {
  return layerIn(layer, "layer");
}

/** The model that a layer wraps, or that a wrapper in it wraps; or null. */
export function wrappedModel(layer: Layer): Container | null {
  const wrapped = wrappedLayer(layer);
  return wrapped === null || isContainer(wrapped) ? wrapped : wrappedModel(wrapped);
}

/** The layer in a field of a layer, or null: a class of a user's may have anything there. */
function layerIn(layer: Layer, field: string): Layer | null {
  const value = (layer as unknown as Record<string, unknown>)[field];
  return value instanceof tf.layers.Layer ? value : null;
}

/** Layers inside a layer that make weights of their own: the cells of recurrent layers, what wrappers wrap. */
export function innerLayers(layer: Layer): Layer[] {
  const fields = layer as unknown as Record<string, unknown>;
  const single = ["cell", "layer", "forwardLayer", "backwardLayer"].map((name) => fields[name]);
  const cells = Array.isArray(fields.cells) ? fields.cells : [];
  return [...single, ...cells].filter((inner): inner is Layer => inner instanceof tf.layers.Layer);
}

/** A layer, and all that it has inside. */
export function withInner(layer: Layer): Layer[] {
  return [layer, ...innerLayers(layer).flatMap(withInner)];
}

/** The variables that a layer itself made, without those of its inner layers. */
export function ownVariables(layer: Layer): LayerVariable[] {
  const { _trainableWeights, _nonTrainableWeights } = layer as unknown as {
    _trainableWeights: LayerVariable[];
    _nonTrainableWeights: LayerVariable[];
  };
  return [..._trainableWeights, ..._nonTrainableWeights];
}

/** What a layer asks for when it makes a weight: the arguments of tfjs's `addWeight`. */
type AddWeight = (
  name: string,
  shape: Shape,
  dtype?: tf.DataType,
  initializer?: { apply(shape: Shape): tf.Tensor },
  regularizer?: { apply(x: tf.Tensor): tf.Scalar } | null,
  trainable?: boolean,
  constraint?: unknown,
  getInitializer?: unknown,
) => LayerVariable;

/** A weight for a layer that asks for one: a variable that it is to use, or a value for a variable of its own. */
export type ProvidedWeight =
  | { readonly variable: LayerVariable }
  /** Not disposed. `name` is what the variable is called: `"dense_2/kernel"`. */
  | { readonly value: tf.Tensor; readonly name: string; readonly trainable: boolean };

/**
 * Makes a layer that is not built yet take its weights from `provide` instead of drawing new ones. `provide` gets the name
 * that the layer asks for (`"kernel"`).
 */
export function provideWeights(layer: Layer, provide: (name: string, shape: Shape) => ProvidedWeight): void {
  const own = layer as unknown as {
    addWeight: AddWeight;
    addLoss(loss: () => tf.Scalar): void;
    _trainableWeights: LayerVariable[];
    _nonTrainableWeights: LayerVariable[];
  };
  const make = own.addWeight;
  own.addWeight = (name, shape, dtype, _initializer, regularizer, trainable = true, ...more) => {
    const provided = provide(name, shape);
    if ("value" in provided) {
      const initializer = { apply: () => provided.value.clone() };
      // tfjs lets `fastWeightInitDuringBuild` replace the initializer by zeros; the last argument decides by what.
      const variable = make.call(
        layer,
        name,
        shape,
        dtype,
        initializer,
        regularizer,
        trainable,
        more[0],
        () => initializer,
      );
      Object.assign(variable, { originalName: provided.name, trainable: provided.trainable });
      return variable;
    }
    const { variable } = provided;
    (trainable ? own._trainableWeights : own._nonTrainableWeights).push(variable);
    if (regularizer != null) own.addLoss(() => regularizer.apply(variable.read()));
    return variable;
  };
}

/** Fields of tfjs's own layers that hold tensors which are no weights: given initial values, and recurrent states. */
const NO_WEIGHTS = new Set([
  "initialWeights",
  "states_",
  "keptStates",
  "dropoutMask",
  "recurrentDropoutMask",
]);

/** The fields of tfjs's class Layer. */
const OF_EVERY_LAYER: ReadonlySet<string> = new Set(
  (
    "_callHook _addedWeightNames _stateful id activityRegularizer inputSpec supportsMasking _trainableWeights " +
    "_nonTrainableWeights _losses _updates _built inboundNodes outboundNodes name trainable_ batchInputShape dtype " +
    "_refCount fastWeightInitDuringBuild"
  ).split(" "),
);

/**
 * The fields in which a layer keeps weights, or layers with weights, that tfjs does not know of: a tf.Variable made in its
 * constructor, a layer that it calls inside. They are in no `layer.weights`, so nothing saves, copies or disposes them.
 */
export function hiddenWeights(layer: Layer): string[] {
  const weights = new Set(layer.weights);
  const told = innerLayers(layer).filter((inner) => inner.weights.every((weight) => weights.has(weight)));
  const known = new Set<unknown>([...ownVariables(layer), ...told]);
  const hides = (value: unknown): boolean => {
    if (known.has(value)) return false;
    if (Array.isArray(value)) return value.some(hides);
    if (value instanceof tf.Variable) return true;
    return value instanceof tf.layers.Layer && (value.weights.length > 0 || hiddenWeights(value).length > 0);
  };
  return fieldsOf(layer)
    .filter(([, value]) => hides(value))
    .map(([field]) => field);
}

/** The fields of a layer that hold a tensor which is no variable: constants, which its class has to make anew in a copy. */
export function constantsOf(layer: Layer): Map<string, tf.Tensor> {
  return new Map(
    fieldsOf(layer).filter(
      (entry): entry is [string, tf.Tensor] =>
        entry[1] instanceof tf.Tensor && !(entry[1] instanceof tf.Variable),
    ),
  );
}

/** The fields that a layer's class gave it, without those that every layer has. */
export function fieldsOf(layer: Layer): [string, unknown][] {
  return Object.entries(layer).filter(([field]) => !NO_WEIGHTS.has(field) && !OF_EVERY_LAYER.has(field));
}

/** Whether a layer has its weights. A recurrent one that was built by hand does not say that it is built. */
export function isBuilt(layer: Layer): boolean {
  return layer.built || layer.weights.length > 0;
}

/**
 * Makes a layer that is not built yet, and the layers inside it, begin with the tensors that `next` gives instead of what
 * its initializers draw. `next` gets the name that a layer asks for (`"kernel"`), and hands its tensor over.
 *
 * @returns a function that ends it, to be called once the layer is built
 */
export function initializeWith(
  layer: Layer,
  next: (name: string, shape: Shape) => tf.Tensor,
  scope = layer.name,
): () => void {
  const own = layer as unknown as { addWeight?: AddWeight };
  const addWeight = own.addWeight as AddWeight;
  own.addWeight = (name, shape, dtype, _initializer, ...rest) => {
    const variable = addWeight.call(layer, name, shape, dtype, { apply: () => next(name, shape) }, ...rest);
    // tfjs puts the layer's name before, from the scope in which it builds layers.
    Object.assign(variable, { originalName: `${scope}/${variable.originalName}` });
    return variable;
  };
  const undoInner = innerLayers(layer)
    .filter((inner) => !isContainer(inner))
    .map((inner) => initializeWith(inner, next, scope));
  return () => {
    delete own.addWeight;
    for (const undo of undoInner) undo();
  };
}

/** Adds a weight to a layer of ours that is being built. The method is protected in the types, and less general there. */
export function addWeight(
  layer: Layer,
  name: string,
  shape: Shape,
  initializer: ReturnType<typeof tf.initializers.zeros>,
  trainable = true,
): LayerVariable {
  return (layer as unknown as { addWeight: AddWeight }).addWeight(
    name,
    shape,
    "float32",
    initializer,
    undefined,
    trainable,
  );
}

/** Makes a layer of a class that tfjs or we registered, from its configuration in camel case. It may keep the object. */
export function layerFromConfig(className: string, config: object): Layer {
  const classes = tf.serialization.SerializationMap.getMap().classNameMap;
  const [cls, fromConfig] = classes[className] as unknown as [
    unknown,
    (cls: unknown, config: object) => Layer,
  ];
  return fromConfig(cls, config);
}

/** Whether a class of layers, cells or activations is registered under a name. */
export function isRegistered(className: string): boolean {
  return Object.hasOwn(tf.serialization.SerializationMap.getMap().classNameMap, className);
}

/** A function such as relu that layers have as their activation. */
export interface ActivationFunction {
  apply(x: tf.Tensor): tf.Tensor;
  getClassName(): string;
}

/** The activation that is registered under a name. */
export function activationNamed(name: string): ActivationFunction {
  const [cls] = tf.serialization.SerializationMap.getMap().classNameMap[name] as unknown as [
    new () => ActivationFunction,
  ];
  return new cls();
}

/**
 * Builds a layer as its first call would, so that it has its weights. False where the shapes that `like`, a built layer of
 * the same settings, was built for are not known: it was only ever called on tensors.
 */
export function buildLike(layer: Layer, like: Layer): boolean {
  const shape = builtFor(like);
  if (shape === null) return false;
  layer.build(shape as tf.Shape);
  layer.built = true;
  return true;
}

/** The shape of a layer's first recorded input, a list of them for several; else what the layer itself tells of it. */
function builtFor(layer: Layer): Shape | readonly Shape[] | null {
  const [call] = callsOfLayer(layer) as readonly { readonly inputShapes?: readonly Shape[] }[];
  if (call?.inputShapes !== undefined && call.inputShapes.length > 0)
    return call.inputShapes.length === 1 ? (call.inputShapes[0] as Shape) : call.inputShapes;
  const { batchInputShape, inputSpec, depthwiseKernel } = layer as unknown as {
    batchInputShape?: Shape;
    inputSpec: { shape?: Shape; ndim?: number; minNDim?: number; axes?: Record<string, number> }[] | null;
    depthwiseKernel?: LayerVariable;
  };
  if (batchInputShape !== undefined) return batchInputShape;
  const forward = forwardLayer(layer);
  if (forward !== null) return builtFor(forward);
  const spec = inputSpec?.[0];
  if (spec?.shape) return spec.shape;
  const { axis, dataFormat } = layer.getConfig();
  if (inputSpec === null && axis !== undefined) {
    // LayerNormalization: of the input's shape it needs the rank alone.
    return Array(Math.max(...([axis].flat() as number[])) + 1).fill(null);
  }
  let rank = spec?.ndim ?? spec?.minNDim ?? 0;
  const axes = Object.entries(spec?.axes ?? {});
  if (axes.length === 0 && depthwiseKernel) {
    // DepthwiseConv2D specifies nothing; its kernel has the channels.
    rank = depthwiseKernel.shape.length;
    axes.push([dataFormat === "channelsFirst" ? "1" : "-1", depthwiseKernel.shape.at(-2) as number]);
  }
  if (axes.length === 0) return null;
  const shape: (number | null)[] = Array(rank).fill(null);
  for (const [at, size] of axes) shape[(Number(at) + rank) % rank] = size;
  return shape;
}

/**
 * Layers with weights that had not been called when they were retained, which tfjs gives no count. Their user owns them
 * nevertheless, until a call in a model takes over.
 */
const ownedUncalled = new WeakSet<Layer>();

/**
 * One more owner of a layer's weights, in tfjs's own count.
 *
 * @returns what lets go of them again; calling it more than once does nothing more
 */
export function retain(layer: Layer): () => void {
  const counted = layer as unknown as { _refCount: number | null };
  if (counted._refCount === null) ownedUncalled.add(layer);
  counted._refCount = (counted._refCount ?? 1) + 1;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    const owners = counted._refCount as number;
    if (!layer.built) {
      // A wrapper of a model has weights before it is called, and tfjs refuses to dispose it then.
      counted._refCount = owners === 2 ? null : owners - 1;
      return;
    }
    if (owners > 1 && callsOfLayer(layer).length > 0 && ownedUncalled.delete(layer))
      counted._refCount = owners - 1;
    // What holds the same weights may have gone before it: a model, and a wrapper of that.
    if (counted._refCount === 1) toleratesDisposedWeights(layer);
    layer.dispose();
  };
}

/** Whether a variable is disposed: tfjs's, or one that is shared. */
function isDisposedVariable(variable: LayerVariable): boolean {
  const { isDisposed, val } = variable as unknown as { isDisposed?: boolean; val: tf.Variable };
  return isDisposed ?? val.isDisposed;
}

/** Makes the disposal of a layer leave out the weights that are disposed already, at which tfjs throws. */
export function toleratesDisposedWeights(layer: Layer): void {
  (layer as unknown as { disposeWeights(): number }).disposeWeights = () => {
    const left = layer.weights.filter((variable) => !isDisposedVariable(variable));
    for (const variable of left) variable.dispose();
    return left.length;
  };
}

/**
 * Lets a layer of ours that is built, and was never called, be disposed: tfjs refuses that. A call in a model counts as
 * always.
 */
export function disposableUnused(layer: Layer): void {
  const counted = layer as unknown as { _refCount: number | null; dispose: Layer["dispose"] };
  const dispose = counted.dispose;
  counted.dispose = () => {
    counted._refCount ??= 1;
    return dispose.call(layer);
  };
}

/**
 * Makes a layer's weights go with the last of so many disposals. tfjs counts a layer's calls as its owners, and disposing a
 * model takes away one, so that of a layer that is called twice the weights would stay.
 */
export function freedAfter(layer: Layer, disposals: number): void {
  (layer as unknown as { _refCount: number })._refCount = disposals;
}

/** Makes disposing the one model that has a layer free it. tfjs disposes a nested model twice. */
export function ownedByOneModel(layer: Layer): void {
  freedAfter(layer, isContainer(layer) ? 2 : 1);
}

/** The same for all layers of a model. A Sequential disposes its models once. */
export function ownsItsLayers(model: tf.LayersModel): void {
  for (const layer of model.layers) {
    if (model instanceof tf.Sequential) freedAfter(layer, 1);
    else ownedByOneModel(layer);
  }
}

/**
 * Lets go of what a recurrent layer and its cells keep from call to call, states and masks of dropout, which tfjs leaves when
 * the layer is disposed.
 */
export function disposeStates(layer: Layer): void {
  const { states_, keptStates, dropoutMask, recurrentDropoutMask } = layer as unknown as {
    states_?: tf.Tensor[] | null;
    keptStates?: tf.Tensor[][];
    dropoutMask?: tf.Tensor | tf.Tensor[] | null;
    recurrentDropoutMask?: tf.Tensor | tf.Tensor[] | null;
  };
  tf.dispose([states_ ?? [], keptStates ?? [], dropoutMask ?? [], recurrentDropoutMask ?? []]);
  for (const inner of innerLayers(layer)) disposeStates(inner);
}

/**
 * Takes the initial states out of the arguments that tfjs records of a recurrent layer's calls: they are among its inputs, too,
 * and tfjs warns when such a model is saved that arguments are lost.
 */
export function forgetStateArguments(layer: Layer): void {
  for (const { callArgs } of callsOfLayer(layer)) if (callArgs) delete callArgs.initialState;
}

/** Makes a cell forget its masks of dropout, which are of one size of batch; tfjs's own layers do it at each call. */
export function forgetDropout(cell: Layer): void {
  const kept = cell as unknown as { dropoutMask: unknown; recurrentDropoutMask: unknown };
  tf.dispose([kept.dropoutMask ?? [], kept.recurrentDropoutMask ?? []] as tf.Tensor[]);
  kept.dropoutMask = null;
  kept.recurrentDropoutMask = null;
  for (const inner of innerLayers(cell)) forgetDropout(inner);
}

/** Makes the disposal of a layer of ours, with the weights, let go of what else it has. */
export function whenFreed(layer: Layer, then: () => void): void {
  const own = layer as unknown as { dispose: Layer["dispose"] };
  const dispose = own.dispose;
  own.dispose = () => {
    const result = dispose.call(layer);
    if (result.refCountAfterDispose === 0) then();
    return result;
  };
}

/** The value of a layer's weight by field name (`"kernel"`), or null where the layer has none. Not ours to dispose. */
export function weightOf(layer: Layer, field: string): tf.Tensor | null {
  const variable = (layer as unknown as Record<string, LayerVariable | null | undefined>)[field];
  return variable?.read() ?? null;
}

/** Applies a layer's own activation function to a tensor. */
export function applyActivation(layer: Layer, z: tf.Tensor): tf.Tensor {
  return (layer as unknown as { activation: { apply(x: tf.Tensor): tf.Tensor } }).activation.apply(z);
}

/** Whether a layer or a model was disposed, or a layer in it: by disposing another model that has it. */
export function isDisposed(layer: Layer): boolean {
  if ((layer as unknown as { _refCount: number | null })._refCount === 0) return true;
  // Not the model's weights: putting their list together takes time that grows with the square of the layers.
  if (isContainer(layer)) return (layer as unknown as tf.LayersModel).layers.some(isDisposed);
  return layer.weights.some((variable) => (variable as unknown as { val?: tf.Variable }).val?.isDisposed);
}
