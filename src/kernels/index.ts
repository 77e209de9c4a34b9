export { backendReady } from "./backendReady.js";
export { type InitOptions, init } from "./init.js";
export { installKernels, uninstallKernels } from "./installKernels.js";
