export { type LayersModelArtifacts, modelFromArtifacts } from "./modelFromArtifacts.js";
export { decodeNpy, encodeNpy } from "./npy.js";
export { parseNestedArray } from "./parseNestedArray.js";
