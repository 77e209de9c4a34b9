/**
 * Which layer of TensorFlow.js, or of ours, does what a Keras layer does. A layer is opened right or refused: an option that
 * is not known here, and not at rest, is refused by name, since its meaning is not known either.
 */
import { UnsupportedLayerError } from "../../errors.js";
import { leakyReluOf } from "../../layers/activations.js";
import { INTERPOLATIONS } from "../../layers/resample.js";
import { isRecord, type Json, type JsonRecord, shown } from "./checks.js";
import { classNameOf } from "./modelSpec.js";
import { checkOption, WrongOption } from "./optionKinds.js";

/** A layer as tfjs makes it: class name in its registry, and configuration in camel case. */
export interface Converted {
  readonly className: string;
  readonly config: Record<string, unknown>;
}

export interface ConvertContext {
  /** 2 or 3: some defaults and activations differ. */
  readonly keras: number;
  /** For messages: "Keras 3.15.1". */
  readonly version: string;
  /** Plain arguments of its calls, such as use_causal_mask. */
  readonly callOptions: JsonRecord;
  /** What the inputs of its calls are, where a layer takes several kinds. */
  readonly roles: readonly string[];
  /** The rank of its input, where known. */
  readonly rank: number | null;
  /** The shape of its input, where known. */
  readonly inputShape: readonly (number | null)[] | null;
  /** Whether the model has masks or initial states, which tfjs hands to more layers than are meant. */
  readonly isolated: boolean;
  /** Whether its input has a mask. */
  readonly masked: boolean;
  /** Whether it is one of the layers of a Bidirectional. */
  readonly wrapped: boolean;
}

/** What every layer may have, with no effect on what it computes from the weights that it is given. */
const WITHOUT_EFFECT = new Set(
  (
    "name trainable dtype batch_input_shape batch_shape input_shape seed quantization_config lora_rank lora_alpha autocast " +
    "noise_shape sparse ragged implementation unroll use_cudnn input_length fused synchronized " +
    "momentum renorm_momentum renorm_clipping flash_attention"
  ).split(" "),
);

function hasEffect(key: string): boolean {
  return !WITHOUT_EFFECT.has(key) && !/_(initializer|regularizer|constraint)$/.test(key);
}

/** A layer's configuration, read by its converter. */
class Reading {
  constructor(
    readonly className: string,
    readonly name: string,
    readonly config: JsonRecord,
    readonly context: ConvertContext,
  ) {}

  refuse(what: string): UnsupportedLayerError {
    return new UnsupportedLayerError(
      `layer ${this.name} (${this.className}, ${this.context.version}): ${what}`,
      this.name,
      this.className,
    );
  }

  /** A configuration of `keys` only; every other key must be at rest. */
  take(className: string, keys: string, extra: Record<string, unknown> = {}): Converted {
    const wanted = keys.split(" ").filter((key) => key !== "");
    for (const [key, value] of Object.entries(this.config)) {
      const atRest = value === null || value === false;
      if (!wanted.includes(key) && !atRest && hasEffect(key)) {
        throw this.refuse(`its option ${key} = ${shown(value)} is not supported`);
      }
    }
    const config: Record<string, unknown> = { name: this.name, trainable: this.config.trainable !== false };
    for (const key of wanted) {
      const value = this.config[key];
      checkOption(key, value);
      if (value !== undefined) config[camelCase(key)] = this.converted(key, value);
    }
    return { className, config: { ...config, ...extra } };
  }

  private converted(key: string, value: Json): unknown {
    if (key === "activation" || key === "recurrent_activation") return this.activation(value);
    if (key === "data_format") return value === "channels_first" ? "channelsFirst" : "channelsLast";
    if (key === "output_mode") return value === "binary" ? "multiHot" : camelCase(String(value));
    return value;
  }

  number(key: string, otherwise: number): number {
    const value = this.config[key] ?? otherwise;
    if (typeof value !== "number")
      throw new WrongOption(`expected ${key} to be a number, got ${shown(value)}`);
    return value;
  }

  flag(key: string, otherwise = false): boolean {
    return (this.config[key] ?? otherwise) === true;
  }

  /** What the calls of an attention layer say. */
  attentionCall(): Record<string, unknown> {
    const { roles, callOptions, rank } = this.context;
    const returnAttentionScores = callOptions.return_attention_scores === true;
    if (returnAttentionScores && rank !== null && rank > 3)
      throw this.refuse("return_attention_scores is not supported over several axes");
    return { roles, useCausalMask: callOptions.use_causal_mask === true, returnAttentionScores };
  }

  identity(): Converted {
    return { className: "KerasIdentity", config: { name: this.name } };
  }

  /** Whether an option is another number than 1, in any dimension. */
  above1(key: string): boolean {
    return [this.config[key] ?? 1].flat().some((n) => n !== 1);
  }

  channelsFirst(): boolean {
    return this.config.data_format === "channels_first";
  }

  /** tfjs's name of an activation. */
  activation(value: Json): string {
    if (value === null) return "linear";
    if (isRecord(value) && isRecord(value.config))
      return this.layerAsActivation(classNameOf(value, `${this.name}: activation`), value.config);
    // A function of the keras.activations module, written as an object.
    const name = isRecord(value) ? value.config : value;
    if (typeof name !== "string" || !Object.hasOwn(ACTIVATIONS, name)) {
      throw this.refuse(
        `its activation ${shown(name)} is not supported; functions of one's own are Python code`,
      );
    }
    if (name === "hard_sigmoid" && this.context.keras >= 3) return "hardSigmoid3";
    return ACTIVATIONS[name] as string;
  }

  /** The cell of a recurrent layer, as tfjs reads it. */
  cell(value: Json): Converted {
    if (!isRecord(value) || !isRecord(value.config))
      throw this.refuse(`expected a cell, got ${shown(value)}`);
    const className = classNameOf(value, `${this.name}: cell`);
    const inner = new Reading(className, String(value.config.name ?? className), value.config, this.context);
    if (className === "StackedRNNCells") {
      const cells = Array.isArray(value.config.cells) ? value.config.cells : [];
      return { className, config: { name: inner.name, cells: cells.map((cell) => inner.cell(cell)) } };
    }
    const keys =
      "units activation recurrent_activation use_bias dropout recurrent_dropout reset_after unit_forget_bias";
    if (className === "LSTMCell" || className === "SimpleRNNCell") return inner.take(className, keys);
    if (className !== "GRUCell") throw this.refuse(`cells of class ${className} are not supported`);
    const { resetAfter, ...config } = inner.take(className, keys).config;
    return resetAfter === true ? { className: "KerasGRUCell", config } : { className, config };
  }

  /** A layer that stands for its function, where its options are those of a function with a name. */
  private layerAsActivation(className: string, config: JsonRecord): string {
    const named: Record<string, string | null> = {
      ReLU:
        (config.negative_slope ?? 0) === 0 && (config.threshold ?? 0) === 0
          ? ({ null: "relu", 6: "relu6" }[String(config.max_value ?? null)] ?? null)
          : null,
      LeakyReLU: leakyReluOf(Number(config.negative_slope ?? config.alpha ?? 0.3)),
      ELU: (config.alpha ?? 1) === 1 ? "elu" : null,
      Softmax: (config.axis ?? -1) === -1 ? "softmax" : null,
    };
    const name = named[className] ?? null;
    if (name === null)
      throw this.refuse(`a ${className} layer as its activation is not supported; add it as a layer`);
    return name;
  }

  /** A target shape with its -1 filled in: tfjs would leave the size unknown. */
  targetShape(): number[] {
    const target = this.config.target_shape;
    if (!Array.isArray(target))
      throw new WrongOption(`expected target_shape to be a list, got ${shown(target)}`);
    checkOption("target_shape", target);
    const sizes = target.map(Number);
    const space = this.context.inputShape?.slice(1) ?? [null];
    const all = space.reduce<number>((product, n) => product * (n ?? Number.NaN), 1);
    const others = sizes.reduce((product, n) => (n < 0 ? product : product * n), 1);
    return Number.isNaN(all) ? sizes : sizes.map((n) => (n < 0 ? all / others : n));
  }

  interpolation(): string {
    const value = String(this.config.interpolation ?? "nearest");
    if (!INTERPOLATIONS.includes(value)) {
      throw this.refuse(`its interpolation ${value} is not supported; ${INTERPOLATIONS.join(", ")} are`);
    }
    return value;
  }
}

/** Keras's name -> tfjs's or ours. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  linear: "linear",
  relu: "relu",
  relu6: "relu6",
  elu: "elu",
  selu: "selu",
  sigmoid: "sigmoid",
  hard_sigmoid: "hardSigmoid",
  softplus: "softplus",
  softsign: "softsign",
  tanh: "tanh",
  softmax: "softmax",
  log_softmax: "logSoftmax",
  gelu: "gelu",
  mish: "mish",
  silu: "swish",
  swish: "swish",
  exponential: "exponential",
  leaky_relu: "leakyRelu",
  celu: "celu",
  hard_silu: "hardSilu",
  hard_swish: "hardSilu",
  hard_tanh: "hardTanh",
  log_sigmoid: "logSigmoid",
  squareplus: "squareplus",
  soft_shrink: "softShrink",
  hard_shrink: "hardShrink",
  tanh_shrink: "tanhShrink",
  sparse_plus: "sparsePlus",
  sparse_sigmoid: "sparseSigmoid",
  sparsemax: "sparsemax",
};

export function camelCase(key: string): string {
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

type Converter = (layer: Reading) => Converted;

const CONV = "filters kernel_size strides padding data_format dilation_rate groups activation use_bias";
const TRANSPOSED =
  "filters kernel_size strides padding output_padding data_format dilation_rate activation use_bias";
const DEPTHWISE =
  "kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias";
const SEPARABLE = `${DEPTHWISE} filters`;
const POOL = "pool_size strides padding data_format";
const RNN =
  "units activation recurrent_activation use_bias dropout recurrent_dropout return_sequences return_state go_backwards stateful reset_after unit_forget_bias zero_output_for_mask";
const HEADS = "use_bias use_gate sliding_window dropout";

/** groups of 1 are no groups; tfjs does not know the option. */
const one = (converted: Converted): Converted => {
  const { groups: _groups, outputPadding: _padding, ...config } = converted.config;
  return { ...converted, config };
};

function conv(plain: string, own: string, needsOwn: (layer: Reading) => boolean): Converter {
  return (layer) => {
    const ours = layer.above1("groups") || needsOwn(layer);
    // Groups of a depthwise convolution are its channels.
    return ours ? layer.take(own, CONV) : one(layer.take(plain, CONV));
  };
}

function pool(plain: string): Converter {
  // tfjs's gradient of an average with padding is wrong at the border.
  const own = `Keras${plain}`;
  return (layer) => {
    const padded = layer.config.padding === "same" && plain.startsWith("Average");
    // tfjs ignores the data format of one dimension.
    const turned = layer.channelsFirst() && plain.endsWith("1D");
    return layer.take(padded || turned ? own : plain, POOL);
  };
}

function globalPool(plain: string, own: string): Converter {
  return (layer) =>
    // tfjs ignores the data format of one dimension.
    layer.flag("keepdims") ||
    (layer.channelsFirst() && plain.endsWith("1D")) ||
    (layer.context.masked && plain === "GlobalAveragePooling1D")
      ? layer.take(
          own,
          "data_format keepdims",
          plain === "GlobalAveragePooling1D" ? { masked: layer.context.masked } : {},
        )
      : layer.take(plain, "data_format");
}

/** Where masks occur, of a class that leaves them alone. */
const merge =
  (className: string, keys = ""): Converter =>
  (layer) =>
    layer.take(layer.context.isolated ? `Keras${className}` : className, keys);

const pass: Converter = (layer) => ({
  className: "RandomAugmentation",
  config: { name: layer.name, trainable: layer.config.trainable !== false },
});

function recurrent(plain: string, own: string): Converter {
  return (layer) => {
    const { isolated, masked, keras } = layer.context;
    const converted = layer.take(plain, RNN);
    const { resetAfter, unitForgetBias: _bias, zeroOutputForMask, ...config } = converted.config;
    // Keras 2's files of before it had the option mean false.
    const after = plain === "GRU" && (resetAfter ?? false) === true;
    if (plain === "SimpleRNN") delete config.recurrentActivation;
    else config.recurrentActivation ??= keras >= 3 ? "sigmoid" : "hardSigmoid";
    config.activation ??= "tanh";
    if (!after && !isolated) return { className: plain, config };
    const ours = { ...config, masked, zeroOutputForMask };
    return { className: own, config: { ...ours, ...(plain === "GRU" && { resetAfter: after }) } };
  };
}

const attention =
  (className: string): Converter =>
  (layer) =>
    layer.take(className, "use_scale score_mode dropout", {
      ...layer.attentionCall(),
      useCausalMask: layer.context.callOptions.use_causal_mask === true || layer.config.causal === true,
    });

/** Every layer class that can be opened. */
const CONVERTERS: Readonly<Record<string, Converter>> = {
  Dense: (layer) => layer.take("Dense", "units activation use_bias"),
  EinsumDense: (layer) => layer.take("KerasEinsumDense", "equation output_shape activation bias_axes"),
  Embedding: (layer) => layer.take("Embedding", "input_dim output_dim mask_zero"),
  Masking: (layer) => layer.take("KerasMasking", "mask_value"),
  Activation: (layer) => layer.take("Activation", "activation"),
  Flatten: (layer) => {
    const { rank } = layer.context;
    // tfjs refuses what is flat already.
    if (rank === 2) return layer.identity();
    if (rank === 1) return { className: "Reshape", config: { ...layer.identity().config, targetShape: [1] } };
    return layer.take("Flatten", "data_format");
  },
  Reshape: (layer) => layer.take("Reshape", "target_shape", { targetShape: layer.targetShape() }),
  Permute: (layer) => layer.take("Permute", "dims"),
  RepeatVector: (layer) => layer.take("RepeatVector", "n"),
  Identity: (layer) => layer.take("KerasIdentity", ""),

  Conv1D: conv(
    "Conv1D",
    "KerasConv1D",
    (layer) => layer.config.padding === "causal" || layer.above1("dilation_rate") || layer.channelsFirst(),
  ),
  Conv2D: conv("Conv2D", "KerasConv2D", (layer) => layer.above1("dilation_rate")),
  Conv3D: conv("Conv3D", "KerasConv3D", (layer) => layer.above1("dilation_rate") || layer.channelsFirst()),
  Convolution1D: (layer) => (CONVERTERS.Conv1D as Converter)(layer),
  Convolution2D: (layer) => (CONVERTERS.Conv2D as Converter)(layer),
  DepthwiseConv1D: (layer) => layer.take("DepthwiseConv1D", DEPTHWISE),
  DepthwiseConv2D: (layer) => {
    const [strides, ...others] = [layer.config.strides ?? 1].flat();
    if (others.some((n) => n !== strides))
      throw layer.refuse(`strides that differ are not supported, got ${shown(layer.config.strides)}`);
    return layer.take(layer.above1("dilation_rate") ? "KerasDepthwiseConv2D" : "DepthwiseConv2D", DEPTHWISE);
  },
  SeparableConv1D: (layer) => layer.take("SeparableConv1D", SEPARABLE),
  SeparableConv2D: (layer) =>
    layer.take(
      layer.above1("dilation_rate") || layer.channelsFirst() ? "KerasSeparableConv2D" : "SeparableConv2D",
      SEPARABLE,
    ),
  Conv1DTranspose: (layer) => layer.take("Conv1DTranspose", TRANSPOSED),
  // tfjs cuts and pads a transposed convolution otherwise where the stride is above the kernel.
  Conv2DTranspose: (layer) => layer.take("KerasConv2DTranspose", TRANSPOSED),
  Conv3DTranspose: (layer) => layer.take("KerasConv3DTranspose", TRANSPOSED),

  MaxPooling1D: pool("MaxPooling1D"),
  MaxPooling2D: pool("MaxPooling2D"),
  // tfjs is wrong on wasm.
  MaxPooling3D: (layer) => layer.take("KerasMaxPooling3D", POOL),
  AveragePooling1D: pool("AveragePooling1D"),
  AveragePooling2D: pool("AveragePooling2D"),
  AveragePooling3D: (layer) => layer.take("KerasAveragePooling3D", POOL),
  GlobalAveragePooling1D: globalPool("GlobalAveragePooling1D", "KerasGlobalAveragePooling1D"),
  GlobalAveragePooling2D: globalPool("GlobalAveragePooling2D", "KerasGlobalAveragePooling2D"),
  GlobalAveragePooling3D: (layer) => layer.take("GlobalAveragePooling3D", "data_format keepdims"),
  GlobalMaxPooling1D: globalPool("GlobalMaxPooling1D", "KerasGlobalMaxPooling1D"),
  GlobalMaxPooling2D: globalPool("GlobalMaxPooling2D", "KerasGlobalMaxPooling2D"),
  GlobalMaxPooling3D: (layer) => layer.take("GlobalMaxPooling3D", "data_format keepdims"),

  ...Object.fromEntries(
    ["Average", "Max"].flatMap((kind) =>
      [1, 2, 3].map((rank): [string, Converter] => {
        const className = `Adaptive${kind}Pooling${rank}D`;
        return [className, (layer) => layer.take(className, "output_size data_format")];
      }),
    ),
  ),

  ZeroPadding1D: (layer) => layer.take("ZeroPadding1D", "padding data_format"),
  ZeroPadding2D: (layer) => layer.take("ZeroPadding2D", "padding data_format"),
  ZeroPadding3D: (layer) => layer.take("ZeroPadding3D", "padding data_format"),
  Cropping1D: (layer) => layer.take("Cropping1D", "cropping data_format"),
  Cropping2D: (layer) => layer.take("Cropping2D", "cropping data_format"),
  Cropping3D: (layer) => layer.take("Cropping3D", "cropping data_format"),
  UpSampling1D: (layer) => layer.take("UpSampling1D", "size"),
  UpSampling2D: (layer) => {
    layer.interpolation();
    return layer.take("KerasUpSampling2D", "size data_format interpolation");
  },
  UpSampling3D: (layer) => layer.take("UpSampling3D", "size data_format"),

  BatchNormalization: (layer) => {
    const axis = [layer.config.axis ?? -1].flat();
    if (axis.length !== 1)
      throw layer.refuse(`several axes are not supported, got ${shown(layer.config.axis)}`);
    const [n] = axis as [number];
    const { rank } = layer.context;
    const last = n === -1 || (rank !== null && n === rank - 1);
    // tfjs has no gradient where gamma or beta is missing.
    const whole = layer.flag("scale", true) && layer.flag("center", true);
    const plain = last && whole && rank !== null && rank <= 4;
    return layer.take(plain ? "BatchNormalization" : "KerasBatchNormalization", "axis epsilon center scale", {
      axis: n,
    });
  },
  // As TensorFlow 1 has it.
  BatchNormalizationV1: (layer) => (CONVERTERS.BatchNormalization as Converter)(layer),
  LayerNormalization: (layer) =>
    // tfjs has no gradient where gamma or beta is missing.
    layer.flag("rms_scaling") ||
    !layer.flag("center", true) ||
    !layer.flag("scale", true) ||
    // Nor has it more than four axes.
    (layer.context.rank ?? 0) > 4
      ? layer.take("KerasLayerNormalization", "axis epsilon center scale rms_scaling")
      : layer.take("LayerNormalization", "axis epsilon center scale"),
  RMSNormalization: (layer) => layer.take("RMSNormalization", "axis epsilon"),
  GroupNormalization: (layer) => layer.take("GroupNormalization", "groups axis epsilon center scale"),
  LayerScale: (layer) => layer.take("LayerScale", "init_values projection_dim"),
  UnitNormalization: (layer) => layer.take("UnitNormalization", "axis"),
  // The kernel is divided by its norm in training, and kept so.
  SpectralNormalization: (layer) => {
    const { layer: inner } = layer.config;
    if (!isRecord(inner) || !isRecord(inner.config)) throw layer.refuse("it holds no layer");
    return convertLayer(classNameOf(inner, layer.name), layer.name, inner.config, layer.context);
  },
  Normalization: (layer) => layer.take("Normalization", "axis mean variance invert"),

  ReLU: (layer) => {
    const plain = layer.number("negative_slope", 0) === 0 && layer.number("threshold", 0) === 0;
    return plain
      ? layer.take("ReLU", "max_value negative_slope threshold")
      : layer.take("KerasReLU", "max_value negative_slope threshold");
  },
  LeakyReLU: (layer) =>
    layer.take("LeakyReLU", "negative_slope alpha", {
      alpha: layer.number("negative_slope", layer.number("alpha", 0.3)),
    }),
  PReLU: (layer) => layer.take("PReLU", "shared_axes"),
  ELU: (layer) => layer.take(layer.number("alpha", 1) === 1 ? "ELU" : "KerasELU", "alpha"),
  ThresholdedReLU: (layer) => layer.take("ThresholdedReLU", "theta"),
  Softmax: (layer) => {
    const axis = layer.config.axis ?? -1;
    const last = axis === -1 || (layer.context.rank !== null && axis === layer.context.rank - 1);
    return last ? layer.take("Softmax", "axis", { axis: -1 }) : layer.take("KerasSoftmax", "axis");
  },

  Add: merge("Add"),
  Subtract: (layer) => layer.take("Subtract", ""),
  Multiply: (layer) => {
    const masked = layer.context.roles.map((role) => role === "masked");
    return masked.includes(true) ? layer.take("MaskedMultiply", "", { masked }) : merge("Multiply")(layer);
  },
  Average: merge("Average"),
  Maximum: merge("Maximum"),
  Minimum: merge("Minimum"),
  Concatenate: merge("Concatenate", "axis"),
  Dot: (layer) => {
    if ((layer.context.rank ?? 0) > 3) throw layer.refuse("inputs of more than three axes are not supported");
    return layer.take("Dot", "axes normalize");
  },

  Dropout: (layer) => layer.take("Dropout", "rate"),
  SpatialDropout1D: (layer) => layer.take("SpatialDropout1D", "rate"),
  SpatialDropout2D: (layer) => layer.take("SpatialDropout2D", "rate data_format"),
  SpatialDropout3D: (layer) => layer.take("SpatialDropout3D", "rate data_format"),
  GaussianNoise: (layer) => layer.take("GaussianNoise", "stddev"),
  GaussianDropout: (layer) => layer.take("GaussianDropout", "rate"),
  AlphaDropout: (layer) => layer.take("AlphaDropout", "rate"),
  ActivityRegularization: (layer) => ({ ...pass(layer), className: "ActivityRegularization" }),
  ...Object.fromEntries(
    (
      "Flip Rotation Zoom Translation Contrast Brightness Hue Saturation Sharpness Shear Perspective Posterization Erasing " +
      "Grayscale Invert GaussianBlur ColorJitter ColorDegeneration ElasticTransform Height Width"
    )
      .split(" ")
      .map((kind) => [`Random${kind}`, pass]),
  ),
  RandAugment: pass,
  AugMix: pass,
  CutMix: pass,
  MixUp: pass,
  RandomCrop: (layer) => {
    // Keras 2 resizes to the size that it crops to.
    if (layer.context.keras < 3) throw layer.refuse("it is supported in models of Keras 3 only");
    return pass(layer);
  },

  SimpleRNN: recurrent("SimpleRNN", "KerasSimpleRNN"),
  LSTM: recurrent("LSTM", "KerasLSTM"),
  GRU: recurrent("GRU", "KerasGRU"),
  ConvLSTM2D: (layer) => {
    if (layer.channelsFirst()) throw layer.refuse("its data_format channels_first is not supported");
    return layer.take(
      "ConvLSTM2D",
      `${CONV} recurrent_activation return_sequences return_state go_backwards stateful dropout recurrent_dropout unit_forget_bias`,
    );
  },
  RNN: (layer) => {
    const { cell } = layer.config;
    const { isolated, masked, wrapped } = layer.context;
    const keys = "cell return_sequences return_state go_backwards stateful zero_output_for_mask";
    const converted = layer.take("KerasRNN", keys, { cell: layer.cell(cell ?? null), masked });
    if (isolated || wrapped) return converted;
    const { zeroOutputForMask: _zeros, masked: _masked, ...config } = converted.config;
    return { className: "RNN", config };
  },
  CuDNNLSTM: (layer) => {
    throw layer.refuse("its weights are in cuDNN's layout; save the model again with LSTM");
  },

  MultiHeadAttention: (layer) =>
    layer.take(
      "KerasMultiHeadAttention",
      `num_heads key_dim value_dim output_shape attention_axes ${HEADS}`,
      {
        ...layer.attentionCall(),
      },
    ),
  GroupedQueryAttention: (layer) => (CONVERTERS.GroupQueryAttention as Converter)(layer),
  GroupQueryAttention: (layer) =>
    layer.take("GroupQueryAttention", `head_dim num_query_heads num_key_value_heads ${HEADS}`, {
      ...layer.attentionCall(),
    }),
  Attention: attention("Attention"),
  AdditiveAttention: attention("AdditiveAttention"),

  Rescaling: (layer) => {
    const plain =
      typeof (layer.config.scale ?? 1) === "number" && typeof (layer.config.offset ?? 0) === "number";
    return layer.take(plain ? "Rescaling" : "KerasRescaling", "scale offset");
  },
  Resizing: (layer) => {
    layer.interpolation();
    const mode = layer.config.fill_mode ?? "constant";
    if (mode !== "constant") throw layer.refuse(`its fill_mode ${shown(mode)} is not supported`);
    const { config, ...converted } = layer.take(
      "KerasResizing",
      "height width interpolation data_format fill_mode fill_value antialias crop_to_aspect_ratio pad_to_aspect_ratio",
    );
    const { fillMode: _constant, ...options } = config;
    return { ...converted, config: options };
  },
  CenterCrop: (layer) => layer.take("KerasCenterCrop", "height width data_format"),
  CategoryEncoding: (layer) => layer.take("KerasCategoryEncoding", "num_tokens output_mode"),
  IntegerLookup: (layer) => {
    const {
      vocabulary,
      mask_token: mask = null,
      oov_token: oov = -1,
      output_mode: mode,
      invert,
    } = layer.config;
    const int32 = (n: Json) => typeof n === "number" && Math.abs(n) < 2 ** 31;
    if (invert === true) throw layer.refuse("its option invert = true is not supported");
    if (!Array.isArray(vocabulary)) throw layer.refuse("it was adapted; make it with a vocabulary");
    if (!vocabulary.every(int32) || vocabulary.some((token) => token === mask || token === oov))
      throw layer.refuse(`expected a vocabulary of tokens alone, of 32 bits, got ${shown(vocabulary)}`);
    if (layer.number("num_oov_indices", 1) < 1)
      throw layer.refuse(
        "it stops at what is not in its vocabulary (num_oov_indices = 0), which is not supported",
      );
    if (mask !== null && mode !== "int")
      throw layer.refuse(`mask_token is not supported with output_mode ${shown(mode ?? null)}`);
    const { config, className } = layer.take(
      "IntegerLookup",
      "vocabulary num_oov_indices mask_token output_mode max_tokens oov_token vocabulary_dtype vocabulary_size oov_method",
    );
    const {
      maxTokens: _most,
      oovToken: _token,
      vocabularyDtype: _dtype,
      vocabularySize: _size,
      ...options
    } = config;
    const { oovMethod = "floormod", ...known } = options;
    if (oovMethod !== "floormod")
      throw layer.refuse(`its oov_method ${shown(oovMethod as Json)} is not supported`);
    return { className, config: known };
  },
  Discretization: (layer) => {
    if (!Array.isArray(layer.config.bin_boundaries))
      throw layer.refuse("it was never adapted, and so has no boundaries");
    return layer.take("Discretization", "bin_boundaries output_mode num_bins epsilon");
  },
};

/**
 * The layer of tfjs or ours for one of Keras.
 *
 * @throws UnsupportedLayerError that names layer, class, version and option
 */
export function convertLayer(
  className: string,
  name: string,
  config: JsonRecord,
  context: ConvertContext,
): Converted {
  const layer = new Reading(className, name, config, context);
  if (className === "Lambda") {
    throw layer.refuse(
      "it holds Python code, which is never run; use layers or operations of Keras in its place",
    );
  }
  if (!Object.hasOwn(CONVERTERS, className)) {
    throw layer.refuse("this class of layers is not supported, or a class of one's own");
  }
  if (isRecord(config.dtype) && /Quantized/.test(String(config.dtype.class_name))) {
    throw layer.refuse("quantized layers are not supported");
  }
  const policy =
    isRecord(config.dtype) && isRecord(config.dtype.config) ? config.dtype.config.name : config.dtype;
  if (typeof policy === "string" && /float16/.test(policy)) {
    throw layer.refuse(
      `it computes in half precision (dtype ${policy}), which is not supported; save the model again with dtype float32`,
    );
  }
  if (config.quantization_config != null && config.quantization_config !== false) {
    throw layer.refuse("quantized layers are not supported");
  }
  return (CONVERTERS[className] as Converter)(layer);
}
