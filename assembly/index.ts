/**
 * The kernels: pure functions over byte pointers into a memory that belongs to the host. No heap, no globals, no data,
 * no start function; the build (scripts/build.js) reads each compiled module and refuses one that has any of these.
 */

export { countNonFinite, finiteMask, firstNonFinite } from "./finite";
export { extractPatches, foldPatches } from "./patches";
