import * as tf from "@tensorflow/tfjs";
import { copyModel, getModelExecutionTrace, subModel, traceModelExecution } from "../src/graph/index.js";
import { init } from "../src/kernels/index.js";
import { type Case, type Measured, measure } from "./harness.js";

const l = tf.layers;

/** A chain of so many dense layers. */
function chain(layers: number): tf.LayersModel {
  const x = tf.input({ shape: [2] });
  let y = x;
  for (let i = 0; i < layers; i++)
    y = l.dense({ units: 2, kernelInitializer: "zeros" }).apply(y) as tf.SymbolicTensor;
  return tf.model({ inputs: x, outputs: y });
}

/** A block of five layers, used so many times. */
function nested(uses: number): tf.LayersModel {
  const block = tf.sequential({
    layers: Array.from({ length: 5 }, (_, i) =>
      l.dense({ units: 2, kernelInitializer: "zeros", ...(i === 0 && { inputShape: [2] }) }),
    ),
  });
  const x = tf.input({ shape: [2] });
  let y = x;
  for (let i = 0; i < uses; i++) y = block.apply(y) as tf.SymbolicTensor;
  return tf.model({ inputs: x, outputs: y });
}

/** VGG16 for images of 224 x 224, with weights of zero. */
function vgg16(): tf.LayersModel {
  const zeros = { kernelInitializer: "zeros" as const, activation: "relu" as const };
  const layers: tf.layers.Layer[] = [l.inputLayer({ inputShape: [224, 224, 3] })];
  for (const [filters, convolutions] of [
    [64, 2],
    [128, 2],
    [256, 3],
    [512, 3],
    [512, 3],
  ] as const) {
    for (let i = 0; i < convolutions; i++)
      layers.push(l.conv2d({ filters, kernelSize: 3, padding: "same", ...zeros }));
    layers.push(l.maxPooling2d({ poolSize: 2, strides: 2 }));
  }
  layers.push(l.flatten(), l.dense({ units: 4096, ...zeros }), l.dense({ units: 4096, ...zeros }));
  layers.push(l.dense({ units: 1000, ...zeros, activation: "softmax" }));
  return tf.sequential({ layers });
}

/** Traces of chains and of a nested block of growing size; copies of VGG16 beside its forward pass on our WASM kernels. */
export default async function graph(): Promise<Measured[]> {
  await init();
  const traced = (name: string, models: [string, tf.LayersModel][]): Case => ({
    name,
    contenders: models.map(([size, model]) => ({ name: size, run: () => getModelExecutionTrace(model) })),
  });
  const vgg = vgg16();
  const image = tf.zeros([1, 224, 224, 3]);
  const beforeLast = vgg.layers.at(-2)?.name as string;
  const results = [
    ...(await measure(
      traced(
        "trace of a chain",
        [1000, 2000, 4000].map((n) => [`${n} layers`, chain(n)]),
      ),
    )),
    ...(await measure(
      traced(
        "trace of a block of 5",
        [200, 400, 800].map((n) => [`${n} uses`, nested(n)]),
      ),
    )),
  ];
  const copies: Case = {
    name: "VGG16",
    contenders: [
      { name: "forward pass", run: () => tf.tidy(() => (vgg.predict(image) as tf.Tensor).dataSync()) },
      { name: "copyModel", run: () => copyModel(vgg).dispose() },
      { name: "subModel", run: () => subModel(vgg, { to: beforeLast }).dispose() },
      {
        name: "trace on copied layers",
        run: () => {
          for (const layer of traceModelExecution(vgg, { reapplyOnCopiedLayers: true }).layers)
            layer.dispose();
        },
      },
    ],
  };
  return [...results, ...(await measure(copies, { rounds: 3 }))];
}
