/** A probability in percent: `99.87 %`. What is not quite 0 or 1 never looks as if it were: `> 99.99 %`. */
export function formatProbability(p: number): string {
  if (p > 0 && p < 0.00005) return "< 0.01 %";
  if (p < 1 && p > 0.99995) return "> 99.99 %";
  return `${(p * 100).toFixed(2)} %`;
}

/** A small or large number in three digits, with a true minus sign: `−1.25e−7`. */
export function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  const plain = magnitude === 0 || !Number.isFinite(value) || (magnitude >= 0.001 && magnitude < 10_000);
  const text = plain ? String(Number(value.toPrecision(3))) : value.toExponential(2);
  return text.replaceAll("-", "−");
}

/** Milliseconds: `0.42 ms`, `12.3 ms`, `1,234 ms`. */
export function formatMs(ms: number): string {
  const digits = ms < 10 ? 2 : ms < 100 ? 1 : 0;
  return `${ms.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}
