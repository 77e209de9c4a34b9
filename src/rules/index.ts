export { readBound } from "./bounds.js";
export {
  type AttentionRules,
  type Composite,
  type CompositeEntry,
  gradientComposite,
  rectifiedComposite,
  refusalsOf,
  rulesOf,
  withAttention,
} from "./composite.js";
export {
  deepTaylorComposite,
  type InnvestigateOptions,
  innvestigateComposite,
  presetRules,
  type RuleList,
} from "./innvestigate.js";
export {
  type AlphaBetaOptions,
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
} from "./lrp.js";
export { completeAlphaBeta, namedRule, type RuleSpec, ruleNames } from "./namedRules.js";
export { excitationComposite, ruleComposite, zennitComposite } from "./zennit.js";
