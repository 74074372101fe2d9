// Order statistics: on a machine that others use too, a mean is what the worst moment makes of it.

/**
 * @typedef {{ median: number, q1: number, q3: number, min: number, max: number }} Summary
 */

/**
 * Sums up figures by their quartiles; undefined where there are none.
 * @param {readonly number[]} values
 * @returns {Summary | undefined}
 */
export function summarize(values) {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
    min: sorted[0],
    max: sorted[sorted.length - 1],
  };
}

/** Interpolates between the two nearest ranks, as spreadsheets do. */
function quantile(sorted, q) {
  const rank = (sorted.length - 1) * q;
  const below = Math.floor(rank);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - below);
}
