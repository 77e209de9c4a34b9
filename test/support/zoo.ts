import * as tf from "@tensorflow/tfjs";
import { withRandomWeights } from "./models.js";

type Tensor = tf.SymbolicTensor;
const l = tf.layers;

export interface ZooModel {
  readonly name: string;
  /** A new model each time, with seeded weights. */
  readonly make: () => tf.LayersModel;
  /** Inputs are whole numbers below this, where a layer takes tokens. */
  readonly tokens?: number;
  /** Whether an output ends in a softmax. */
  readonly softmax: boolean;
  /** Why tfjs cannot run the model twice with the same result: it can be traced and copied only. */
  readonly cannotRun?: string;
}

function call(layer: tf.layers.Layer, ...xs: Tensor[]): Tensor {
  return layer.apply(xs.length === 1 ? xs[0]! : xs) as Tensor;
}

function chain(x: Tensor, ...layers: tf.layers.Layer[]): Tensor {
  return layers.reduce((y, layer) => call(layer, y), x);
}

/** Inputs, what is made of them, as a model. */
function functional(
  name: string,
  shapes: number[][],
  make: (...xs: Tensor[]) => Tensor | Tensor[],
): tf.LayersModel {
  const xs = shapes.map((shape, i) => tf.input({ shape, name: `${name}_in${i}` }));
  return withRandomWeights(tf.model({ name, inputs: xs, outputs: make(...xs) }), name.length);
}

function sequential(name: string, layers: tf.layers.Layer[]): tf.LayersModel {
  return withRandomWeights(tf.sequential({ name, layers }), name.length);
}

const softmaxHead = (units = 3) => l.dense({ units, activation: "softmax" });

/** The generic recurrent layer and its cells, which tf.layers has no types for in one place. */
const stackedCells = () =>
  l.rnn({
    cell: l.stackedRNNCells({
      cells: [l.lstmCell({ units: 3 }), l.gruCell({ units: 2 }), l.simpleRNNCell({ units: 2 })],
    }),
  }) as unknown as tf.layers.Layer;

/** A layer of a user's, registered, with a weight. */
class ZooScale extends tf.layers.Layer {
  static readonly className = "ZooScale";
  private scale: tf.LayerVariable | undefined;
  override build(shape: tf.Shape): void {
    this.scale = this.addWeight("scale", [shape.at(-1) as number], "float32", tf.initializers.ones());
    super.build(shape);
  }
  override call(x: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => tf.mul([x].flat()[0]!, this.scale!.read()));
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
}
tf.serialization.registerClass(ZooScale);

/**
 * Small models of every kind that tfjs-layers can make. Every layer class that it registers is in one of them, every way
 * that layers can be put together, too.
 */
export const zoo: readonly ZooModel[] = [
  {
    name: "mlp",
    softmax: true,
    make: () =>
      sequential("mlp", [
        l.dense({ units: 6, activation: "relu", inputShape: [5] }),
        l.dropout({ rate: 0.3 }),
        l.dense({ units: 5, activation: "tanh", useBias: false }),
        softmaxHead(),
      ]),
  },
  {
    name: "softmax_layer",
    softmax: true,
    make: () =>
      sequential("softmax_layer", [
        l.inputLayer({ inputShape: [5] }),
        l.activation({ activation: "relu6" }),
        l.dense({ units: 4 }),
        l.softmax({}),
      ]),
  },
  {
    name: "softmax_activation",
    softmax: true,
    make: () =>
      sequential("softmax_activation", [
        l.dense({ units: 4, inputShape: [5] }),
        l.activation({ activation: "softmax" }),
      ]),
  },
  {
    name: "activations",
    softmax: false,
    make: () =>
      sequential("activations", [
        l.dense({ units: 6, inputShape: [5] }),
        l.elu(),
        l.leakyReLU({ alpha: 0.2 }),
        l.prelu(),
        l.thresholdedReLU({ theta: 0.1 }),
        l.reLU({ maxValue: 6 }),
        l.dense({ units: 2, activation: "sigmoid" }),
      ]),
  },
  {
    name: "cnn",
    softmax: true,
    make: () =>
      sequential("cnn", [
        l.zeroPadding2d({
          padding: [
            [1, 0],
            [0, 1],
          ],
          inputShape: [8, 8, 2],
        }),
        l.conv2d({ filters: 3, kernelSize: 3, activation: "relu" }),
        l.batchNormalization(),
        l.maxPooling2d({ poolSize: 2 }),
        l.conv2d({ filters: 2, kernelSize: 2, padding: "same" }),
        l.averagePooling2d({ poolSize: 2, strides: 1 }),
        l.flatten(),
        softmaxHead(),
      ]),
  },
  {
    name: "separable",
    softmax: true,
    make: () =>
      sequential("separable", [
        l.separableConv2d({ filters: 4, kernelSize: 3, depthMultiplier: 2, inputShape: [7, 7, 2] }),
        l.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, activation: "relu" }),
        l.globalAveragePooling2d({}),
        softmaxHead(),
      ]),
  },
  {
    name: "decoder",
    softmax: false,
    make: () =>
      sequential("decoder", [
        l.dense({ units: 8, inputShape: [3] }),
        l.reshape({ targetShape: [2, 2, 2] }),
        l.upSampling2d({ size: [2, 2] }),
        l.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, activation: "tanh" }),
        l.cropping2D({
          cropping: [
            [1, 0],
            [0, 1],
          ],
        }),
        l.globalMaxPooling2d({}),
      ]),
  },
  {
    name: "series",
    softmax: true,
    make: () =>
      sequential("series", [
        l.conv1d({ filters: 3, kernelSize: 3, activation: "relu", inputShape: [12, 2] }),
        l.spatialDropout1d({ rate: 0.2 }),
        l.maxPooling1d({ poolSize: 2 }),
        l.averagePooling1d({ poolSize: 2 }),
        l.permute({ dims: [2, 1] }),
        l.flatten(),
        softmaxHead(),
      ]),
  },
  {
    name: "volume",
    softmax: true,
    make: () =>
      sequential("volume", [
        l.conv3d({ filters: 2, kernelSize: 2, inputShape: [5, 5, 5, 1] }),
        l.maxPooling3d({ poolSize: 2, strides: 1, padding: "valid" }),
        l.conv3dTranspose({ filters: 1, kernelSize: 2 }) as tf.layers.Layer,
        l.averagePooling3d({ poolSize: 2, strides: 2, padding: "valid" }),
        l.flatten(),
        softmaxHead(),
      ]),
  },
  {
    name: "pools_1d",
    softmax: true,
    make: () =>
      functional("pools_1d", [[6, 3]], (x) =>
        call(
          softmaxHead(),
          call(l.concatenate(), call(l.globalAveragePooling1d({}), x), call(l.globalMaxPooling1d({}), x)),
        ),
      ),
  },
  {
    name: "merges",
    softmax: true,
    make: () =>
      functional("merges", [[4], [4]], (a, b) => {
        const [x, y] = [call(l.dense({ units: 4 }), a!), call(l.dense({ units: 4 }), b!)];
        const merged = [l.add(), l.multiply(), l.average(), l.maximum(), l.minimum()].map((layer) =>
          call(layer, x, y),
        );
        const dot = call(l.dot({ axes: 1 }), x, y);
        return call(softmaxHead(), call(l.concatenate(), ...merged, dot));
      }),
  },
  {
    name: "residual",
    softmax: true,
    make: () =>
      functional("residual", [[6, 6, 2]], (x) => {
        const y = chain(
          x!,
          l.conv2d({ filters: 2, kernelSize: 3, padding: "same", useBias: false }),
          l.batchNormalization({ scale: false }),
          l.reLU({}),
        );
        return chain(call(l.add(), x!, y), l.globalAveragePooling2d({}), softmaxHead());
      }),
  },
  {
    name: "noise",
    softmax: true,
    make: () =>
      sequential("noise", [
        l.gaussianNoise({ stddev: 1, inputShape: [4] }),
        l.gaussianDropout({ rate: 0.2 }),
        l.alphaDropout({ rate: 0.2 }),
        l.layerNormalization({}),
        softmaxHead(),
      ]),
  },
  {
    name: "preprocessing",
    softmax: true,
    make: () =>
      sequential("preprocessing", [
        l.rescaling({ scale: 0.5, offset: 0.1, inputShape: [6, 6, 1] }),
        l.centerCrop({ height: 4, width: 4 }),
        l.flatten(),
        softmaxHead(),
      ]),
  },
  {
    name: "categories",
    softmax: true,
    tokens: 3,
    make: () =>
      sequential("categories", [
        l.categoryEncoding({ numTokens: 3, outputMode: "multiHot", inputShape: [4] }),
        softmaxHead(),
      ]),
  },
  {
    name: "text",
    softmax: true,
    tokens: 7,
    make: () =>
      sequential("text", [
        l.embedding({ inputDim: 7, outputDim: 3, inputLength: 5, maskZero: true }),
        l.lstm({ units: 4, returnSequences: true }),
        l.gru({ units: 3 }),
        softmaxHead(),
      ]),
  },
  {
    name: "masked",
    softmax: true,
    make: () =>
      sequential("masked", [
        l.masking({ maskValue: 0, inputShape: [4, 2] }),
        l.simpleRNN({ units: 3 }),
        l.repeatVector({ n: 2 }),
        l.bidirectional({ layer: l.gru({ units: 2, returnSequences: true }) as tf.RNN, mergeMode: "concat" }),
        l.timeDistributed({ layer: softmaxHead(2) }),
      ]),
  },
  {
    name: "steps_of_a_model",
    softmax: true,
    make: () => {
      const frame = tf.sequential({
        name: "frame",
        layers: [l.conv2d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 1] }), l.flatten()],
      });
      return functional("steps_of_a_model", [[3, 4, 4, 1]], (x) =>
        chain(x!, l.timeDistributed({ layer: frame }), l.lstm({ units: 3 }), softmaxHead()),
      );
    },
  },
  {
    name: "steps_of_steps",
    softmax: true,
    make: () => {
      const classifier = tf.sequential({
        name: "classifier",
        layers: [l.dense({ units: 4, inputShape: [3] }), l.batchNormalization(), softmaxHead(2)],
      });
      return sequential("steps_of_steps", [
        l.timeDistributed({ layer: l.timeDistributed({ layer: classifier }), inputShape: [2, 4, 3] }),
      ]);
    },
  },
  {
    name: "steps_around_steps",
    softmax: false,
    make: () => {
      const dense = () => l.dense({ units: 3, activation: "tanh", inputShape: [3] });
      const letter = tf.sequential({ name: "letter", layers: [dense(), l.batchNormalization()] });
      const word = tf.sequential({
        name: "word",
        layers: [
          l.timeDistributed({ layer: letter, inputShape: [4, 3] }),
          l.bidirectional({ layer: l.gru({ units: 2 }) as tf.RNN, mergeMode: "concat" }),
        ],
      });
      return functional("steps_around_steps", [[2, 4, 3]], (x) =>
        chain(
          x!,
          l.timeDistributed({ layer: word }),
          l.bidirectional({ layer: l.lstm({ units: 2 }) as tf.RNN, mergeMode: "sum" }),
        ),
      );
    },
  },
  {
    name: "wrapped_block_twice",
    softmax: false,
    make: () => {
      const direction = l.lstm({ units: 2, returnSequences: true }) as tf.RNN;
      const block = tf.sequential({
        name: "block",
        layers: [
          l.bidirectional({ layer: direction, mergeMode: "concat", inputShape: [4, 3] }),
          l.timeDistributed({ layer: tf.sequential({ layers: [l.dense({ units: 3, inputShape: [4] })] }) }),
        ],
      });
      return functional("wrapped_block_twice", [[4, 3]], (x) => chain(x!, block, block));
    },
  },
  {
    name: "cells",
    softmax: true,
    make: () => functional("cells", [[4, 2]], (x) => chain(x!, stackedCells(), softmaxHead())),
  },
  {
    name: "video",
    softmax: true,
    make: () =>
      sequential("video", [
        l.convLstm2d({ filters: 2, kernelSize: 2, inputShape: [3, 5, 5, 1] }) as tf.layers.Layer,
        l.flatten(),
        softmaxHead(),
      ]),
  },
  {
    name: "one_state_used",
    softmax: true,
    make: () =>
      functional("one_state_used", [[4, 2]], (x) => {
        const [, , memory] = l.lstm({ units: 3, returnState: true }).apply(x!) as Tensor[];
        return call(softmaxHead(), memory!);
      }),
  },
  {
    name: "initial_state",
    softmax: true,
    make: () =>
      functional("initial_state", [[4, 2], [3]], (x, state) => {
        const y = l.simpleRNN({ units: 3 }).apply(x!, { initialState: [state!] }) as Tensor;
        return call(softmaxHead(), y);
      }),
  },
  {
    name: "nested_twice",
    softmax: true,
    make: () => {
      const block = tf.sequential({
        name: "twice_block",
        layers: [l.dense({ units: 4, activation: "relu", inputShape: [4] }), l.dense({ units: 4 })],
      });
      return functional("nested_twice", [[4]], (x) => chain(x!, block, block, softmaxHead()));
    },
  },
  {
    name: "siamese",
    softmax: true,
    make: () => {
      const encoder = tf.sequential({
        name: "siamese_encoder",
        layers: [l.dense({ units: 4, inputShape: [3], activation: "tanh" }), l.batchNormalization()],
      });
      return functional("siamese", [[3], [3]], (a, b) =>
        call(softmaxHead(), call(l.concatenate(), call(encoder, a!), call(encoder, b!))),
      );
    },
  },
  {
    name: "nested_softmax",
    softmax: true,
    make: () => {
      const x = tf.input({ shape: [4] });
      const inner = tf.model({
        name: "deep_inner",
        inputs: x,
        outputs: chain(x, l.dense({ units: 3 }), softmaxHead()),
      });
      const middle = tf.sequential({
        name: "deep_middle",
        layers: [l.dense({ units: 4, inputShape: [5] }), inner],
      });
      return functional("nested_softmax", [[5]], (y) => call(middle, y!));
    },
  },
  {
    name: "begins_with_a_model",
    softmax: true,
    make: () => {
      const x = tf.input({ shape: [6, 6, 1] });
      const stem = chain(x, l.conv2d({ filters: 2, kernelSize: 2 }));
      const body = call(l.add(), stem, call(l.conv2d({ filters: 2, kernelSize: 1 }), stem));
      const base = tf.model({ name: "base", inputs: x, outputs: body });
      const features = tf.sequential({ name: "features", layers: [base, l.batchNormalization()] });
      return sequential("begins_with_a_model", [features, l.flatten(), softmaxHead()]);
    },
  },
  {
    // As MobileNet v1 ends.
    name: "reshaped_softmax",
    softmax: true,
    make: () =>
      sequential("reshaped_softmax", [
        l.globalAveragePooling2d({ inputShape: [4, 4, 2] }),
        l.reshape({ targetShape: [1, 1, 2] }),
        l.conv2d({ filters: 3, kernelSize: 1 }),
        l.activation({ activation: "softmax" }),
        l.reshape({ targetShape: [3] }),
        // With a seed: of so few outputs chance drops all at times, and then nothing is learned.
        l.dropout({ rate: 0.5, seed: 1 }),
      ]),
  },
  {
    name: "two_heads",
    softmax: true,
    make: () =>
      functional("two_heads", [[4]], (x) => {
        const hidden = call(l.dense({ units: 5, activation: "relu" }), x!);
        const classes = call(softmaxHead(), hidden);
        return [classes, call(l.dense({ units: 1 }), classes), hidden];
      }),
  },
  {
    name: "input_is_output",
    softmax: true,
    make: () => functional("input_is_output", [[4]], (x) => [x!, call(softmaxHead(), x!)]),
  },
  {
    name: "nested_two_outputs",
    softmax: true,
    make: () => {
      const x = tf.input({ shape: [4] });
      const halves = tf.model({
        name: "halves",
        inputs: x,
        outputs: [call(l.dense({ units: 2 }), x), call(l.dense({ units: 3 }), x)],
      });
      return functional("nested_two_outputs", [[4]], (y) => {
        const [, second] = halves.apply(y!) as Tensor[];
        return call(softmaxHead(), second!);
      });
    },
  },
  {
    name: "shared_outside",
    softmax: true,
    make: () => {
      const shared = l.dense({ units: 4, activation: "relu" });
      const elsewhere = tf.input({ shape: [4] });
      call(shared, elsewhere);
      return functional("shared_outside", [[4]], (x) => {
        const y = call(shared, call(shared, x!));
        call(shared, y);
        return call(softmaxHead(), y);
      });
    },
  },
  {
    name: "custom_layer",
    softmax: true,
    make: () => functional("custom_layer", [[4]], (x) => chain(x!, new ZooScale({}), softmaxHead())),
  },
  {
    name: "resized",
    softmax: true,
    cannotRun: "tfjs 4.22 hands Resizing a list, which it does not take, and RandomWidth is random",
    make: () =>
      functional("resized", [[6, 6, 1]], (x) => {
        return [
          chain(x!, l.globalAveragePooling2d({}), softmaxHead()),
          call(l.resizing({ height: 3, width: 3 }), x!),
          call(l.randomWidth({ factor: 0.2 }), x!),
        ];
      }),
  },
];

/** The models of the zoo that run. */
export const runningZoo: readonly ZooModel[] = zoo.filter((entry) => entry.cannotRun === undefined);

/** Inputs for a model of the zoo. */
export function zooInputs(model: tf.LayersModel, { tokens }: ZooModel, samples = 3): tf.Tensor[] {
  return model.inputs.map((x, i) => {
    const shape = x.shape.map((n) => n ?? samples) as number[];
    return tokens === undefined
      ? tf.randomUniform(shape, -1, 1, "float32", 7 + i)
      : tf.floor(tf.randomUniform(shape, 0, tokens, "float32", 7 + i));
  });
}

/** A model's outputs for the zoo's inputs, as arrays. */
export function zooOutputs(model: tf.LayersModel, entry: ZooModel): Float32Array[] {
  return tf.tidy(() => {
    const ys = model.predict(zooInputs(model, entry)) as tf.Tensor | tf.Tensor[];
    return [ys].flat().map((y) => y.dataSync() as Float32Array);
  });
}
