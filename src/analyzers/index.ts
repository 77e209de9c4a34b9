export { createAnalyzer, listAnalyzers, loadAnalyzer } from "./createAnalyzer.js";
export { methodSupport, type NodeSupport } from "./methodSupport.js";
export type {
  AnalyzeOptions,
  Analyzer,
  AnalyzerInfo,
  AnalyzerSettings,
  AsyncOptions,
  ExplainOptions,
  Explanation,
  Inputs,
  NeuronSelection,
  OptionInfo,
  RelevanceOf,
} from "./types.js";
