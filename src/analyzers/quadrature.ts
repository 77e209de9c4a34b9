/** Points of [0, 1] and what each counts. */
export interface Quadrature {
  readonly points: readonly number[];
  readonly weights: readonly number[];
}

/**
 * How a path from 0 to 1 is sampled in n points. `left`, `right`, `middle` and `trapezoid` are the sums of those names,
 * `endpoints` is the plain mean over n points from 0 to 1, both included (SIGNXAI), `gausslegendre` is exact for
 * polynomials up to degree 2 n - 1. The names beginning with `riemann_` are captum's, whose trapezoid divides by n and not
 * by n - 1, so that its weights add up to (n - 1) / n.
 */
export const quadratures: Readonly<Record<string, (n: number) => Quadrature>> = {
  left: (n) => even(n, (k) => k / n),
  right: (n) => even(n, (k) => (k + 1) / n),
  middle: (n) => even(n, (k) => (k + 0.5) / n),
  trapezoid: (n) => trapezoid(n, n - 1),
  endpoints: (n) => even(n, (k) => k / (n - 1)),
  gausslegendre: gaussLegendre,
  riemann_left: (n) => even(n, (k) => k / n),
  riemann_right: (n) => even(n, (k) => (k + 1) / n),
  riemann_middle: (n) => even(n, (k) => (k + 0.5) / n),
  riemann_trapezoid: (n) => trapezoid(n, n),
};

/** Those that need two points at least. */
export const NEED_TWO = ["trapezoid", "endpoints", "riemann_trapezoid"];

function even(n: number, point: (k: number) => number): Quadrature {
  const points = Array.from({ length: n }, (_, k) => point(k));
  return { points, weights: points.map(() => 1 / n) };
}

function trapezoid(n: number, whole: number): Quadrature {
  const points = Array.from({ length: n }, (_, k) => k / (n - 1));
  return { points, weights: points.map((_, k) => (k === 0 || k === n - 1 ? 0.5 : 1) / whole) };
}

/** Zeros of the Legendre polynomial P_n by Newton's method, moved from [-1, 1] to [0, 1]. */
function gaussLegendre(n: number): Quadrature {
  const nodes = Array.from({ length: n }, (_, k) => {
    let x = -Math.cos((Math.PI * (k + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let round = 0; round < 100; round++) {
      let [before, value] = [1, x];
      for (let degree = 2; degree <= n; degree++) {
        [before, value] = [value, ((2 * degree - 1) * x * value - (degree - 1) * before) / degree];
      }
      slope = n === 1 ? 1 : (n * (x * value - before)) / (x * x - 1);
      const step = (n === 1 ? x : value) / slope;
      x -= step;
      if (Math.abs(step) < 1e-15) break;
    }
    return { point: (x + 1) / 2, weight: 1 / ((1 - x * x) * slope * slope) };
  });
  return { points: nodes.map((node) => node.point), weights: nodes.map((node) => node.weight) };
}
