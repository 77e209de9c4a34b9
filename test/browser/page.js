// The page of browser.test.ts: what the README shows, and the core alone.
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import {
  createAnalyzer,
  extractConv2dPatches,
  gather,
  gatherNd,
  gradients,
  heatmap,
  init,
  isNotFinite,
  listAnalyzers,
  loadCore,
  modelWoSoftmax,
  toFloatX,
} from "tracelight";

/** @param {number[]} pixels a digit, 0 to 1 */
async function explain(pixels) {
  setWasmPaths(`${location.origin}/`);
  await init();
  const model = await tf.loadLayersModel("/model.json");
  const x = tf.tensor(pixels, [1, 28, 28, 1]);
  const logits = modelWoSoftmax(model);
  /** @type {Record<string, number[]>} */
  const relevances = {};
  for (const { name, options } of listAnalyzers()) {
    if (options.some(({ required }) => required)) continue;
    const relevance = createAnalyzer(name, logits).analyze(x);
    relevances[name] = [...relevance.dataSync()];
    if (name === "lrp.epsilon") draw(await /** @type {Promise<Float32Array>} */ (relevance.data()));
  }
  return { backend: tf.getBackend(), shared: tf.env().getBool("WASM_HAS_MULTITHREAD_SUPPORT"), relevances };
}

/** @param {Float32Array} data */
function draw(data) {
  const { pixels, width, height } = heatmap({ data, shape: [28, 28, 1] });
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("heatmap"));
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
}

async function coreAlone() {
  const core = await loadCore();
  return core.firstNonFinite(Float32Array.of(1, 2, Number.NaN));
}

/**
 * The seed's backend functions on a backend, and their gradients.
 * @param {string} backend
 */
async function backendFunctions(backend) {
  setWasmPaths(`${location.origin}/`);
  if (backend === "wasm") await init();
  else await tf.setBackend(backend);
  const x = tf.reshape(tf.range(0, 60), [1, 5, 6, 2]);
  const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
  const patches = (/** @type {tf.Tensor} */ t) => extractConv2dPatches(t, [3, 2], [2, 1], [1, 1], "same");
  const picks = (/** @type {tf.Tensor} */ t) => gather(t, -1, [1, 0, 1]);
  const tuples = (/** @type {tf.Tensor} */ t) =>
    gatherNd(t, [
      [2, 0],
      [0, 1],
      [2, 0],
    ]);
  const results = [
    patches(x),
    picks(table),
    tuples(table),
    isNotFinite(tf.tensor1d([1, Number.NaN, Number.POSITIVE_INFINITY])),
    toFloatX(tf.tensor1d([1, 2], "int32")),
    ...gradients(patches, x, tf.onesLike(patches(x))),
    ...gradients(picks, table, tf.onesLike(picks(table))),
    ...gradients(tuples, table, tf.onesLike(tuples(table))),
  ];
  const messages = [() => gather(table, 0, [3]), () => gatherNd(table, [[0, 2]])].map((call) => {
    try {
      call();
      return "";
    } catch (error) {
      return String(error);
    }
  });
  return { backend: tf.getBackend(), values: results.map((y) => [...y.dataSync()]), messages };
}

/** What init says where the backend's workers are blocked. */
async function blockedInit() {
  setWasmPaths(`${location.origin}/`);
  try {
    await init({ timeout: 1500 });
    return "";
  } catch (error) {
    return String(error);
  }
}

Object.assign(window, { explain, coreAlone, backendFunctions, blockedInit });
