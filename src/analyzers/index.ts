export { createAnalyzer, listAnalyzers } from "./createAnalyzer.js";
export type {
  AnalyzeOptions,
  Analyzer,
  AnalyzerInfo,
  Explanation,
  NeuronSelection,
  OptionInfo,
} from "./types.js";
