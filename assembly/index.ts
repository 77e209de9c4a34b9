/**
 * The kernels: pure functions over byte pointers into a memory that belongs to the host. No heap, no globals, no data,
 * no start function; the build (scripts/build.js) reads each compiled module and refuses one that has any of these.
 */
export { repeat, sumRows } from "./broadcast";
export { boolToWord, floatToBool, floatToInt, intToBool, intToFloat } from "./cast";
export { countNonFinite, finiteMask, firstNonFinite, nonFiniteMask } from "./finite";
export { gather, scatterAdd } from "./gather";
export { gatherNd, scatterNdAdd } from "./gatherNd";
export { extractPatches, foldPatches } from "./patches";
export { moveRows, transposePlanes } from "./transpose";
