export { type Composite, gradientComposite, lrpComposite, rulesOf } from "./composite.js";
export { epsilonRule, zRule } from "./lrp.js";
