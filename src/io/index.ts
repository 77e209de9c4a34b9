export { type InspectedLayer, type InspectedModel, inspectModel } from "./inspectModel.js";
export { loadGraphModel } from "./loadGraphModel.js";
export { loadModel } from "./loadModel.js";
export { type LayersModelArtifacts, modelFromArtifacts } from "./modelFromArtifacts.js";
export { decodeNpy, encodeNpy } from "./npy.js";
export type { LoadModelOptions } from "./openModel.js";
export type { ModelSource } from "./openSource.js";
export { parseCsv } from "./parseCsv.js";
export { parseNestedArray } from "./parseNestedArray.js";
