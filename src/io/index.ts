export { type LayersModelArtifacts, modelFromArtifacts } from "./modelFromArtifacts.js";
export { parseNestedArray } from "./parseNestedArray.js";
export { decodeNpy, encodeNpy } from "./npy.js";
