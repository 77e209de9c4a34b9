/**
 * Normal random numbers, the same for the same seed everywhere: a counter hashed (mulberry32) and Box and Muller's
 * transformation.
 */
export function normalNoise(seed: number, size: number): Float32Array {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const values = new Float32Array(size + (size % 2));
  for (let i = 0; i < values.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    values[i] = radius * Math.cos(angle);
    values[i + 1] = radius * Math.sin(angle);
  }
  return values.subarray(0, size);
}

/** One seed of several numbers. */
export function mixedSeed(...numbers: readonly number[]): number {
  return numbers.reduce((seed, n) => Math.imul(seed ^ (n + 0x9e3779b9), 0x85ebca6b) >>> 0, 0x2545f491);
}
