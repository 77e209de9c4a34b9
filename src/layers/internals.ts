/**
 * The one file that reaches into tfjs-layers: what a model records of its graph, and how a layer makes its weights. The
 * names are those of @tensorflow/tfjs-layers 4.22, where they are private or not exported.
 */
import * as tf from "@tensorflow/tfjs";

export type Layer = tf.layers.Layer;
export type Shape = readonly (number | null)[];

/** One recorded call of a layer. */
export interface LayerNode {
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

/** A variable of a layer. */
export type LayerVariable = Layer["weights"][number];

/** True for a model used as a layer. A Sequential that was never built has no graph yet, and is one nevertheless. */
export function isContainer(layer: Layer): layer is Container {
  return "nodesByDepth" in layer || layer.getClassName() === "Sequential";
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

/** The layer that recorded a symbolic tensor, and the call that made it. */
export function sourceOf(tensor: tf.SymbolicTensor): { layer: Layer; node: LayerNode } {
  const { sourceLayer, nodeIndex } = tensor as unknown as { sourceLayer: Layer; nodeIndex: number };
  return { layer: sourceLayer, node: sourceLayer.inboundNodes[nodeIndex] as unknown as LayerNode };
}

/** Layers inside a layer that make weights of their own: the cells of recurrent layers, what wrappers wrap. */
export function innerLayers(layer: Layer): Layer[] {
  const fields = layer as unknown as Record<string, unknown>;
  const single = ["cell", "layer", "forwardLayer", "backwardLayer"].map((name) => fields[name]);
  const cells = Array.isArray(fields.cells) ? fields.cells : [];
  return [...single, ...cells].filter(
    (inner): inner is Layer => typeof (inner as Layer | undefined)?.getClassName === "function",
  );
}

/** The variables that a layer itself made, without those of its inner layers. */
export function ownVariables(layer: Layer): LayerVariable[] {
  const { _trainableWeights, _nonTrainableWeights } = layer as unknown as {
    _trainableWeights: LayerVariable[];
    _nonTrainableWeights: LayerVariable[];
  };
  return [..._trainableWeights, ..._nonTrainableWeights];
}

type AddWeight = (
  name: string,
  shape: Shape,
  dtype?: tf.DataType,
  initializer?: unknown,
  regularizer?: unknown,
  trainable?: boolean,
) => LayerVariable;

/**
 * Makes a layer that is not built yet take its weights from `provide` instead of drawing new ones. `provide` gets the name
 * that the layer asks for (`"kernel"`).
 */
export function provideWeights(layer: Layer, provide: (name: string, shape: Shape) => LayerVariable): void {
  const lists = layer as unknown as {
    addWeight: AddWeight;
    _trainableWeights: LayerVariable[];
    _nonTrainableWeights: LayerVariable[];
  };
  lists.addWeight = (name, shape, _dtype, _initializer, _regularizer, trainable = true) => {
    const variable = provide(name, shape);
    (trainable ? lists._trainableWeights : lists._nonTrainableWeights).push(variable);
    return variable;
  };
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

/** One more owner of a layer's weights, in tfjs's own count: `layer.dispose()` takes one away. */
export function retain(layer: Layer): void {
  (layer as unknown as { _refCount: number })._refCount++;
}

/**
 * Makes `model.dispose()` free a model that we built. tfjs counts a layer's calls as its owners, and disposing the model
 * takes away one (two for a nested model), so that of a layer called twice the weights would stay.
 */
export function ownedByOneModel(layer: Layer): void {
  setOwners(layer, isContainer(layer) ? 2 : 1);
}

/** Sets how many owners a layer has, in tfjs's own count. */
export function setOwners(layer: Layer, owners: number): void {
  (layer as unknown as { _refCount: number })._refCount = owners;
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

/** Whether a layer's weights were disposed, by disposing its model. */
export function isDisposed(layer: Layer): boolean {
  return ownVariables(layer).some(
    (variable) => (variable as unknown as { val?: tf.Variable }).val?.isDisposed,
  );
}
