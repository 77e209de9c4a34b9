export { lower } from "./lower.js";
export { type Activations, type Reversed, type Rule, runBackward, runForward } from "./pass.js";
export type { BiasPart, InputPart, KernelPart, LinearRule, Share, Stabilizer } from "./rule.js";
export { sumPerSample } from "./rule.js";
export { nameOf, type Program, type Step, type StepKind } from "./steps.js";
