export { bottlenecks } from "./bottlenecks.js";
export { type LowerOptions, lower } from "./lower.js";
export {
  type Activations,
  type BackwardOptions,
  findNonFinite,
  type Reversed,
  type Rule,
  runBackward,
  runForward,
} from "./pass.js";
export { projected } from "./projected.js";
export {
  type LayerCallInfo,
  type Mapping,
  type Mappings,
  type ReversedModel,
  type ReversedTensors,
  type ReverseModelOptions,
  reverseModel,
} from "./reverseModel.js";
export type {
  BiasPart,
  Bound,
  Factor,
  InputPart,
  KernelPart,
  LinearRule,
  Share,
  Stabilizer,
  Term,
} from "./rule.js";
export { sumPerSample } from "./rule.js";
export {
  CHOICES,
  CONVOLUTIONS,
  KERNEL_STEPS,
  MOVES,
  nameOf,
  type Program,
  type Step,
  type StepKind,
  type StepWeights,
  SUMS,
} from "./steps.js";
