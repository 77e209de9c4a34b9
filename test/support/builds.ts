import type { Core } from "../../src/core/index.js";
import { loadCore } from "../../src/core/index.js";

/** A core on each build of the kernels: what holds for one must hold for both. */
export const builds: readonly { build: string; core: Core }[] = [
  { build: "simd", core: await loadCore({ simd: true }) },
  { build: "scalar", core: await loadCore({ simd: false }) },
];
