/**
 * The kernels that only TensorFlow.js's backend is given: products and gradients of layers. A module of their own, so that
 * who uses the movers alone does not load them; the same laws hold (see ../index.ts).
 */
export { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise";
export { filterGradient, filterGradientScratch } from "./filterGradient";
export { flipFilter } from "./flipFilter";
export { maskGradient } from "./mask";
export { multiplyTransposed } from "./matmul";
export { averagePoolGradient, maxPoolGradient } from "./pooling";
export { stabilise } from "./stabilise";
