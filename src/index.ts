export {
  type AnalyzeOptions,
  type Analyzer,
  type AnalyzerInfo,
  createAnalyzer,
  type Explanation,
  type Inputs,
  listAnalyzers,
  type NeuronSelection,
  type OptionInfo,
  type RelevanceOf,
} from "./analyzers/index.js";
export * from "./checks/index.js";
export { type Core, type LoadCoreOptions, loadCore } from "./core/index.js";
export * from "./errors.js";
export * from "./graph/index.js";
export * from "./io/index.js";
export * from "./kernels/index.js";
export { registerLayers } from "./layers/registerLayers.js";
export * from "./ops/index.js";
export * from "./report/index.js";
