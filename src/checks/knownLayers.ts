import type { Layer } from "../layers/internals.js";

/** The kinds of layer that a convolutional network is made of, and all others that have no time steps and wrap nothing. */
const PLAIN = [
  "InputLayer",
  // Activations
  "Activation",
  "ELU",
  "LeakyReLU",
  "PReLU",
  "ReLU",
  "Softmax",
  "ThresholdedReLU",
  // Convolutions and images
  "CenterCrop",
  "Conv1D",
  "Conv2D",
  "Conv2DTranspose",
  "Conv3D",
  "Conv3DTranspose",
  "Cropping1D",
  "Cropping2D",
  "Cropping3D",
  "DepthwiseConv2D",
  "LocallyConnected1D",
  "LocallyConnected2D",
  "RandomWidth",
  "Rescaling",
  "Resizing",
  "SeparableConv1D",
  "SeparableConv2D",
  "UpSampling1D",
  "UpSampling2D",
  "UpSampling3D",
  "ZeroPadding1D",
  "ZeroPadding2D",
  "ZeroPadding3D",
  // Core
  "ActivityRegularization",
  "CategoryEncoding",
  "Dense",
  "Dropout",
  "Embedding",
  "Flatten",
  "Lambda",
  "Masking",
  "Permute",
  "RepeatVector",
  "Reshape",
  "SpatialDropout1D",
  "SpatialDropout2D",
  "SpatialDropout3D",
  // Several inputs
  "Add",
  "Average",
  "Concatenate",
  "Dot",
  "Maximum",
  "Minimum",
  "Multiply",
  "Subtract",
  // Noise and normalisation
  "AlphaDropout",
  "GaussianDropout",
  "GaussianNoise",
  "BatchNorm",
  "BatchNormalization",
  "LayerNormalization",
  // Pooling
  "AveragePooling1D",
  "AveragePooling2D",
  "AveragePooling3D",
  "GlobalAveragePooling1D",
  "GlobalAveragePooling2D",
  "GlobalAveragePooling3D",
  "GlobalMaxPooling1D",
  "GlobalMaxPooling2D",
  "GlobalMaxPooling3D",
  "MaxPooling1D",
  "MaxPooling2D",
  "MaxPooling3D",
];

/** This library's own, apart from those that models of Keras are read into. */
const OWN = [
  "Constants",
  "ExtractConv2dPatches",
  "Gather",
  "GatherNd",
  "Gradients",
  "GraphOperations",
  "IsNotFinite",
  "Operation",
  "ToFloatX",
  "WithMask",
  "ZerosLike",
];

/** Layers of Keras that tfjs lacks, and (Keras...) those that it computes otherwise: what models of Keras are read into. */
const OF_KERAS = [
  "AdaptiveAveragePooling1D",
  "AdaptiveAveragePooling2D",
  "AdaptiveAveragePooling3D",
  "AdaptiveMaxPooling1D",
  "AdaptiveMaxPooling2D",
  "AdaptiveMaxPooling3D",
  "KerasAveragePooling1D",
  "KerasAveragePooling2D",
  "KerasAveragePooling3D",
  "KerasMasking",
  "KerasMaxPooling1D",
  "KerasAdd",
  "KerasMultiply",
  "KerasAverage",
  "KerasMaximum",
  "KerasMinimum",
  "KerasConcatenate",
  "MaskedMultiply",
  "KerasMaxPooling3D",
  "LayerScale",
  "Conv1DTranspose",
  "DepthwiseConv1D",
  "Discretization",
  "GELU",
  "GroupNormalization",
  "IntegerLookup",
  "KerasBatchNormalization",
  "KerasCategoryEncoding",
  "KerasCenterCrop",
  "KerasConv1D",
  "KerasConv2D",
  "KerasConv2DTranspose",
  "KerasConv3D",
  "KerasConv3DTranspose",
  "KerasDepthwiseConv2D",
  "KerasEinsumDense",
  "KerasELU",
  "KerasGlobalAveragePooling1D",
  "KerasGlobalAveragePooling2D",
  "KerasGlobalMaxPooling1D",
  "KerasGlobalMaxPooling2D",
  "KerasIdentity",
  "KerasLayerNormalization",
  "KerasReLU",
  "KerasRescaling",
  "KerasResizing",
  "KerasSeparableConv2D",
  "KerasSoftmax",
  "KerasUpSampling2D",
  "Normalization",
  "RMSNormalization",
  "RandomAugmentation",
  "UnitNormalization",
];

const ATTENTION = ["AdditiveAttention", "Attention", "GroupQueryAttention", "KerasMultiHeadAttention"];

/** Layers with time steps, and what wraps a layer. */
const RECURRENT_AND_WRAPPERS = [
  "ConvLSTM2D",
  "ConvLSTM2DCell",
  "ConvRecurrent2D",
  "CuDNNGRU",
  "CuDNNLSTM",
  "GRU",
  "GRUCell",
  "KerasGRU",
  "KerasGRUCell",
  "KerasLSTM",
  "KerasRNN",
  "KerasSimpleRNN",
  "LSTM",
  "LSTMCell",
  "RNN",
  "SimpleRNN",
  "SimpleRNNCell",
  "StackedRNNCells",
  "Bidirectional",
  "TimeDistributed",
  "Wrapper",
];

const MODELS = ["Functional", "Model", "Sequential"];

const PLAIN_NAMES: ReadonlySet<string> = new Set([...PLAIN, ...OWN, ...OF_KERAS]);
const KNOWN: readonly string[] = Object.freeze([
  ...PLAIN,
  ...OWN,
  ...OF_KERAS,
  ...RECURRENT_AND_WRAPPERS,
  ...ATTENTION,
  ...MODELS,
]);
const KNOWN_NAMES: ReadonlySet<string> = new Set(KNOWN);

const ACTIVATION_SEARCH_SAFE: readonly string[] = Object.freeze([
  "ELU",
  "LeakyReLU",
  "PReLU",
  "Softmax",
  "ThresholdedReLU",
  "ReLU",
  "Activation",
  "ActivityRegularization",
  "Dropout",
  "Flatten",
  "Reshape",
  "Add",
  "GaussianNoise",
  "BatchNormalization",
]);

/**
 * The class names of the layers that this library is aware of: all that tfjs-layers 4.22 registers, models included, those
 * of Keras that iNNvestigate lists, and this library's own.
 *
 * @source iNNvestigate utils.keras.checks.get_known_layers
 * @example getKnownLayers().includes(layer.getClassName())
 */
export function getKnownLayers(): readonly string[] {
  return KNOWN;
}

/**
 * The class names of the layers that a search for a network's last activation may walk along.
 *
 * @source iNNvestigate utils.keras.checks.get_activation_search_safe_layers
 */
export function getActivationSearchSafeLayers(): readonly string[] {
  return ACTIVATION_SEARCH_SAFE;
}

/**
 * The known class that a layer is of: its own, or the nearest that its class extends. A class that extends no known one is
 * its own; one of this library's that stands in for one of Keras (KerasConv2D) is that (Conv2D).
 */
export function classOf(layer: Layer): string {
  for (
    let prototype = Object.getPrototypeOf(layer);
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const { className } = prototype.constructor as { className?: unknown };
    if (typeof className === "string" && KNOWN_NAMES.has(className)) {
      const standsFor = className.replace(/^Keras/, "");
      return KNOWN_NAMES.has(standsFor) ? standsFor : className;
    }
  }
  return layer.getClassName();
}

/** Whether a layer is one of this library's that may take several tensors. */
export function isOwnLayer(layer: Layer): boolean {
  return OWN.includes(classOf(layer)) || ATTENTION.includes(classOf(layer));
}

/** Whether a layer is of a known class without time steps that wraps nothing and is no model. */
export function isPlain(layer: Layer): boolean {
  return PLAIN_NAMES.has(classOf(layer));
}
