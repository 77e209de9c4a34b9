import * as tf from "@tensorflow/tfjs";

/**
 * The networks that image models are measured by, at 224x224x3, with random weights: what is measured does not depend on
 * them. Without softmax, whose gradient nobody explains.
 */
export const models = { VGG16: vgg16, MobileNetV1: mobileNetV1, ResNet50: resNet50 };

type Tensor = tf.SymbolicTensor;
const apply = (layer: tf.layers.Layer, x: Tensor | Tensor[]) => layer.apply(x) as Tensor;
// Much faster drawn than the default, and as good here.
const kernelInitializer = () => tf.initializers.randomUniform({ minval: -0.02, maxval: 0.025 });

function vgg16(): tf.LayersModel {
  const input = tf.input({ shape: [224, 224, 3] });
  const blocks: [count: number, filters: number][] = [
    [2, 64],
    [2, 128],
    [3, 256],
    [3, 512],
    [3, 512],
  ];
  let x = input;
  for (const [count, filters] of blocks) {
    for (let i = 0; i < count; i++) x = conv(x, filters, 3, 1, "relu");
    x = apply(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }), x);
  }
  x = apply(tf.layers.flatten(), x);
  for (const units of [4096, 4096])
    x = apply(tf.layers.dense({ units, activation: "relu", kernelInitializer: kernelInitializer() }), x);
  x = apply(tf.layers.dense({ units: 1000, kernelInitializer: kernelInitializer() }), x);
  return tf.model({ inputs: input, outputs: x });
}

function mobileNetV1(): tf.LayersModel {
  const input = tf.input({ shape: [224, 224, 3] });
  let x = normalised(conv(input, 32, 3, 2, undefined, false), 6);
  const blocks: [filters: number, stride: number][] = [
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
    ...Array.from({ length: 5 }, (): [number, number] => [512, 1]),
    [1024, 2],
    [1024, 1],
  ];
  for (const [filters, strides] of blocks) {
    const depthwise = tf.layers.depthwiseConv2d({
      kernelSize: 3,
      strides,
      padding: "same",
      useBias: false,
      depthwiseInitializer: kernelInitializer(),
    });
    x = normalised(apply(depthwise, x), 6);
    x = normalised(conv(x, filters, 1, 1, undefined, false), 6);
  }
  x = apply(tf.layers.globalAveragePooling2d({}), x);
  x = apply(tf.layers.dense({ units: 1000, kernelInitializer: kernelInitializer() }), x);
  return tf.model({ inputs: input, outputs: x });
}

function resNet50(): tf.LayersModel {
  const input = tf.input({ shape: [224, 224, 3] });
  let x = normalised(conv(input, 64, 7, 2));
  x = apply(tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }), x);
  const stages: [filters: number, count: number, stride: number][] = [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ];
  for (const [filters, count, stride] of stages) {
    for (let i = 0; i < count; i++) {
      const strides = i === 0 ? stride : 1;
      const shortcut = i === 0 ? normalised(conv(x, 4 * filters, 1, strides), null) : x;
      let y = normalised(conv(x, filters, 1, strides));
      y = normalised(conv(y, filters, 3, 1));
      y = normalised(conv(y, 4 * filters, 1, 1), null);
      x = apply(tf.layers.reLU(), apply(tf.layers.add(), [shortcut, y]));
    }
  }
  x = apply(tf.layers.globalAveragePooling2d({}), x);
  x = apply(tf.layers.dense({ units: 1000, kernelInitializer: kernelInitializer() }), x);
  return tf.model({ inputs: input, outputs: x });
}

function conv(
  x: Tensor,
  filters: number,
  kernelSize: number,
  strides: number,
  activation?: "relu",
  useBias = true,
): Tensor {
  const config = { filters, kernelSize, strides, useBias, padding: "same" as const };
  const initializer = { kernelInitializer: kernelInitializer() };
  return apply(tf.layers.conv2d({ ...config, ...initializer, ...(activation ? { activation } : {}) }), x);
}

/** Batch normalisation and a ReLU, which ends at `max`; none where it is null. */
function normalised(x: Tensor, max?: number | null): Tensor {
  const y = apply(tf.layers.batchNormalization({}), x);
  if (max === null) return y;
  return apply(tf.layers.reLU(max === undefined ? {} : { maxValue: max }), y);
}
