export { loadLayersModel } from "./loadModel.js";
export { type InputArray, type ReadInputOptions, readInput } from "./readInput.js";
export { saveLayersModel, saveModel } from "./saveModel.js";
export { type SvgToPngOptions, svgToPng } from "./svgToPng.js";
export { writeFileAtomic } from "./writeFile.js";
