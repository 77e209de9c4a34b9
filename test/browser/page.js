// The page of browser.test.ts: what the README shows, and the core alone.
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { createAnalyzer, heatmap, init, listAnalyzers, loadCore, modelWoSoftmax } from "tracelight";

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

Object.assign(window, { explain, coreAlone });
