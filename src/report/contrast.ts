import { ArgumentError } from "../errors.js";

export interface ContrastOptions {
  /**
   * Magnitudes beyond this percentile of all magnitudes are drawn as it: a few outliers then do not leave the rest pale.
   * Default 100: nothing is clipped.
   */
  percentile?: number;
  /** r becomes sign(r) (|r| / max)^gamma max: below 1 small relevance is drawn stronger. Default 1. */
  gamma?: number;
}

/**
 * Relevance with its contrast changed, the largest magnitude and all signs kept. Zero stays zero, also where all is.
 *
 * @throws ArgumentError for a percentile that is not from 0 to 100, or a gamma that is not above 0
 * @source iNNvestigate visualizations.gamma and clip_quantile (whose gamma of zeros is NaN)
 */
export function changeContrast(
  values: Float64Array,
  { percentile = 100, gamma = 1 }: ContrastOptions,
): Float64Array {
  if (!(percentile >= 0 && percentile <= 100))
    throw new ArgumentError(`heatmap: expected a percentile from 0 to 100, got ${percentile}`);
  if (!(gamma > 0 && Number.isFinite(gamma)))
    throw new ArgumentError(`heatmap: expected a gamma above 0, got ${gamma}`);
  const limit = percentileOf(values.map(Math.abs), percentile);
  if (limit === 0) return values.map(() => 0);
  return values.map((v) => Math.sign(v) * (Math.min(1, Math.abs(v) / limit) ** gamma * limit));
}

/** Between the two nearest values linearly, as numpy. */
function percentileOf(values: Float64Array, percentile: number): number {
  const sorted = values.sort();
  const place = (percentile / 100) * (sorted.length - 1);
  const low = sorted[Math.floor(place)] as number;
  const high = sorted[Math.ceil(place)] as number;
  return low + (high - low) * (place - Math.floor(place));
}
