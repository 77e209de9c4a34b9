/** What every figure is held against: the engine's own memory.copy. */
export function copy(dst: usize, src: usize, n: usize): void {
  memory.copy(dst, src, n);
}
