export type { DataFormat } from "../ops/extractConv2dPatches.js";
export { assertFinite } from "../ops/finite.js";
export type { GradientsOptions } from "../ops/gradients.js";
export { extractConv2dPatches } from "./extractConv2dPatches.js";
export { gather } from "./gather.js";
export { gatherNd } from "./gatherNd.js";
export { gradients } from "./gradients.js";
export { isNotFinite } from "./isNotFinite.js";
export { toFloatX } from "./toFloatX.js";
