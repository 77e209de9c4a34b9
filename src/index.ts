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
export { registerLayers } from "./layers/registerLayers.js";
export * from "./report/index.js";
export {
  type LayerCallInfo,
  type LinearRule,
  type Mapping,
  type Mappings,
  type ReversedModel,
  type ReversedTensors,
  type ReverseModelOptions,
  reverseModel,
} from "./reverse/index.js";
export {
  alphaBetaRule,
  alphaBetaXRule,
  boundedRule,
  deviationRule,
  epsilonRule,
  flatRule,
  gammaRule,
  signRule,
  wSquareRule,
  zPlusFastRule,
  zRule,
} from "./rules/index.js";
