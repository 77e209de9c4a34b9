export { type DataFormat, extractConv2dPatches } from "./extractConv2dPatches.js";
export { assertFinite, isNotFinite } from "./finite.js";
export { type GradientsOptions, gradients } from "./gradients.js";
export { toFloatX } from "./toFloatX.js";
