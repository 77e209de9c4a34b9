export { type InspectedLayer, type InspectedModel, inspectModel } from "./inspectModel.js";
export { loadGraphModel } from "./loadGraphModel.js";
export { type LoadModelOptions, loadModel, type ModelSource } from "./loadModel.js";
export { type LayersModelArtifacts, modelFromArtifacts } from "./modelFromArtifacts.js";
export { decodeNpy, encodeNpy } from "./npy.js";
export { parseCsv } from "./parseCsv.js";
export { parseNestedArray } from "./parseNestedArray.js";
