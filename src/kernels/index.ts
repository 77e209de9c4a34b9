export { installKernels, uninstallKernels } from "./installKernels.js";
