export { createAnalyzer, listAnalyzers } from "./createAnalyzer.js";
export { methodSupport, type NodeSupport } from "./methodSupport.js";
export type {
  AnalyzeOptions,
  Analyzer,
  AnalyzerInfo,
  Explanation,
  Inputs,
  NeuronSelection,
  OptionInfo,
  RelevanceOf,
} from "./types.js";
