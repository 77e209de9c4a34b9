export { type DataFormat, extractConv2dPatches } from "./extractConv2dPatches.js";
export { assertFinite, isNotFinite } from "./finite.js";
export { gather, scatterAdd } from "./gather.js";
export { gatherNd } from "./gatherNd.js";
export { type GradientsOptions, gradients } from "./gradients.js";
export { int32Indices } from "./indices.js";
export { stabilise } from "./stabilise.js";
export { toFloatX } from "./toFloatX.js";
