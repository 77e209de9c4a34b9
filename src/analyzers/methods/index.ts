import type { MethodEntry } from "../method.js";
import { controlMethods, functionMethods } from "./functionMethods.js";
import { mapMethods } from "./mapMethods.js";
import { relevanceMethods } from "./relevanceMethods.js";

/** Every method, in the order in which they are listed. */
export const METHODS: readonly MethodEntry[] = [
  ...functionMethods,
  ...relevanceMethods,
  ...mapMethods,
  ...controlMethods,
];
