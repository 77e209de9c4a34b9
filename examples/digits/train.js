/**
 * npm run train:digits: trains the digits network and writes it to model/, in a few minutes on one core.
 */
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { init } from "tracelight";
import { loadLayersModel, saveLayersModel } from "tracelight/node";
import { bend } from "./augment.js";
import { CLASSES, loadDigits, PIXELS, SIDE } from "./data.js";
import { randomSource, shuffled } from "./random.js";

const SEED = 1;
const EPOCHS = 25;
const BATCH = 64;
/** The learning rate sinks from here to zero along half a cosine. */
const LEARNING_RATE = 3e-3;
const DIRECTORY = fileURLToPath(new URL("model", import.meta.url));

// Adds to the WASM backend the gradient of a convolution for its filter, which tfjs lacks there.
await init();

const { train, heldBack } = loadDigits();
const random = randomSource(SEED);
const model = createModel();
const optimizer = tf.train.adam(LEARNING_RATE);
model.compile({ optimizer, loss: "categoricalCrossentropy" });
console.log(`${train.count} digits to train on, ${model.countParams()} parameters`);

for (let epoch = 0; epoch < EPOCHS; epoch++) {
  const start = performance.now();
  const loss = await trainEpoch(epoch);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`epoch ${epoch + 1} of ${EPOCHS}: loss ${loss.toFixed(4)}, ${seconds} s`);
}

await saveLayersModel(model, DIRECTORY);
// What counts is the model on disk, so that is the one measured.
const { right, certainty } = measure(await loadLayersModel(DIRECTORY));
const percent = ((100 * right) / heldBack.count).toFixed(1);
console.log(`mean probability of the right class: ${certainty.toFixed(4)}`);
console.log(`held back: ${right} of ${heldBack.count} right, ${percent} %`);

function createModel() {
  let seed = SEED;
  const start = () => ({
    kernelInitializer: tf.initializers.heNormal({ seed: seed++ }),
    activation: /** @type {const} */ ("relu"),
  });
  return tf.sequential({
    name: "digits",
    layers: [
      tf.layers.conv2d({
        name: "conv1",
        inputShape: [SIDE, SIDE, 1],
        filters: 12,
        kernelSize: 5,
        ...start(),
      }),
      tf.layers.maxPooling2d({ name: "pool1", poolSize: 2 }),
      tf.layers.conv2d({ name: "conv2", filters: 24, kernelSize: 5, ...start() }),
      tf.layers.maxPooling2d({ name: "pool2", poolSize: 2 }),
      tf.layers.flatten({ name: "flatten" }),
      tf.layers.dense({ name: "dense1", units: 96, ...start() }),
      // Seeded, tfjs draws the same masks in each step, one a place in the batch; the digits there change.
      tf.layers.dropout({ name: "dropout", rate: 0.25, seed: SEED }),
      tf.layers.dense({ name: "dense2", units: CLASSES, ...start(), activation: "softmax" }),
    ],
  });
}

/**
 * One pass over all digits, each bent anew. Resolves to the mean loss.
 *
 * @param {number} epoch
 */
async function trainEpoch(epoch) {
  const order = shuffled(train.count, random);
  const images = new Float32Array(BATCH * PIXELS);
  const labels = new Int32Array(BATCH);
  const steps = Math.floor(train.count / BATCH);
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    order.slice(step * BATCH, (step + 1) * BATCH).forEach((digit, i) => {
      const image = train.images.subarray(digit * PIXELS, (digit + 1) * PIXELS);
      bend(image, images.subarray(i * PIXELS, (i + 1) * PIXELS), random);
      labels.set(train.labels.subarray(digit, digit + 1), i);
    });
    setLearningRate((LEARNING_RATE * (1 + Math.cos((Math.PI * (epoch + step / steps)) / EPOCHS))) / 2);
    const xs = tf.tensor4d(images, [BATCH, SIDE, SIDE, 1]);
    const ys = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES));
    sum += Number(await model.trainOnBatch(xs, ys));
    tf.dispose([xs, ys]);
  }
  return sum / steps;
}

/** @param {number} rate */
function setLearningRate(rate) {
  // Adam reads this field in each step, but tfjs has a setter for it on SGD alone.
  /** @type {{ learningRate: number }} */ (/** @type {unknown} */ (optimizer)).learningRate = rate;
}

/** @param {tf.LayersModel} read */
function measure(read) {
  return tf.tidy(() => {
    const xs = tf.tensor4d(heldBack.images, [heldBack.count, SIDE, SIDE, 1]);
    const labels = tf.tensor1d(heldBack.labels, "int32");
    const ys = /** @type {tf.Tensor} */ (read.predict(xs));
    const right = tf.sum(tf.equal(tf.argMax(ys, 1), labels)).dataSync()[0] ?? 0;
    const certainty = tf.mean(tf.sum(tf.mul(ys, tf.oneHot(labels, CLASSES)), 1)).dataSync()[0] ?? 0;
    return { right, certainty };
  });
}
