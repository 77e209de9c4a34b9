export {
  type AnalyzeOptions,
  type Analyzer,
  type AnalyzerInfo,
  type AnalyzerSettings,
  type AsyncOptions,
  createAnalyzer,
  type ExplainOptions,
  type Explanation,
  type Inputs,
  listAnalyzers,
  loadAnalyzer,
  methodSupport,
  type NeuronSelection,
  type NodeSupport,
  type OptionInfo,
  type RelevanceOf,
} from "./analyzers/index.js";
export { apply, type LayerInput } from "./apply.js";
export * from "./backend/index.js";
export { type Broadcastable, broadcastNpTensorsToKerasTensors, type NestedNumbers } from "./broadcast.js";
export * from "./checks/index.js";
export { type Core, type LoadCoreOptions, loadCore } from "./core/index.js";
export * from "./errors.js";
export * from "./graph/index.js";
export * from "./io/index.js";
export * from "./kernels/index.js";

export * from "./report/index.js";
