/**
 * npm start: the digits model's trace, ten held-back digits explained by every method there is, and what came of it as
 * one picture and one report in out/.
 */
import { mkdir } from "node:fs/promises";
import { relative } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import {
  createAnalyzer,
  getModelExecutionGraph,
  heatmap,
  htmlReport,
  init,
  inputImage,
  listAnalyzers,
  modelWoSoftmax,
  printModelExecutionGraph,
  sheetSvg,
} from "tracelight";
import { loadLayersModel, svgToPng, writeFileAtomic } from "tracelight/node";
import { PIXELS, SIDE, tenDigits } from "./data.js";

const FOLDER = fileURLToPath(new URL("out/", import.meta.url));
const TITLE = "Why the network read these digits as it did";

await init();
const model = await loadLayersModel(fileURLToPath(new URL("model", import.meta.url)));
const traceText = printModelExecutionGraph(getModelExecutionGraph(model, { keepInputLayers: true }));

const logits = modelWoSoftmax(model);
/** What some methods must be told: the range of the pixels, rules, how many passes. */
const OPTIONS = /** @type {Record<string, Record<string, unknown>>} */ ({
  lrp: {
    rule: [
      [["Dense"], { rule: "Epsilon", epsilon: 0.25 }],
      [["*"], "Gamma"],
    ],
  },
  "lrp.alpha_beta": { alpha: 3 },
  "lrp.epsilon_gamma_box": { low: 0, high: 1 },
  "deep_taylor.bounded": { low: 0, high: 1 },
  "lrp.sequential_preset_b_flat_until_idx": { untilLayerIdx: 1 },
  smoothgrad: { augmentByN: 16, noiseScale: 0.1 },
  smoothgrad_sq: { augmentByN: 16, noiseScale: 0.1 },
  vargrad: { augmentByN: 16, noiseScale: 0.1 },
  integrated_gradients: { steps: 16 },
});
/** Other names of methods that are there already. */
const TWICE = ["gradient.baseline"];
const FAMILIES = {
  function: "Gradients",
  signal: "Signals",
  relevance: "Relevance propagation",
  map: "Maps of activations",
};
const order = Object.keys(FAMILIES);
const methods = listAnalyzers()
  .filter(({ name }) => !TWICE.includes(name))
  .sort((a, b) => order.indexOf(a.family) - order.indexOf(b.family));
const analyzers = methods.map(({ name }) => createAnalyzer(name, logits, OPTIONS[name]));
const digits = tenDigits();
// The first run of each method compiles what the later ones use; it is not what a figure should show.
tf.tidy(() => analyzers.map((analyzer) => analyzer.analyze(tf.zeros([1, SIDE, SIDE, 1]))));

console.log(`\n${line(["digit", "read as", "probability", "method", "gap", "ms"])}`);
const rows = Array.from({ length: digits.count }, (_, i) => explainDigit(i));

await mkdir(FOLDER, { recursive: true });
await writeFileAtomic(`${FOLDER}digits.png`, await svgToPng(sheetSvg(sheet())));
const subtitle =
  "Ten handwritten digits that the network did not train on, and what of each spoke for the class it saw.";
await writeFileAtomic(
  `${FOLDER}report.html`,
  htmlReport({
    title: TITLE,
    subtitle,
    columns: ["digit", ...methods.map(({ name }) => name)],
    groups: ["", ...methods.map(({ family }) => FAMILIES[family])],
    rows,
    traceText,
  }),
);
const shown = relative(process.cwd(), FOLDER) || ".";
console.log(`\npicture: ${shown}/digits.png\nreport:  ${shown}/report.html`);

/** One picture of everything: a column a digit, a row a method, the methods of one family together. */
function sheet() {
  const line = (/** @type {number} */ i) =>
    rows.map(({ cells }) => ({ image: /** @type {typeof cells[0]} */ (cells[i]).image }));
  return {
    title: TITLE,
    // Without a space before the sign, which would go to a line of its own.
    columns: rows.map(({ sublabel }) => sublabel.replace(", ", ": ").replace(" %", "%")),
    rows: [
      { label: "digit", cells: line(0) },
      ...methods.map(({ name, family }, i) => ({ label: name, group: FAMILIES[family], cells: line(i + 1) })),
    ],
    cellSize: 56,
    panels: 2,
  };
}

/**
 * One sample of the report: the digit, and a heatmap a method.
 *
 * @param {number} index
 */
function explainDigit(index) {
  const image = { data: digits.images.slice(index * PIXELS, (index + 1) * PIXELS), shape: [SIDE, SIDE, 1] };
  const x = tf.tensor(image.data, [1, SIDE, SIDE, 1]);
  const probabilities = tf.tidy(() => /** @type {tf.Tensor} */ (model.predict(x)).dataSync());
  const label = String(digits.labels[index]);
  const results = analyzers.map((analyzer) => {
    const start = performance.now();
    const explanation = analyzer.explain(x);
    const relevance = explanation.relevance;
    const data = /** @type {Float32Array} */ (relevance.dataSync());
    const ms = performance.now() - start;
    const className = String(explanation.neuron?.[0]);
    const probability = probabilities[Number(className)] ?? 0;
    const delta = explanation.delta?.[0] ?? null;
    explanation.dispose();
    console.log(
      line([
        label,
        className,
        probability.toFixed(4),
        analyzer.name,
        delta?.toExponential(1) ?? "-",
        ms.toFixed(1),
      ]),
    );
    const details = { method: analyzer.name, className, probability, delta, ms };
    return { image: heatmap({ data, shape: image.shape }), details };
  });
  x.dispose();
  const [first] = results;
  return {
    label,
    sublabel: `read as ${first?.details.className}, ${(100 * (first?.details.probability ?? 0)).toFixed(1)} %`,
    cells: [{ image: inputImage(image) }, ...results],
  };
}

/** @param {string[]} cells */
function line([digit = "", className = "", probability = "", method = "", gap = "", ms = ""]) {
  return [
    digit.padEnd(5),
    className.padEnd(7),
    probability.padEnd(11),
    method.padEnd(38),
    gap.padStart(8),
    ms.padStart(6),
  ].join("  ");
}
